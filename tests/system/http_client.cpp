#include "system/http_client.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/src.hpp>
#include <cctype>

namespace system_test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

std::string lower_case(beast::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char letter) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  });
  return lower;
}

HttpReply to_reply(const http::response<http::string_body>& response) {
  HttpReply reply{static_cast<int>(response.result_int()), response.body(), {}, {}};
  for (const auto& field : response) {
    reply.headers[lower_case(field.name_string())] = std::string(field.value());
  }
  return reply;
}

}  // namespace

boost::json::value HttpReply::json() const {
  boost::system::error_code failed;
  boost::json::value value = boost::json::parse(body, failed);
  return failed ? boost::json::value() : value;
}

// Deadlines work only on asynchronous operations, so each step is one, run until it is done.
class HttpClient::Connection {
 public:
  explicit Connection(std::chrono::milliseconds deadline)
      : stream_(context_), deadline_(deadline) {}

  boost::system::error_code connect(const std::string& address) {
    const auto colon = address.rfind(':');
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
    const asio::ip::tcp::endpoint to(asio::ip::make_address(address.substr(0, colon)), port);
    return run([&](auto handler) { stream_.async_connect(to, std::move(handler)); });
  }

  boost::system::error_code exchange(http::request<http::string_body>& request,
                                     http::response<http::string_body>& response) {
    const auto error = run([&](auto handler) {
      http::async_write(stream_, request, [handler](auto failed, std::size_t) { handler(failed); });
    });
    if (error) return error;
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{64} << 20);
    const auto failed = run([&](auto handler) {
      http::async_read(stream_, buffer_, parser,
                       [handler](auto broken, std::size_t) { handler(broken); });
    });
    response = parser.release();
    return failed;
  }

 private:
  template <class Start>
  boost::system::error_code run(Start start) {
    boost::system::error_code result;
    stream_.expires_after(deadline_);
    start([&result](boost::system::error_code error) { result = error; });
    context_.restart();
    context_.run();
    return result;
  }

  asio::io_context context_{1};
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::chrono::milliseconds deadline_;
};

HttpClient::HttpClient(std::string address, std::chrono::milliseconds deadline)
    : address_(std::move(address)), deadline_(deadline) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

HttpReply HttpClient::get(const std::string& target) { return request("GET", target, {}); }
HttpReply HttpClient::put(const std::string& target, const std::string& body,
                          const std::map<std::string, std::string>& headers) {
  return request("PUT", target, body, headers);
}
HttpReply HttpClient::post(const std::string& target, const std::string& body) {
  return request("POST", target, body);
}
HttpReply HttpClient::erase(const std::string& target) { return request("DELETE", target, {}); }

// A request is sent once only: one that broke may have been executed.
HttpReply HttpClient::request(const std::string& method, const std::string& target,
                              const std::string& body,
                              const std::map<std::string, std::string>& headers) {
  if (!connection_) {
    auto fresh = std::make_unique<Connection>(deadline_);
    if (const auto error = fresh->connect(address_)) return {0, {}, {}, error.message()};
    connection_ = std::move(fresh);
  }
  http::request<http::string_body> request;
  request.version(11);
  request.method_string(method);
  request.target(target);
  request.set(http::field::host, address_);
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  request.prepare_payload();
  http::response<http::string_body> response;
  const auto error = connection_->exchange(request, response);
  if (error || !response.keep_alive()) connection_.reset();
  if (error) return {0, {}, {}, error.message()};
  return to_reply(response);
}

}  // namespace system_test
