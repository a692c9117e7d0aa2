// A server on a free loopback port, over a fake cluster, on one thread that the test drives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "http/fake_backend.hpp"
#include "http/raw_client.hpp"
#include "kvserver/http_server.hpp"

namespace http_test {

/// Deadlines so short that tests run into them at once; the rest as in production.
kv::HttpLimits impatient();

class ServerFixture {
 public:
  explicit ServerFixture(const kv::HttpLimits& http = {}, const kv::RouteLimits& routes = {});

  RawClient client() { return RawClient(context, port); }
  bool run_until(const std::function<bool()>& condition) {
    return http_test::run_until(context, condition);
  }

  kv::HttpCounters counters;
  boost::asio::io_context context{1};
  FakeBackend backend{context};
  kv::Service service;
  unsigned short port = 0;
  std::unique_ptr<kv::HttpServer> server;
};

/// "GET /path HTTP/1.1" with what HTTP/1.1 demands.
std::string get(const std::string& target, const std::string& fields = "");
std::string put(const std::string& target, const std::string& body, const std::string& fields = "");

}  // namespace http_test
