// All numbers are little-endian; entries and snapshots as in protocol/encoding.cpp.
//
//   message     := from:u64 to:u64 term:u64 kind:u8 body
//   leader_mark := session:u64 round:u64 commit:u64 lease_ns:u64
//   peer_mark   := session:u64 round:u64 commit:u64
//   id          := term:u64 index:u64
//
//   kind  body
//     1   pre-vote request    campaign:u64 last:id voter:u64,u64
//     2   pre-vote reply      campaign:u64 granted:u8
//     3   vote request        last:id forced:u8 voter:u64,u64
//     4   vote reply          granted:u8
//     5   append request      leader_mark prev:id entries:u32 entry*
//     6   append accepted     peer_mark match:u64
//     7   append rejected     peer_mark rejected:u64 hint_term:u64 hint_index:u64
//     8   heartbeat           leader_mark
//     9   heartbeat reply     peer_mark
//    10   snapshot offer      leader_mark snapshot bytes:u64 crc:u32
//    11   snapshot declined   peer_mark last:u64
//    12   read request        boot:u64 sequence:u64 lease:u8
//    13   read reply          boot:u64 sequence:u64 granted:u8 index:u64
//    14   timeout now
//    15   removed             membership:u64
//
// What the core takes for granted is checked here, once, before it sees a message.
#include <cstdint>
#include <utility>
#include <variant>

#include "protocol/encoding.hpp"
#include "util/assert.hpp"
#include "wire/codec.hpp"

namespace raft::wire {
namespace {

enum class Kind : std::uint8_t {
  pre_vote_request = 1,
  pre_vote_reply = 2,
  vote_request = 3,
  vote_reply = 4,
  append_request = 5,
  append_accepted = 6,
  append_rejected = 7,
  heartbeat = 8,
  heartbeat_reply = 9,
  snapshot_offer = 10,
  snapshot_declined = 11,
  read_request = 12,
  read_reply = 13,
  timeout_now = 14,
  removed = 15,
};

void put(Kind kind, util::Writer& out) { out.u8(static_cast<std::uint8_t>(kind)); }

// A node's log never holds a term above the node's own.
EntryId decode_id_within(Term term, util::Reader& in) {
  const EntryId id = decode_entry_id(in);
  if (id.term > term) in.fail();
  return id;
}

void put(const LeaderMark& mark, util::Writer& out) {
  out.u64(mark.session.value);
  out.u64(mark.round.value);
  out.u64(mark.commit.value);
  encode_duration(mark.lease_asked, out);
}

LeaderMark decode_leader_mark(util::Reader& in) {
  LeaderMark mark;
  mark.session = {in.u64()};
  mark.round = {in.u64()};
  mark.commit = decode_index(in);
  mark.lease_asked = decode_duration(in);
  return mark;
}

void put(const PeerMark& mark, util::Writer& out) {
  out.u64(mark.session.value);
  out.u64(mark.round.value);
  out.u64(mark.commit.value);
}

PeerMark decode_peer_mark(util::Reader& in) {
  PeerMark mark;
  mark.session = {in.u64()};
  mark.round = {in.u64()};
  mark.commit = decode_index(in);
  return mark;
}

void put(const PreVoteRequest& body, util::Writer& out) {
  put(Kind::pre_vote_request, out);
  out.u64(body.campaign.value);
  encode(body.last, out);
  encode(body.voter, out);
}

PreVoteRequest decode_pre_vote_request(Term term, util::Reader& in) {
  PreVoteRequest body;
  body.campaign = decode_term(in);
  body.last = decode_id_within(term, in);
  body.voter = decode_instance(in);
  return body;
}

void put(const PreVoteReply& body, util::Writer& out) {
  put(Kind::pre_vote_reply, out);
  out.u64(body.campaign.value);
  out.boolean(body.granted);
}

PreVoteReply decode_pre_vote_reply(util::Reader& in) {
  PreVoteReply body;
  body.campaign = decode_term(in);
  body.granted = in.boolean();
  return body;
}

void put(const VoteRequest& body, util::Writer& out) {
  put(Kind::vote_request, out);
  encode(body.last, out);
  out.boolean(body.forced);
  encode(body.voter, out);
}

VoteRequest decode_vote_request(Term term, util::Reader& in) {
  VoteRequest body;
  body.last = decode_id_within(term, in);
  body.forced = in.boolean();
  body.voter = decode_instance(in);
  return body;
}

void put(const VoteReply& body, util::Writer& out) {
  put(Kind::vote_reply, out);
  out.boolean(body.granted);
}

VoteReply decode_vote_reply(util::Reader& in) {
  VoteReply body;
  body.granted = in.boolean();
  return body;
}

void put(const AppendRequest& body, util::Writer& out) {
  put(Kind::append_request, out);
  put(body.mark, out);
  encode(body.prev, out);
  RAFT_ASSERT(body.entries.size() <= ~std::uint32_t{0});
  out.u32(static_cast<std::uint32_t>(body.entries.size()));
  for (const EntryPtr& entry : body.entries) encode(*entry, out);
}

// The entries continue `prev` without a gap, and no term falls or exceeds the leader's.
AppendRequest decode_append_request(Term term, util::Reader& in) {
  AppendRequest body;
  body.mark = decode_leader_mark(in);
  body.prev = decode_id_within(term, in);
  const std::size_t count = in.count(entry_bytes_min);
  body.entries.reserve(count);
  EntryId last = body.prev;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    EntryPtr entry = decode_entry(in);
    if (entry == nullptr) break;
    if (entry->index != last.index.next() || entry->term < last.term) in.fail();
    last = entry->id();
    body.entries.push_back(std::move(entry));
  }
  if (last.term > term) in.fail();
  return body;
}

void put(const AppendAccepted& body, util::Writer& out) {
  put(Kind::append_accepted, out);
  put(body.mark, out);
  out.u64(body.match.value);
}

AppendAccepted decode_append_accepted(util::Reader& in) {
  AppendAccepted body;
  body.mark = decode_peer_mark(in);
  body.match = decode_index(in);
  return body;
}

void put(const AppendRejected& body, util::Writer& out) {
  put(Kind::append_rejected, out);
  put(body.mark, out);
  out.u64(body.rejected.value);
  encode(body.hint, out);
}

// The hint is only a guess, so its two halves need not fit each other.
AppendRejected decode_append_rejected(util::Reader& in) {
  AppendRejected body;
  body.mark = decode_peer_mark(in);
  body.rejected = decode_index(in);
  body.hint.term = decode_term(in);
  body.hint.index = decode_index(in);
  return body;
}

void put(const Heartbeat& body, util::Writer& out) {
  put(Kind::heartbeat, out);
  put(body.mark, out);
}

void put(const HeartbeatReply& body, util::Writer& out) {
  put(Kind::heartbeat_reply, out);
  put(body.mark, out);
}

void put(const SnapshotOffer& body, util::Writer& out) {
  put(Kind::snapshot_offer, out);
  put(body.mark, out);
  encode(body.snapshot.meta, out);
  out.u64(body.snapshot.bytes);
  out.u32(body.snapshot.crc);
}

SnapshotOffer decode_snapshot_offer(Term term, util::Reader& in) {
  SnapshotOffer body;
  body.mark = decode_leader_mark(in);
  body.snapshot.meta = decode_snapshot_meta(in);
  body.snapshot.bytes = decode_limited(in);
  body.snapshot.crc = in.u32();
  const EntryId last = body.snapshot.meta.last;
  if (last.index == Index{} || last.term > term) in.fail();
  return body;
}

void put(const SnapshotDeclined& body, util::Writer& out) {
  put(Kind::snapshot_declined, out);
  put(body.mark, out);
  out.u64(body.last.value);
}

SnapshotDeclined decode_snapshot_declined(util::Reader& in) {
  SnapshotDeclined body;
  body.mark = decode_peer_mark(in);
  body.last = decode_index(in);
  return body;
}

void put(const ReadRequest& body, util::Writer& out) {
  put(Kind::read_request, out);
  out.u64(body.boot.value);
  out.u64(body.sequence);
  out.boolean(body.lease);
}

ReadRequest decode_read_request(util::Reader& in) {
  ReadRequest body;
  body.boot = {in.u64()};
  body.sequence = in.u64();
  body.lease = in.boolean();
  return body;
}

void put(const ReadReply& body, util::Writer& out) {
  put(Kind::read_reply, out);
  out.u64(body.boot.value);
  out.u64(body.sequence);
  out.boolean(body.granted);
  out.u64(body.index.value);
}

ReadReply decode_read_reply(util::Reader& in) {
  ReadReply body;
  body.boot = {in.u64()};
  body.sequence = in.u64();
  body.granted = in.boolean();
  body.index = decode_index(in);
  return body;
}

void put(const TimeoutNow&, util::Writer& out) { put(Kind::timeout_now, out); }

void put(const Removed& body, util::Writer& out) {
  put(Kind::removed, out);
  out.u64(body.membership.value);
}

MessageBody decode_body(Term term, util::Reader& in) {
  switch (static_cast<Kind>(in.u8())) {
    case Kind::pre_vote_request:
      return decode_pre_vote_request(term, in);
    case Kind::pre_vote_reply:
      return decode_pre_vote_reply(in);
    case Kind::vote_request:
      return decode_vote_request(term, in);
    case Kind::vote_reply:
      return decode_vote_reply(in);
    case Kind::append_request:
      return decode_append_request(term, in);
    case Kind::append_accepted:
      return decode_append_accepted(in);
    case Kind::append_rejected:
      return decode_append_rejected(in);
    case Kind::heartbeat:
      return Heartbeat{decode_leader_mark(in)};
    case Kind::heartbeat_reply:
      return HeartbeatReply{decode_peer_mark(in)};
    case Kind::snapshot_offer:
      return decode_snapshot_offer(term, in);
    case Kind::snapshot_declined:
      return decode_snapshot_declined(in);
    case Kind::read_request:
      return decode_read_request(in);
    case Kind::read_reply:
      return decode_read_reply(in);
    case Kind::timeout_now:
      return TimeoutNow{};
    case Kind::removed:
      return Removed{decode_index(in)};
  }
  in.fail();
  return TimeoutNow{};
}

// Saves the growing of the buffer in steps when many entries follow.
void make_room(const Message& message, Bytes& bytes) {
  const auto* append = std::get_if<AppendRequest>(&message.body);
  if (append == nullptr) return;
  std::size_t room = bytes.size();
  for (const EntryPtr& entry : append->entries) room += size_of(*entry);
  bytes.reserve(room);
}

}  // namespace

void encode(const Message& message, Bytes& bytes) {
  make_room(message, bytes);
  util::Writer out(bytes);
  encode(message.from, out);
  encode(message.to, out);
  out.u64(message.term.value);
  std::visit([&out](const auto& body) { put(body, out); }, message.body);
}

std::optional<Message> decode_message(BytesView payload) {
  util::Reader in(payload);
  Message message;
  message.from = decode_node_id(in);
  message.to = decode_node_id(in);
  message.term = decode_term(in);
  message.body = decode_body(message.term, in);
  if (!in.done()) return std::nullopt;
  return message;
}

}  // namespace raft::wire
