#include "kvserver/response.hpp"

#include <array>
#include <boost/beast/http/status.hpp>
#include <charconv>

#include "kvserver/request.hpp"

namespace kv {
namespace {

namespace http = boost::beast::http;

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_hex(std::string& out, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4)
    out.push_back("0123456789abcdef"[value >> shift & 15]);
}

void append_field(std::string& out, std::string_view name, std::uint64_t value) {
  out.append(name);
  append_number(out, value);
  out.append("\r\n");
}

// RFC 9110 8.6: neither of them has a body, and 204 must not even bear a length of zero.
bool may_have_body(unsigned status) { return status != 204 && status != 304; }

}  // namespace

std::string_view to_string(Method method) {
  static constexpr std::array<std::string_view, 8> names{"GET",    "HEAD",  "PUT",     "POST",
                                                         "DELETE", "PATCH", "OPTIONS", ""};
  return names[static_cast<std::size_t>(method)];
}

Response text_response(unsigned status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = text_plain;
  response.body = std::move(body);
  return response;
}

Response json_response(unsigned status, std::string body) {
  Response response = text_response(status, std::move(body));
  response.content_type = json_type;
  return response;
}

void append_response(std::string& out, const Response& response, const Envelope& envelope) {
  const Position& position = envelope.position;
  out.reserve(out.size() + 512 + (envelope.head_only ? 0 : response.body.size()));
  out.append("HTTP/1.1 ");
  append_number(out, response.status);
  out.push_back(' ');
  out.append(http::obsolete_reason(http::int_to_status(response.status)));
  out.append("\r\nServer: kvserver\r\nDate: ");
  out.append(envelope.date);
  out.append("\r\n");
  if (may_have_body(response.status)) {
    if (response.stream == nullptr) {
      append_field(out, "Content-Length: ", response.body.size());
    } else if (!envelope.http_1_0) {
      out.append("Transfer-Encoding: chunked\r\n");
    }
    if (!response.content_type.empty()) {
      out.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
  }
  for (const Header& header : response.headers) {
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  append_field(
      out, "X-Raft-Index: ", response.entry ? response.entry->index.value : position.applied.value);
  append_field(out,
               "X-Raft-Term: ", response.entry ? response.entry->term.value : position.term.value);
  append_field(out, "X-Raft-Node: ", position.self.value);
  append_field(out, "X-Raft-Leader: ", position.leader.value);
  out.append("X-Request-Id: ");
  append_hex(out, envelope.request_id);
  out.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
  if (!envelope.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (envelope.http_1_0) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  if (!envelope.head_only && may_have_body(response.status)) out.append(response.body);
}

// RFC 9112 7.1.
void append_part(std::string& out, std::string_view part, bool http_1_0) {
  if (http_1_0) {
    out.append(part);
    return;
  }
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), part.size(), 16).ptr;
  out.append(digits.data(), end).append("\r\n").append(part).append("\r\n");
}

void append_end(std::string& out, bool http_1_0) {
  if (!http_1_0) out.append("0\r\n\r\n");
}

}  // namespace kv
