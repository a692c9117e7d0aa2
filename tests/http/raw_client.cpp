#include "http/raw_client.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <charconv>
#include <chrono>

namespace http_test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

}  // namespace

bool run_until(asio::io_context& context, const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    context.restart();
    context.run_one_for(std::chrono::milliseconds(1));
  }
  return true;
}

bool RawReply::has_field(std::string_view name) const {
  return head.find("\r\n" + std::string(name) + ": ") != std::string::npos;
}

std::string RawReply::field(std::string_view name) const {
  const std::string begin = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(begin);
  if (at == std::string::npos) return {};
  const std::size_t value = at + begin.size();
  return head.substr(value, head.find("\r\n", value) - value);
}

RawClient::RawClient(asio::io_context& context, unsigned short port)
    : context_(context), socket_(context) {
  socket_.connect({asio::ip::address_v4::loopback(), port});
  socket_.non_blocking(true);
}

void RawClient::send(std::string_view bytes) {
  run_until(context_, [&] {
    error_code error;
    bytes.remove_prefix(socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error));
    return bytes.empty() || (error && error != asio::error::would_block);
  });
}

void RawClient::take() {
  std::array<char, 16384> buffer;
  for (;;) {
    error_code error;
    const std::size_t count = socket_.read_some(asio::buffer(buffer), error);
    received_.append(buffer.data(), count);
    if (error == asio::error::would_block) return;
    if (error) {
      ended_ = true;
      return;
    }
  }
}

RawReply RawClient::receive(bool head_only) {
  RawReply reply;
  const auto is_complete = [&] {
    take();
    const std::size_t end = received_.find("\r\n\r\n");
    if (end == std::string::npos) return ended_;
    reply.head = received_.substr(0, end + 4);
    std::size_t length = 0;
    const std::string text = head_only ? "" : reply.field("Content-Length");
    std::from_chars(text.data(), text.data() + text.size(), length);
    if (received_.size() < reply.head.size() + length) return ended_;
    reply.body = received_.substr(reply.head.size(), length);
    return true;
  };
  if (!run_until(context_, is_complete) || reply.head.size() < 12) return reply;
  std::from_chars(reply.head.data() + 9, reply.head.data() + 12, reply.status);
  received_.erase(0, reply.head.size() + reply.body.size());
  return reply;
}

bool RawClient::is_closed_by_server() {
  return run_until(context_, [&] {
    take();
    return ended_;
  });
}

void RawClient::close_sending() { socket_.shutdown(tcp::socket::shutdown_send); }
void RawClient::close() { socket_.close(); }

}  // namespace http_test
