// All numbers are little-endian; `bytes` is a u32 length and as many bytes.
//
//   entry      := term:u64 index:u64 time_ns:u64 kind:u8 body
//   body       := (kind 1, no-op)
//               | (kind 2) command
//               | (kind 3) membership
//   command    := client:bytes sequence:u64 command:bytes
//   membership := members:u32 member* outgoing:u32 node:u64*
//   member     := node:u64 instance:u64,u64 address:bytes role:u8 promote:u8 attributes:bytes
//   change     := add_voters:u32 member* add_learners:u32 member* promote:u32 node:u64*
//                 demote:u32 node:u64* remove:u32 node:u64* update:u32 update*
//                 expected:u8 [index:u64] force:u8
//   update     := node:u64 address:u8 [bytes] attributes:u8 [bytes]
//   snapshot   := last_term:u64 last_index:u64 time_ns:u64 membership_index:u64 membership
//
// This form is on disks: it may gain kinds, but what is there never changes its meaning.
#include "protocol/encoding.hpp"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "util/assert.hpp"

namespace raft {
namespace {

enum class EntryKind : std::uint8_t { noop = 1, command = 2, membership = 3 };

constexpr std::size_t node_id_bytes = 8;
constexpr std::size_t member_bytes_min = 8 + 16 + 4 + 1 + 1 + 4;
constexpr std::size_t update_bytes_min = 8 + 1 + 1;

void encode_count(std::size_t count, util::Writer& out) {
  RAFT_ASSERT(count <= ~std::uint32_t{0});
  out.u32(static_cast<std::uint32_t>(count));
}

void encode_optional(const std::optional<std::string>& value, util::Writer& out) {
  out.boolean(value.has_value());
  if (value) out.bytes(*value);
}

std::optional<std::string> decode_optional_bytes(util::Reader& in) {
  if (!in.boolean()) return std::nullopt;
  return std::string(in.bytes());
}

void encode(const MemberUpdate& update, util::Writer& out) {
  encode(update.id, out);
  encode_optional(update.address, out);
  encode_optional(update.attributes, out);
}

MemberUpdate decode_member_update(util::Reader& in) {
  MemberUpdate update;
  update.id = {in.u64()};
  update.address = decode_optional_bytes(in);
  update.attributes = decode_optional_bytes(in);
  return update;
}

// A list of anything: its length, then its items. The count is checked against the bytes left
// before room is made for it.
template <class Item>
void encode_list(const std::vector<Item>& items, util::Writer& out) {
  encode_count(items.size(), out);
  for (const Item& item : items) encode(item, out);
}

template <class Decode>
auto decode_list(util::Reader& in, std::size_t item_bytes_min, Decode decode) {
  std::vector<decltype(decode(in))> items;
  const std::size_t count = in.count(item_bytes_min);
  items.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) items.push_back(decode(in));
  return items;
}

std::vector<NodeId> decode_node_ids(util::Reader& in) {
  return decode_list(in, node_id_bytes, [](util::Reader& from) { return NodeId{from.u64()}; });
}

void encode_body(const Noop&, util::Writer& out) {
  out.u8(static_cast<std::uint8_t>(EntryKind::noop));
}

void encode_body(const Command& command, util::Writer& out) {
  out.u8(static_cast<std::uint8_t>(EntryKind::command));
  encode(command, out);
}

void encode_body(const MembershipPtr& membership, util::Writer& out) {
  RAFT_ASSERT(membership != nullptr);
  out.u8(static_cast<std::uint8_t>(EntryKind::membership));
  encode(*membership, out);
}

EntryBody decode_body(util::Reader& in) {
  switch (static_cast<EntryKind>(in.u8())) {
    case EntryKind::noop:
      return Noop{};
    case EntryKind::command:
      return decode_command(in);
    case EntryKind::membership: {
      auto membership = std::make_shared<const Membership>(decode_membership(in));
      if (membership->members.empty()) in.fail();
      return membership;
    }
  }
  in.fail();
  return Noop{};
}

template <class Item, class Key>
bool ascends(const std::vector<Item>& items, Key key) {
  const auto out_of_order = [key](const Item& a, const Item& b) { return key(a) >= key(b); };
  return std::adjacent_find(items.begin(), items.end(), out_of_order) == items.end();
}

bool is_leaving(const Member& member) { return member.role == Role::leaving; }

// Thesis 4.3: while joint, whoever leaves still counts in the old half, and the old half consists
// of nodes that are still members in some role.
bool outgoing_fits(const Membership& membership) {
  const auto& outgoing = membership.outgoing;
  const auto is_member = [&](NodeId id) { return membership.find(id) != nullptr; };
  const auto is_accounted = [&](const Member& member) {
    return !is_leaving(member) || std::binary_search(outgoing.begin(), outgoing.end(), member.id);
  };
  return std::all_of(outgoing.begin(), outgoing.end(), is_member) &&
         std::all_of(membership.members.begin(), membership.members.end(), is_accounted);
}

bool is_valid(const Membership& membership) {
  if (membership.members.empty()) return membership.outgoing.empty();
  return membership.members.front().id &&
         ascends(membership.members, [](const Member& member) { return member.id; }) &&
         ascends(membership.outgoing, [](NodeId id) { return id; }) && outgoing_fits(membership) &&
         !membership.voters().empty();
}

}  // namespace

void encode(const Entry& entry, util::Writer& out) {
  out.u64(entry.term.value);
  out.u64(entry.index.value);
  encode_duration(entry.time.since_founding, out);
  std::visit([&out](const auto& body) { encode_body(body, out); }, entry.body);
}

EntryPtr decode_entry(util::Reader& in) {
  const EntryId id = decode_entry_id(in);
  const LogTime time{decode_duration(in)};
  if (id.index == Index{}) in.fail();
  if (!in.ok()) return nullptr;
  EntryBody body = decode_body(in);
  if (!in.ok()) return nullptr;
  return std::make_shared<const Entry>(Entry{id.term, id.index, time, std::move(body)});
}

void encode(const Membership& membership, util::Writer& out) {
  encode_list(membership.members, out);
  encode_list(membership.outgoing, out);
}

Membership decode_membership(util::Reader& in) {
  Membership membership;
  membership.members = decode_list(in, member_bytes_min, decode_member);
  membership.outgoing = decode_node_ids(in);
  if (in.ok() && !is_valid(membership)) in.fail();
  return membership;
}

void encode(const MembershipChange& change, util::Writer& out) {
  encode_list(change.add_voters, out);
  encode_list(change.add_learners, out);
  encode_list(change.promote, out);
  encode_list(change.demote, out);
  encode_list(change.remove, out);
  encode_list(change.update, out);
  out.boolean(change.expected_index.has_value());
  if (change.expected_index) out.u64(change.expected_index->value);
  out.boolean(change.force);
}

MembershipChange decode_membership_change(util::Reader& in) {
  MembershipChange change;
  change.add_voters = decode_list(in, member_bytes_min, decode_member);
  change.add_learners = decode_list(in, member_bytes_min, decode_member);
  change.promote = decode_node_ids(in);
  change.demote = decode_node_ids(in);
  change.remove = decode_node_ids(in);
  change.update = decode_list(in, update_bytes_min, decode_member_update);
  if (in.boolean()) change.expected_index = Index{in.u64()};
  change.force = in.boolean();
  return change;
}

void encode(const Member& member, util::Writer& out) {
  encode(member.id, out);
  encode(member.instance, out);
  out.bytes(member.address);
  out.u8(static_cast<std::uint8_t>(member.role));
  out.boolean(member.promote);
  out.bytes(member.attributes);
}

Member decode_member(util::Reader& in) {
  Member member;
  member.id = {in.u64()};
  member.instance = decode_instance(in);
  member.address = in.bytes();
  member.role = static_cast<Role>(in.u8());
  if (member.role < Role::voter || member.role > Role::leaving) in.fail();
  member.promote = in.boolean();
  member.attributes = in.bytes();
  return member;
}

void encode(const SnapshotMeta& meta, util::Writer& out) {
  encode(meta.last, out);
  encode_duration(meta.time.since_founding, out);
  out.u64(meta.membership.index.value);
  const MembershipPtr& membership = meta.membership.membership;
  encode(membership != nullptr ? *membership : Membership{}, out);
}

SnapshotMeta decode_snapshot_meta(util::Reader& in) {
  SnapshotMeta meta;
  meta.last = decode_entry_id(in);
  meta.time = LogTime{decode_duration(in)};
  meta.membership.index = decode_index(in);
  auto membership = std::make_shared<const Membership>(decode_membership(in));
  if (meta.membership.index > meta.last.index) in.fail();
  if (meta.last.index > Index{} && membership->members.empty()) in.fail();
  meta.membership.membership = std::move(membership);
  return meta;
}

void encode(const Command& command, util::Writer& out) {
  out.bytes(command.client);
  out.u64(command.sequence);
  out.bytes(command.bytes);
}

Command decode_command(util::Reader& in) {
  Command command;
  command.client = in.bytes();
  command.sequence = in.u64();
  command.bytes = in.bytes();
  return command;
}

void encode(EntryId id, util::Writer& out) {
  out.u64(id.term.value);
  out.u64(id.index.value);
}

EntryId decode_entry_id(util::Reader& in) {
  EntryId id;
  id.term = decode_term(in);
  id.index = decode_index(in);
  if ((id.term == Term{}) != (id.index == Index{})) in.fail();
  return id;
}

std::uint64_t decode_limited(util::Reader& in) {
  const std::uint64_t value = in.u64();
  if (value < term_limit) return value;
  in.fail();
  return 0;
}

Term decode_term(util::Reader& in) { return {decode_limited(in)}; }

Index decode_index(util::Reader& in) { return {decode_limited(in)}; }

void encode(NodeId id, util::Writer& out) { out.u64(id.value); }

NodeId decode_node_id(util::Reader& in) {
  const NodeId id{in.u64()};
  if (!id) in.fail();
  return id;
}

void encode_duration(Duration duration, util::Writer& out) {
  RAFT_ASSERT(duration.count() >= 0);
  out.u64(static_cast<std::uint64_t>(duration.count()));
}

Duration decode_duration(util::Reader& in) {
  return Duration{static_cast<Duration::rep>(decode_limited(in))};
}

void encode(InstanceId instance, util::Writer& out) {
  out.u64(instance.high);
  out.u64(instance.low);
}

InstanceId decode_instance(util::Reader& in) {
  InstanceId instance;
  instance.high = in.u64();
  instance.low = in.u64();
  return instance;
}

}  // namespace raft
