// Fixed-width little-endian numbers and length-prefixed bytes, written and read with bounds checks.
#pragma once

#include <cstdint>
#include <optional>

#include <libraft/types.hpp>

namespace raft::util {

/// Appends to a buffer of the caller.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void boolean(bool value) { u8(value ? 1 : 0); }
  /// A u32 length, then the bytes.
  void bytes(BytesView value);

 private:
  Bytes& out_;
};

/// Reads from bytes that may be hostile. The first failure sticks: everything after it reads as
/// zero and ok() stays false, so that callers check once at the end.
class Reader {
 public:
  explicit Reader(BytesView in) : in_(in) {}

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  bool boolean();  ///< Anything but 0 and 1 is a failure.
  /// A view into the input.
  BytesView bytes(std::size_t length_max = ~std::size_t{0});
  /// A count of items that take at least `item_bytes_min` each: never more than can follow.
  std::size_t count(std::size_t item_bytes_min);

  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  std::size_t remaining() const { return ok_ ? in_.size() : 0; }
  /// Everything was read and nothing failed.
  bool done() const { return ok_ && in_.empty(); }

 private:
  BytesView take(std::size_t size);

  BytesView in_;
  bool ok_ = true;
};

}  // namespace raft::util
