// Fixed-width little-endian numbers, written to and read from bytes with bounds checks.
#pragma once

#include <algorithm>
#include <boost/endian/conversion.hpp>
#include <concepts>
#include <cstddef>

#include <libraft/types.hpp>

namespace kv {

template <std::unsigned_integral Number>
void append_little_endian(Number value, raft::Bytes& out) {
  boost::endian::native_to_little_inplace(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof(Number));
}

/// Reads from bytes that may be anything. The first failure sticks: what follows reads as zero or
/// empty, so that callers check once at the end.
class LittleEndianReader {
 public:
  explicit LittleEndianReader(raft::BytesView in) : in_(in) {}

  template <std::unsigned_integral Number>
  Number number() {
    const raft::BytesView bytes = take(sizeof(Number));
    Number value = 0;
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(&value));
    return boost::endian::little_to_native(value);
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
