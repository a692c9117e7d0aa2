#include "net/listener.hpp"

#include <boost/asio/error.hpp>
#include <chrono>
#include <utility>

#include "net/socket_options.hpp"

namespace raft::net {

using Tcp = boost::asio::ip::tcp;
using boost::system::error_code;

Listener::Listener(const boost::asio::any_io_executor& executor, Accepted accepted, util::Log log)
    : acceptor_(executor),
      pause_(executor),
      accepted_(std::move(accepted)),
      log_(std::move(log)),
      throttle_(std::chrono::seconds(10)) {}

Result<void> Listener::open(const std::string& address) {
  const Result<Address> parsed = parse_address(address);
  if (!parsed) {
    return parsed.error();
  }
  if (Result<void> bound = bind(*parsed); !bound) {
    error_code ignored;
    acceptor_.close(ignored);
    return bound;
  }
  close_on_exec(acceptor_);
  accept_next();
  return {};
}

void Listener::close() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

std::string Listener::address() const { return acceptor_.is_open() ? to_string(address_) : ""; }

Result<void> Listener::bind(const Address& address) {
  error_code error;
  Tcp::resolver resolver(acceptor_.get_executor());
  const auto resolved =
      resolver.resolve(address.host, std::to_string(address.port), Tcp::resolver::passive, error);
  // A name may stand for addresses that this machine does not have, or for two of one kind each.
  // IPv4 comes first: who listens on "localhost" expects to be found at 127.0.0.1.
  for (const bool wants_v4 : {true, false}) {
    for (const auto& candidate : resolved) {
      const Tcp::endpoint endpoint = candidate.endpoint();
      if (endpoint.address().is_v4() == wants_v4 && !bind(endpoint, error)) {
        address_ = {address.host, acceptor_.local_endpoint(error).port()};
        return {};
      }
    }
  }
  return Error{Errc::invalid_argument,
               "cannot listen on " + to_string(address) + ": " + error.message()};
}

error_code Listener::bind(const Tcp::endpoint& endpoint, error_code& error) {
  acceptor_.close(error);
  if (acceptor_.open(endpoint.protocol(), error)) {
    return error;
  }
  // Without it a restarted node could not listen while connections of its last life linger.
  if (acceptor_.set_option(Tcp::acceptor::reuse_address(true), error)) {
    return error;
  }
  if (acceptor_.bind(endpoint, error)) {
    return error;
  }
  return acceptor_.listen(Tcp::acceptor::max_listen_connections, error);
}

void Listener::accept_next() {
  acceptor_.async_accept([self = shared_from_this()](const error_code& error, Tcp::socket socket) {
    if (!self->acceptor_.is_open()) {
      return;
    }
    if (!error) {
      self->accepted_(std::move(socket));
    } else if (error != boost::asio::error::connection_aborted) {
      const auto line =
          self->throttle_.pass(error.message(), "cannot accept a connection: " + error.message(),
                               std::chrono::steady_clock::now().time_since_epoch());
      if (line) {
        RAFT_LOG(self->log_, warning, *line);
      }
      return self->pause();
    }
    if (self->acceptor_.is_open()) {
      self->accept_next();
    }
  });
}

// Out of file descriptors or memory: the connection stays in the system's queue, and accepting it
// at once would fail again, for ever, at full speed.
void Listener::pause() {
  pause_.expires_after(std::chrono::milliseconds(100));
  pause_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && self->acceptor_.is_open()) {
      self->accept_next();
    }
  });
}

}  // namespace raft::net
