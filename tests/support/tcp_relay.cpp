#include "support/tcp_relay.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace raft::test {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// One connection through the relay: two sockets and a buffer for each direction.
class TcpRelay::Line : public std::enable_shared_from_this<Line> {
 public:
  explicit Line(tcp::socket from) : from_(std::move(from)), to_(from_.get_executor()) {}

  void start(const tcp::endpoint& target) {
    to_.async_connect(target, [self = shared_from_this()](const error_code& error) {
      if (error) {
        return self->reset();
      }
      self->is_connected_ = true;
      self->pass(self->from_, self->to_, self->there_);
      self->pass(self->to_, self->from_, self->back_);
    });
  }

  void reset() {
    for (tcp::socket* socket : {&from_, &to_}) {
      error_code ignored;
      socket->set_option(tcp::socket::linger(true, 0), ignored);
      socket->close(ignored);
    }
  }

  void freeze() { is_frozen_ = true; }
  bool is_open() const { return is_connected_ && from_.is_open() && to_.is_open(); }

 private:
  using Buffer = std::array<char, 65536>;

  void pass(tcp::socket& in, tcp::socket& out, Buffer& buffer) {
    in.async_read_some(boost::asio::buffer(buffer), [self = shared_from_this(), &in, &out, &buffer](
                                                        const error_code& error, std::size_t size) {
      if (self->is_frozen_) {
        return;
      }
      if (error) {
        return self->end();
      }
      boost::asio::async_write(out, boost::asio::buffer(buffer, size),
                               [self, &in, &out, &buffer](const error_code& failed, std::size_t) {
                                 if (failed) {
                                   return self->end();
                                 }
                                 self->pass(in, out, buffer);
                               });
    });
  }

  // In order, so that what was sent before still arrives.
  void end() {
    error_code ignored;
    from_.close(ignored);
    to_.close(ignored);
  }

  tcp::socket from_;
  tcp::socket to_;
  Buffer there_{};
  Buffer back_{};
  bool is_connected_ = false;
  bool is_frozen_ = false;
};

TcpRelay::TcpRelay(boost::asio::io_context& context, std::function<tcp::endpoint()> target)
    : acceptor_(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
      target_(std::move(target)) {
  accept_next();
}

TcpRelay::~TcpRelay() { cut(); }

std::string TcpRelay::address() const {
  return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
}

void TcpRelay::cut() {
  for (const auto& line : lines_) {
    line->reset();
  }
  lines_.clear();
}

void TcpRelay::freeze() {
  for (const auto& line : lines_) {
    line->freeze();
  }
}

std::size_t TcpRelay::open_connections() const {
  return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(),
                                                [](const auto& line) { return line->is_open(); }));
}

void TcpRelay::accept_next() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == boost::asio::error::operation_aborted) {
      return;
    }
    if (!error) {
      lines_.push_back(std::make_shared<Line>(std::move(socket)));
      lines_.back()->start(target_());
    }
    accept_next();
  });
}

}  // namespace raft::test
