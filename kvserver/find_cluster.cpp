#include "kvserver/find_cluster.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <chrono>

namespace kv {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr auto attempt_timeout = std::chrono::seconds(2);
constexpr auto pause_between_rounds = std::chrono::milliseconds(200);
constexpr std::size_t answer_bytes_max = std::size_t{64} << 10;

auto into(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

raft::Error unreachable(const std::string& why) { return {raft::Errc::timed_out, why}; }

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

// 32 hexadecimal digits, as raft::to_string(ClusterId) writes them.
std::optional<raft::ClusterId> parse_cluster(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  const auto high = parse_hex(text.substr(0, 16));
  const auto low = parse_hex(text.substr(16));
  if (!high || !low) return std::nullopt;
  return raft::ClusterId{*high, *low};
}

asio::awaitable<raft::Result<JoinTarget>> ask(const Address& address, Clock::time_point until) {
  const auto executor = co_await asio::this_coro::executor;
  error_code error;
  tcp::resolver resolver(executor);
  const auto endpoints = co_await resolver.async_resolve(address.host, address.port, into(error));
  if (error) co_return unreachable(error.message());
  beast::tcp_stream stream(executor);
  stream.expires_at(std::min(until, Clock::now() + attempt_timeout));
  co_await stream.async_connect(endpoints, into(error));
  if (error) co_return unreachable(error.message());

  http::request<http::empty_body> request(http::verb::post, "/v1/cluster/join", 11);
  request.set(http::field::host, to_string(address));
  request.set(http::field::connection, "close");
  request.prepare_payload();
  co_await http::async_write(stream, request, into(error));
  if (error) co_return unreachable(error.message());

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(answer_bytes_max);
  co_await http::async_read(stream, buffer, parser, into(error));
  if (error) co_return unreachable(error.message());
  if (parser.get().result() != http::status::ok) {
    co_return unreachable("answers with status " + std::to_string(parser.get().result_int()) +
                          "; it may not belong to a cluster yet");
  }
  co_return parse_join_target(parser.get().body());
}

asio::awaitable<raft::Result<JoinTarget>> ask_each(const std::vector<Address>& addresses,
                                                   Clock::time_point until) {
  std::string reasons;
  for (const Address& address : addresses) {
    auto target = co_await ask(address, until);
    if (target) co_return target;
    reasons += (reasons.empty() ? "" : "; ") + to_string(address) + ": " + target.error().detail;
  }
  co_return unreachable(reasons);
}

}  // namespace

raft::Result<JoinTarget> parse_join_target(std::string_view body) {
  namespace json = boost::json;
  const raft::Error wrong{raft::Errc::corrupt, "it is not a kvserver: its answer makes no sense"};
  error_code error;
  const json::value value = json::parse({body.data(), body.size()}, error);
  if (error || !value.is_object()) return wrong;
  const json::value* cluster = value.get_object().if_contains("cluster");
  const json::value* members = value.get_object().if_contains("raft");
  if (cluster == nullptr || !cluster->is_string() || members == nullptr || !members->is_array()) {
    return wrong;
  }
  const auto id = parse_cluster({cluster->get_string().data(), cluster->get_string().size()});
  if (!id || !*id) return wrong;
  JoinTarget target;
  target.cluster = *id;
  for (const json::value& member : members->get_array()) {
    if (!member.is_string()) return wrong;
    target.raft.emplace_back(member.get_string().data(), member.get_string().size());
  }
  if (target.raft.empty()) return wrong;
  return target;
}

asio::awaitable<raft::Result<JoinTarget>> ask_for_cluster(std::vector<Address> addresses) {
  co_return co_await ask_each(addresses, Clock::time_point::max());
}

asio::awaitable<raft::Result<JoinTarget>> find_cluster(std::vector<Address> addresses,
                                                       raft::Duration timeout, const Logger& log) {
  const auto until = Clock::now() + timeout;
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (std::string told;;) {
    auto target = co_await ask_each(addresses, until);
    if (target || Clock::now() >= until) co_return target;
    const std::string& reasons = target.error().detail;
    // Once per reason, not once per round.
    if (reasons != told) log.info("cannot join yet, trying on: " + reasons);
    told = reasons;
    error_code ignored;
    pause.expires_at(std::min(until, Clock::now() + pause_between_rounds));
    co_await pause.async_wait(into(ignored));
  }
}

}  // namespace kv
