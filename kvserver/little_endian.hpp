// Fixed-width little-endian numbers, written to and read from bytes with bounds checks.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <libraft/types.hpp>

namespace kv {

template <std::unsigned_integral Number>
void append_little_endian(Number value, raft::Bytes& out) {
  char bytes[sizeof(Number)];
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    bytes[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
  out.append(bytes, sizeof(Number));
}

/// Reads from bytes that may be anything. The first failure sticks: what follows reads as zero or
/// empty, so that callers check once at the end.
class LittleEndianReader {
 public:
  explicit LittleEndianReader(raft::BytesView in) : in_(in) {}

  template <std::unsigned_integral Number>
  Number number() {
    std::uint64_t value = 0;
    const raft::BytesView bytes = take(sizeof(Number));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return static_cast<Number>(value);
  }

  /// A view into the input.
  raft::BytesView take(std::size_t size) {
    if (size > in_.size()) {
      fail();
      return {};
    }
    const raft::BytesView bytes = in_.substr(0, size);
    in_.remove_prefix(size);
    return bytes;
  }

  raft::BytesView rest() { return take(in_.size()); }
  void fail() {
    ok_ = false;
    in_ = {};
  }
  bool ok() const { return ok_; }
  /// Everything was read and nothing failed.
  bool done() const { return ok_ && in_.empty(); }

 private:
  raft::BytesView in_;
  bool ok_ = true;
};

}  // namespace kv
