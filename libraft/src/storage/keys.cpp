// key   := group:u64be kind:u8 index:u64be
// kind  := 1 hard state | 2 base | 3 entry
// index := of the entry; 0 with the other kinds
//
// The boot number has all bits set for a group, and kind 255.
//
// Big-endian, so that the order of bytes is the order of numbers: the entries of a group are one
// range, and two groups never interleave. All keys have the same length.
#include "storage/keys.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace raft::storage {
namespace {

enum class Kind : unsigned char {
  hard_state = 1,
  base = 2,
  entry = 3,
  past_the_entries = 4,
  boot_mark = 255
};

constexpr std::size_t number_bytes = 8;
constexpr std::size_t key_bytes = number_bytes + 1 + number_bytes;

void append_big_endian(Bytes& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t load_big_endian(BytesView bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = (value << 8) | static_cast<unsigned char>(byte);
  return value;
}

Bytes make_key(GroupId group, Kind kind, Index index) {
  Bytes key;
  key.reserve(key_bytes);
  append_big_endian(key, group.value);
  key.push_back(static_cast<char>(kind));
  append_big_endian(key, index.value);
  return key;
}

Kind kind_of(BytesView key) { return static_cast<Kind>(key[number_bytes]); }

std::string in_hexadecimal(BytesView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    out += digits[static_cast<unsigned char>(byte) >> 4];
    out += digits[static_cast<unsigned char>(byte) & 0xf];
  }
  return out;
}

}  // namespace

Bytes hard_state_key(GroupId group) { return make_key(group, Kind::hard_state, {}); }

Bytes base_key(GroupId group) { return make_key(group, Kind::base, {}); }

Bytes entry_key(GroupId group, Index index) { return make_key(group, Kind::entry, index); }

Bytes boot_mark_key() { return make_key(GroupId{~std::uint64_t{0}}, Kind::boot_mark, {}); }

Bytes key_behind(GroupId group, Index last) {
  // The greatest index has no next one: it would wrap round to the first key of all.
  if (last.next() < last) return make_key(group, Kind::past_the_entries, {});
  return entry_key(group, last.next());
}

std::optional<Index> entry_index(BytesView key) {
  if (key.size() != key_bytes || kind_of(key) != Kind::entry) return std::nullopt;
  return Index{load_big_endian(key.substr(number_bytes + 1))};
}

std::string describe_key(BytesView key) {
  if (key == boot_mark_key()) return "boot number";
  if (key.size() == key_bytes) {
    const std::string group =
        "group " + std::to_string(load_big_endian(key.substr(0, number_bytes)));
    switch (kind_of(key)) {
      case Kind::hard_state:
        return group + " hard state";
      case Kind::base:
        return group + " base";
      case Kind::entry:
        return group + " entry " + to_string(*entry_index(key));
      case Kind::past_the_entries:
      case Kind::boot_mark:
        break;
    }
  }
  return "key 0x" + in_hexadecimal(key);
}

}  // namespace raft::storage
