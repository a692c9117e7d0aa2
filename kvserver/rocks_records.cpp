// key   := "d" client_key | "m" meta_key | "s"
// item  := format:u8=1 create_index:u64 change_index:u64 version:u64 value    (under "d")
// state := format:u8=1 applied:u64 keys:u64 bytes:u64                         (under "s")
//
// What stands under "m" is libraft's.
#include "kvserver/rocks_records.hpp"

#include <boost/algorithm/hex.hpp>
#include <cstdint>
#include <iterator>

#include "kvserver/little_endian.hpp"

namespace kv {
namespace {

using raft::Errc;
using raft::Error;

constexpr std::uint8_t format = 1;

Error malformed_item(BytesView key, const std::string& path) {
  Bytes hex;
  boost::algorithm::hex_lower(key, std::back_inserter(hex));
  return {Errc::corrupt, path + ": malformed item under key 0x" + hex};
}

}  // namespace

void set_key(KeyKind kind, BytesView key, Bytes& out) {
  out.assign(1, static_cast<char>(kind));
  out.append(key);
}

Bytes make_key(KeyKind kind, BytesView key) {
  Bytes out;
  out.reserve(1 + key.size());
  set_key(kind, key, out);
  return out;
}

void set_item(const ItemView& item, Bytes& out) {
  out.clear();
  append_little_endian(format, out);
  append_little_endian(item.create_index.value, out);
  append_little_endian(item.change_index.value, out);
  append_little_endian(item.version, out);
  out.append(item.value);
}

Result<ItemView> parse_item(BytesView bytes, BytesView key, const std::string& path) {
  LittleEndianReader in(bytes);
  const bool known = in.number<std::uint8_t>() == format;
  ItemView item;
  item.create_index = {in.number<std::uint64_t>()};
  item.change_index = {in.number<std::uint64_t>()};
  item.version = in.number<std::uint64_t>();
  item.value = in.rest();
  if (!known || !in.ok()) return malformed_item(key, path);
  return item;
}

Bytes encode_state(const State& state) {
  Bytes out;
  append_little_endian(format, out);
  append_little_endian(state.applied.value, out);
  append_little_endian(state.totals.keys, out);
  append_little_endian(state.totals.bytes, out);
  return out;
}

Result<State> decode_state(BytesView bytes, const std::string& path) {
  LittleEndianReader in(bytes);
  const auto written_as = in.number<std::uint8_t>();
  if (written_as > format) {
    return Error{Errc::newer_format, path + ": format " + std::to_string(written_as) +
                                         " is unknown here; it was written by a newer version"};
  }
  State state;
  state.applied = {in.number<std::uint64_t>()};
  state.totals.keys = in.number<std::uint64_t>();
  state.totals.bytes = in.number<std::uint64_t>();
  if (written_as != format || !in.done()) {
    return Error{Errc::corrupt, path + ": malformed state record"};
  }
  return state;
}

}  // namespace kv
