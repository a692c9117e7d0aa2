// One HTTP request as routes see it: plain data, no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kv {

enum class Method : std::uint8_t { get, head, put, post, delete_, patch, options, other };

/// The name as in the request line: "GET". other: "".
std::string_view to_string(Method);

/// The header fields that mean something to us. Views into the bytes that were received.
struct RequestHeaders {
  std::optional<std::string_view> if_match;
  std::optional<std::string_view> if_none_match;
  std::optional<std::string_view> idempotency_key;
  std::optional<std::string_view> last_event_id;
  std::optional<std::string_view> prefer;
  std::optional<std::string_view> content_encoding;
};

/// Valid while the connection that received it handles it.
struct Request {
  Method method = Method::get;
  std::string_view target;  ///< As received, still percent-encoded.
  RequestHeaders headers;
  std::string_view body;
};

}  // namespace kv
