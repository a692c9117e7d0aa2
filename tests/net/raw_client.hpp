// A socket in the hands of a test: says what it likes on a node's port.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <utility>

#include <libraft/types.hpp>
#include "net/address.hpp"

namespace raft::test {

class RawClient {
 public:
  RawClient(boost::asio::io_context& context, const std::string& address) : socket_(context) {
    const net::Address to = *net::parse_address(address);
    socket_.connect({boost::asio::ip::make_address(to.host), to.port});
    read();
  }

  /// False: the other side no longer takes it.
  bool write(BytesView bytes) {
    boost::system::error_code error;
    boost::asio::write(socket_, boost::asio::buffer(bytes), error);
    return !error;
  }
  const Bytes& got() const { return *got_; }
  bool is_closed_by_peer() const { return *is_closed_; }

 private:
  void read() {
    socket_.async_read_some(boost::asio::buffer(*buffer_),
                            [this, buffer = buffer_, got = got_, is_closed = is_closed_](
                                const boost::system::error_code& error, std::size_t size) {
                              if (error == boost::asio::error::operation_aborted) {
                                return;
                              }
                              if (error) {
                                *is_closed = true;
                                return;
                              }
                              got->append(buffer->data(), size);
                              read();
                            });
  }

  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<std::array<char, 4096>> buffer_ = std::make_shared<std::array<char, 4096>>();
  std::shared_ptr<Bytes> got_ = std::make_shared<Bytes>();
  std::shared_ptr<bool> is_closed_ = std::make_shared<bool>(false);
};

}  // namespace raft::test
