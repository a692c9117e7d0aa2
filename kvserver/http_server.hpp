// Accepts client connections and watches their deadlines.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include <libraft/error.hpp>
#include "kvserver/address.hpp"
#include "kvserver/http_connection.hpp"

namespace kv {

/// Binds and listens before there is anything to serve, so that a port in use is known before the
/// data directory is touched. Clients that connect already wait in the kernel.
class HttpListener {
 public:
  /// Errors: invalid_argument names the address and why.
  static raft::Result<std::unique_ptr<HttpListener>> open(const Address& address);

  /// "host:port", with the real port where 0 was asked for.
  std::string address() const;

  /// Gives the listening socket away, to be served on `executor`.
  boost::asio::ip::tcp::acceptor take(const boost::asio::any_io_executor& executor);

 private:
  HttpListener() : acceptor_(context_) {}

  boost::asio::io_context context_{1};  // Never run: nothing here is asynchronous.
  boost::asio::ip::tcp::acceptor acceptor_;
};

/// Serves on one executor, a strand or a thread, where all members are called, too.
class HttpServer {
 public:
  /// Told that something is wrong with accepting, at most once per second.
  using Warn = std::function<void(const std::string&)>;

  /// The service and the counters outlive it, and all connections.
  HttpServer(boost::asio::ip::tcp::acceptor acceptor, Service& service, HttpCounters& counters,
             const HttpLimits& limits, Warn warn);
  /// Closes everything. Handlers that are still queued then do nothing.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void start();

  /// Accepts no more and closes what waits for a request. Calls `done` once the last connection is
  /// gone; whoever cannot wait for that calls close().
  void drain(std::function<void()> done);

  /// Closes all connections at once.
  void close();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace kv
