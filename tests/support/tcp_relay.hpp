// A stretch of network between two TCP ports that a test can break.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace raft::test {

/// Listens on a free port of the loopback and passes on what comes, both ways.
class TcpRelay {
 public:
  /// `target` tells for each connection where it goes at that moment.
  TcpRelay(boost::asio::io_context& context,
           std::function<boost::asio::ip::tcp::endpoint()> target);
  ~TcpRelay();
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  std::string address() const;

  /// Resets all connections.
  void cut();
  /// Lets the present connections stand still: no byte passes, not even that one side closed.
  void freeze();
  /// Connections that are open at both ends.
  std::size_t open_connections() const;

 private:
  class Line;

  void accept_next();

  boost::asio::ip::tcp::acceptor acceptor_;
  std::function<boost::asio::ip::tcp::endpoint()> target_;
  std::vector<std::shared_ptr<Line>> lines_;
};

}  // namespace raft::test
