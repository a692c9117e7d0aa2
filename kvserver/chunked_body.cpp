#include "kvserver/chunked_body.hpp"

#include <algorithm>
#include <charconv>

namespace kv {
namespace {

// Chunk extensions and trailers are skipped, and nobody needs long ones (H06).
constexpr std::size_t line_bytes_max = 1024;
constexpr std::size_t trailer_bytes_max = 4096;

}  // namespace

std::size_t ChunkedBody::consume(std::string_view bytes, std::string& body) {
  std::string_view rest = bytes;
  while (state_ == State::more && step(rest, body)) {
  }
  return bytes.size() - rest.size();
}

// False: more bytes are needed, or the end is reached.
bool ChunkedBody::step(std::string_view& bytes, std::string& body) {
  switch (step_) {
    case Step::size_line:
      return read_size(bytes, body.size());
    case Step::data:
      return read_data(bytes, body);
    case Step::data_end:
      return read_data_end(bytes);
    case Step::trailer:
      return read_trailer(bytes);
  }
  return false;
}

bool ChunkedBody::read_line(std::string_view& bytes, std::string_view& line) {
  const std::size_t end = bytes.find('\n');
  if (std::min(end, bytes.size()) > line_bytes_max) {
    state_ = State::malformed;
    return false;
  }
  if (end == bytes.npos) return false;
  if (end == 0 || bytes[end - 1] != '\r') {
    state_ = State::malformed;
    return false;
  }
  line = bytes.substr(0, end - 1);
  bytes.remove_prefix(end + 1);
  return true;
}

bool ChunkedBody::read_size(std::string_view& bytes, std::size_t body_bytes) {
  std::string_view line;
  if (!read_line(bytes, line)) return false;
  const char* end = line.data() + line.size();
  std::uint64_t size = 0;
  const auto [stop, error] = std::from_chars(line.data(), end, size, 16);
  std::string_view extension = line.substr(static_cast<std::size_t>(stop - line.data()));
  extension.remove_prefix(std::min(extension.find_first_not_of(" \t"), extension.size()));
  if (error != std::errc{} || (stop != end && !extension.starts_with(';')) ||
      line.find('\r') != line.npos) {
    state_ = State::malformed;
    return false;
  }
  if (size > body_bytes_max_ - std::min(body_bytes, body_bytes_max_)) {
    state_ = State::too_large;
    return false;
  }
  chunk_left_ = size;
  step_ = size == 0 ? Step::trailer : Step::data;
  return true;
}

bool ChunkedBody::read_data(std::string_view& bytes, std::string& body) {
  const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, bytes.size()));
  body.append(bytes.substr(0, take));
  bytes.remove_prefix(take);
  chunk_left_ -= take;
  if (chunk_left_ != 0) return false;
  step_ = Step::data_end;
  return true;
}

bool ChunkedBody::read_data_end(std::string_view& bytes) {
  if (bytes.size() < 2) return false;
  if (!bytes.starts_with("\r\n")) {
    state_ = State::malformed;
    return false;
  }
  bytes.remove_prefix(2);
  step_ = Step::size_line;
  return true;
}

bool ChunkedBody::read_trailer(std::string_view& bytes) {
  std::string_view line;
  if (!read_line(bytes, line)) return false;
  if (line.empty()) {
    state_ = State::done;
    return false;
  }
  trailer_bytes_ += line.size() + 2;
  if (trailer_bytes_ > trailer_bytes_max) state_ = State::malformed;
  return true;
}

}  // namespace kv
