// The head of a request, from the bytes of one connection. Beast parses; what Beast lets through
// and a request smuggler could use is refused here (RFC 9112 11.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "kvserver/problem.hpp"
#include "kvserver/request.hpp"

namespace kv {

struct HeadLimits {
  std::size_t request_line_bytes_max = std::size_t{16} << 10;
  std::size_t head_bytes_max = std::size_t{32} << 10;
  std::size_t fields_max = 100;
};

/// Everything in it points into the bytes that were parsed.
struct RequestHead {
  Method method = Method::other;
  std::string_view target;
  RequestHeaders headers;
  std::uint64_t content_length = 0;  ///< 0 when chunked.
  bool chunked = false;
  bool expect_continue = false;
  bool keep_alive = false;
  bool http_1_0 = false;
  std::size_t size = 0;  ///< Bytes of the head, with leading empty lines and its final one.
};

/// More bytes are needed. No byte below `scanned` has to be looked at again.
struct Incomplete {
  std::size_t scanned = 0;
};

/// The connection must end after a Problem: where the next request begins is not known.
using HeadResult = std::variant<RequestHead, Incomplete, Problem>;

/// `scanned` is what the previous Incomplete said about the same bytes, else 0. Refuses garbage as
/// soon as it shows, without waiting for the end of a head that may never come.
HeadResult parse_head(std::string_view bytes, std::size_t scanned, const HeadLimits& limits);

}  // namespace kv
