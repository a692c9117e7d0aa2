#include "http/server_fixture.hpp"

namespace http_test {

kv::HttpLimits impatient() {
  kv::HttpLimits limits;
  limits.head_deadline = std::chrono::milliseconds(30);
  limits.body_grace = std::chrono::milliseconds(30);
  limits.write_grace = std::chrono::milliseconds(30);
  limits.idle = std::chrono::milliseconds(60);
  limits.linger = std::chrono::milliseconds(30);
  limits.sweep = std::chrono::milliseconds(5);
  // Nothing earns time with a rate that nobody reaches.
  limits.bytes_per_second_min = std::uint64_t{1} << 40;
  return limits;
}

ServerFixture::ServerFixture(const kv::HttpLimits& http, const kv::RouteLimits& routes)
    : service(backend, routes, counters) {
  auto listener = kv::HttpListener::open({"127.0.0.1", "0"});
  const std::string address = (*listener)->address();
  port = static_cast<unsigned short>(std::stoi(address.substr(address.rfind(':') + 1)));
  server = std::make_unique<kv::HttpServer>((*listener)->take(context.get_executor()), service,
                                            counters, http, nullptr);
  server->start();
}

std::string get(const std::string& target, const std::string& fields) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n";
}

std::string put(const std::string& target, const std::string& body, const std::string& fields) {
  return "PUT " + target + " HTTP/1.1\r\nHost: test\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace http_test
