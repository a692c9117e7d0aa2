#include "util/bytes.hpp"

#include <array>
#include <type_traits>

#include "util/assert.hpp"

namespace raft::util {
namespace {

// Compilers turn both loops into one move on little-endian machines.
template <class Unsigned>
void append(Bytes& out, Unsigned value) {
  std::array<char, sizeof(Unsigned)> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
  out.append(bytes.data(), bytes.size());
}

template <class Unsigned>
Unsigned load(BytesView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return static_cast<Unsigned>(value);
}

}  // namespace

void Writer::u16(std::uint16_t value) { append(out_, value); }

void Writer::u32(std::uint32_t value) { append(out_, value); }

void Writer::u64(std::uint64_t value) { append(out_, value); }

void Writer::bytes(BytesView value) {
  RAFT_ASSERT(value.size() <= ~std::uint32_t{0});
  u32(static_cast<std::uint32_t>(value.size()));
  out_.append(value);
}

std::uint8_t Reader::u8() { return load<std::uint8_t>(take(sizeof(std::uint8_t))); }

std::uint16_t Reader::u16() { return load<std::uint16_t>(take(sizeof(std::uint16_t))); }

std::uint32_t Reader::u32() { return load<std::uint32_t>(take(sizeof(std::uint32_t))); }

std::uint64_t Reader::u64() { return load<std::uint64_t>(take(sizeof(std::uint64_t))); }

bool Reader::boolean() {
  const std::uint8_t value = u8();
  if (value > 1) fail();
  return value == 1;
}

BytesView Reader::bytes(std::size_t length_max) {
  const std::size_t length = u32();
  if (length > length_max) fail();
  return take(length);
}

std::size_t Reader::count(std::size_t item_bytes_min) {
  RAFT_ASSERT(item_bytes_min > 0);
  const std::size_t items = u32();
  if (items > remaining() / item_bytes_min) fail();
  return ok_ ? items : 0;
}

BytesView Reader::take(std::size_t size) {
  if (size > in_.size()) fail();
  if (!ok_) return {};
  const BytesView taken = in_.substr(0, size);
  in_.remove_prefix(size);
  return taken;
}

}  // namespace raft::util
