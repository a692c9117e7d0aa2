// The port on which other nodes call.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>

#include <libraft/error.hpp>
#include "net/address.hpp"
#include "util/log.hpp"
#include "util/log_throttle.hpp"
#include "util/unique_function.hpp"

namespace raft::net {

/// Accepts connections until it is closed. Used on one strand; pending handlers keep it alive.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  using Accepted = util::UniqueFunction<void(boost::asio::ip::tcp::socket)>;

  /// `accepted` is called for each connection, until close().
  Listener(const boost::asio::any_io_executor& executor, Accepted accepted, util::Log log);

  /// Takes the address: resolves a named host (this may block, once, at the start of a node),
  /// binds and listens. Errors: invalid_argument, naming the address and the reason.
  Result<void> open(const std::string& address);
  void close();

  /// The host as it was given, with the real port; empty before open().
  std::string address() const;

 private:
  Result<void> bind(const Address& address);
  boost::system::error_code bind(const boost::asio::ip::tcp::endpoint& endpoint,
                                 boost::system::error_code& error);
  void accept_next();
  void pause();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  Accepted accepted_;
  util::Log log_;
  util::LogThrottle throttle_;
  Address address_;
};

}  // namespace raft::net
