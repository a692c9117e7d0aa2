// All numbers are little-endian; `bytes` is a u32 length and as many bytes.
//
//   hello    := version_min:u16 version_max:u16 purpose:u8 cluster:u64,u64 node:u64 target:u64
//               instance:u64,u64 boot:u64 address:bytes standings:u32 standing*
//   standing := group:u64 named_at:u64 term:u64 durable:u64
//   refused  := reason:u8 group:u64 membership:u64 detail:bytes
//
// Both must be understood by every version, so what is there never changes. A later version may
// append to the hello: what follows is skipped if the sender speaks more than version_known.
#include <cstdint>

#include "protocol/encoding.hpp"
#include "util/assert.hpp"
#include "wire/codec.hpp"

namespace raft::wire {
namespace {

constexpr std::uint16_t version_known = 1;
constexpr std::size_t standing_bytes = 32;

Purpose decode_purpose(util::Reader& in) {
  const auto purpose = static_cast<Purpose>(in.u8());
  if (purpose < Purpose::control || purpose > Purpose::introduce) in.fail();
  return purpose;
}

Refusal decode_refusal(util::Reader& in) {
  const auto reason = static_cast<Refusal>(in.u8());
  if (reason < Refusal::version || reason > Refusal::too_many) in.fail();
  return reason;
}

Standing decode_standing(util::Reader& in) {
  Standing standing;
  standing.group = {in.u64()};
  standing.named_at = decode_index(in);
  standing.term = decode_term(in);
  standing.durable = decode_index(in);
  return standing;
}

}  // namespace

void encode(const Hello& hello, Bytes& bytes) {
  RAFT_ASSERT(hello.standings.size() <= standings_max);
  util::Writer out(bytes);
  out.u16(hello.version_min);
  out.u16(hello.version_max);
  out.u8(static_cast<std::uint8_t>(hello.purpose));
  out.u64(hello.cluster.high);
  out.u64(hello.cluster.low);
  encode(hello.node, out);
  encode(hello.target, out);
  encode(hello.instance, out);
  out.u64(hello.boot.value);
  out.bytes(hello.address);
  out.u32(static_cast<std::uint32_t>(hello.standings.size()));
  for (const Standing& standing : hello.standings) {
    out.u64(standing.group.value);
    out.u64(standing.named_at.value);
    out.u64(standing.term.value);
    out.u64(standing.durable.value);
  }
}

std::optional<VersionRange> decode_hello_versions(BytesView payload) {
  util::Reader in(payload);
  VersionRange range;
  range.min = in.u16();
  range.max = in.u16();
  if (!in.ok() || range.min == 0 || range.min > range.max) return std::nullopt;
  return range;
}

std::optional<Hello> decode_hello(BytesView payload) {
  const std::optional<VersionRange> versions = decode_hello_versions(payload);
  if (!versions) return std::nullopt;
  util::Reader in(payload);
  Hello hello;
  hello.version_min = in.u16();
  hello.version_max = in.u16();
  hello.purpose = decode_purpose(in);
  hello.cluster.high = in.u64();
  hello.cluster.low = in.u64();
  hello.node = decode_node_id(in);
  hello.target = {in.u64()};
  hello.instance = decode_instance(in);
  hello.boot = {in.u64()};
  hello.address = in.bytes();
  const std::size_t standings = in.count(standing_bytes);
  if (standings > standings_max) in.fail();
  for (std::size_t i = 0; i < standings && in.ok(); ++i) {
    hello.standings.push_back(decode_standing(in));
  }
  const bool complete = versions->max > version_known ? in.ok() : in.done();
  if (!complete) return std::nullopt;
  return hello;
}

void encode(const Refused& refused, Bytes& bytes) {
  util::Writer out(bytes);
  out.u8(static_cast<std::uint8_t>(refused.reason));
  out.u64(refused.group.value);
  out.u64(refused.membership.value);
  out.bytes(BytesView(refused.detail).substr(0, refusal_detail_bytes_max));
}

std::optional<Refused> decode_refused(BytesView payload) {
  util::Reader in(payload);
  Refused refused;
  refused.reason = decode_refusal(in);
  refused.group = {in.u64()};
  refused.membership = decode_index(in);
  refused.detail = in.bytes(refusal_detail_bytes_max);
  if (!in.done()) return std::nullopt;
  return refused;
}

}  // namespace raft::wire
