// A client that sends exactly the bytes it is given and shows exactly the bytes that come back.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace http_test {

/// Runs the context, on which the server lives, until the condition holds. False: after ten
/// seconds it still does not.
bool run_until(boost::asio::io_context& context, const std::function<bool()>& condition);

/// One reply, taken apart as far as tests need it.
struct RawReply {
  int status = 0;
  std::string head;  ///< With its final empty line.
  std::string body;

  /// The value of a field, by its exact name; empty when it is not there.
  std::string field(std::string_view name) const;
  bool has_field(std::string_view name) const;
};

class RawClient {
 public:
  RawClient(boost::asio::io_context& context, unsigned short port);

  /// Hands the bytes to the kernel, running the server while its buffers are full.
  void send(std::string_view bytes);
  /// The next reply in order. `head_only`: it answers HEAD. Status 0: closed, or none came.
  RawReply receive(bool head_only = false);
  RawReply ask(std::string_view bytes, bool head_only = false) {
    send(bytes);
    return receive(head_only);
  }

  /// Whether the server closes the connection; everything before that is read.
  bool is_closed_by_server();
  /// Takes what has come without waiting.
  void take();
  const std::string& unread() const { return received_; }
  bool ended() const { return ended_; }

  void close_sending();
  void close();
  boost::asio::ip::tcp::socket& socket() { return socket_; }

 private:
  boost::asio::io_context& context_;
  boost::asio::ip::tcp::socket socket_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace http_test
