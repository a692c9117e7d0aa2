// Decodes a chunked body (RFC 9112 7.1) as its bytes arrive. Strict: what two parsers could read
// differently is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kv {

class ChunkedBody {
 public:
  enum class State : std::uint8_t { more, done, malformed, too_large };

  explicit ChunkedBody(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  /// Appends content to `body` and returns how many of the bytes were used; the rest belongs to
  /// the next request, or must be shown again together with more.
  std::size_t consume(std::string_view bytes, std::string& body);

  State state() const { return state_; }

 private:
  enum class Step : std::uint8_t { size_line, data, data_end, trailer };

  bool step(std::string_view& bytes, std::string& body);
  bool read_size(std::string_view& bytes, std::size_t body_bytes);
  bool read_data(std::string_view& bytes, std::string& body);
  bool read_data_end(std::string_view& bytes);
  bool read_trailer(std::string_view& bytes);
  bool read_line(std::string_view& bytes, std::string_view& line);

  const std::size_t body_bytes_max_;
  State state_ = State::more;
  Step step_ = Step::size_line;
  std::uint64_t chunk_left_ = 0;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace kv
