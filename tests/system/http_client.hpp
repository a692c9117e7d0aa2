// A small blocking HTTP client with a deadline, for one server.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace system_test {

struct HttpReply {
  int status = 0;  ///< 0: no reply; `error` says why.
  std::string body;
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string error;

  /// The body as JSON; null when it is none.
  boost::json::value json() const;
};

/// Keeps its connection between requests and makes a new one when that broke. One thread at a time.
class HttpClient {
 public:
  explicit HttpClient(std::string address,
                      std::chrono::milliseconds deadline = std::chrono::seconds(10));
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  HttpReply get(const std::string& target);
  HttpReply put(const std::string& target, const std::string& body,
                const std::map<std::string, std::string>& headers = {});
  HttpReply post(const std::string& target, const std::string& body);
  HttpReply erase(const std::string& target);

 private:
  class Connection;

  HttpReply request(const std::string& method, const std::string& target, const std::string& body,
                    const std::map<std::string, std::string>& headers = {});

  std::string address_;
  std::chrono::milliseconds deadline_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace system_test
