#include "wire/random_messages.hpp"

#include <algorithm>
#include <utility>

#include "protocol/encoding.hpp"

// Fields are set one by one where their order of evaluation decides what they get.
namespace raft::wire {

std::uint64_t RandomMessages::number() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::uint64_t RandomMessages::below(std::uint64_t limit) { return number() % limit; }

bool RandomMessages::coin() { return below(2) == 1; }

std::uint64_t RandomMessages::positive() {
  const auto bits = static_cast<unsigned>(1 + below(61));
  return 1 + below(std::uint64_t{1} << bits);
}

std::uint64_t RandomMessages::limited() { return coin() ? 0 : positive(); }

NodeId RandomMessages::node() { return {positive()}; }

Bytes RandomMessages::bytes(std::size_t size_max) {
  Bytes made(below(size_max + 1), '\0');
  for (char& byte : made) byte = static_cast<char>(number());
  return made;
}

EntryId RandomMessages::id_within(Term term) {
  if (term == Term{} || below(8) == 0) return {};
  EntryId id;
  id.term = {1 + below(term.value)};
  id.index = {positive()};
  return id;
}

Member RandomMessages::member(std::uint64_t id, Role role) {
  Member made;
  made.id = {id};
  made.instance = {number(), number()};
  made.address = bytes(20);
  made.role = role;
  made.promote = coin();
  made.attributes = bytes(40);
  return made;
}

Membership RandomMessages::membership() {
  Membership made;
  const bool joint = coin();
  const std::uint64_t size = 1 + below(7);
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t id = 1 + i * 1000 + below(1000);
    const auto choice = i == 0 ? 0 : below(joint ? 3 : 2);
    const Role role = choice == 0 ? Role::voter : choice == 1 ? Role::learner : Role::leaving;
    made.members.push_back(member(id, role));
    if (joint && (role == Role::leaving || coin())) made.outgoing.push_back({id});
  }
  return made;
}

MembershipPtr RandomMessages::shared_membership() {
  return std::make_shared<const Membership>(membership());
}

MembershipChange RandomMessages::change() {
  MembershipChange made;
  for (std::uint64_t i = below(3); i > 0; --i) made.add_voters.push_back(member(i, Role::voter));
  for (std::uint64_t i = below(3); i > 0; --i)
    made.add_learners.push_back(member(i, Role::learner));
  for (std::uint64_t i = below(3); i > 0; --i) made.promote.push_back(node());
  for (std::uint64_t i = below(3); i > 0; --i) made.demote.push_back(node());
  for (std::uint64_t i = below(3); i > 0; --i) made.remove.push_back(node());
  for (std::uint64_t i = below(3); i > 0; --i) {
    MemberUpdate update{node(), {}, {}};
    if (coin()) update.address = bytes(20);
    if (coin()) update.attributes = bytes(20);
    made.update.push_back(std::move(update));
  }
  if (coin()) made.expected_index = Index{number()};
  made.force = coin();
  return made;
}

Command RandomMessages::command() {
  Command made;
  made.client = bytes(64);
  made.sequence = number();
  made.bytes = bytes(200);
  return made;
}

EntryBody RandomMessages::entry_body() {
  switch (below(3)) {
    case 0:
      return Noop{};
    case 1:
      return command();
    default:
      return shared_membership();
  }
}

LeaderMark RandomMessages::leader_mark() {
  LeaderMark mark;
  mark.session = {number()};
  mark.round = {number()};
  mark.commit = {limited()};
  mark.lease_asked = Duration{static_cast<Duration::rep>(limited())};
  return mark;
}

PeerMark RandomMessages::peer_mark() {
  PeerMark mark;
  mark.session = {number()};
  mark.round = {number()};
  mark.commit = {limited()};
  return mark;
}

AppendRequest RandomMessages::append(Term term) {
  AppendRequest made;
  made.mark = leader_mark();
  made.prev = id_within(term);
  EntryId last = made.prev;
  for (std::uint64_t i = below(6); i > 0; --i) {
    Entry entry;
    entry.term = {std::max<std::uint64_t>(last.term.value, 1)};
    if (coin()) entry.term = {entry.term.value + below(term.value - entry.term.value + 1)};
    entry.index = last.index.next();
    entry.time = LogTime{Duration{static_cast<Duration::rep>(limited())}};
    entry.body = entry_body();
    last = entry.id();
    made.entries.push_back(std::make_shared<const Entry>(std::move(entry)));
  }
  return made;
}

SnapshotInfo RandomMessages::snapshot(Term term) {
  SnapshotInfo made;
  made.meta.last.term = {1 + below(term.value)};
  made.meta.last.index = {positive()};
  made.meta.time = LogTime{Duration{static_cast<Duration::rep>(limited())}};
  made.meta.membership.index = {below(made.meta.last.index.value + 1)};
  made.meta.membership.membership = shared_membership();
  made.bytes = limited();
  made.crc = static_cast<std::uint32_t>(number());
  return made;
}

RequestId RandomMessages::request_id() {
  RequestId id;
  id.boot = {number()};
  id.number = number();
  return id;
}

TransferId RandomMessages::transfer_id() {
  TransferId id;
  id.term = {limited()};
  id.session = {number()};
  id.last = {limited()};
  return id;
}

// Braces evaluate from left to right, unlike parentheses.
MessageBody RandomMessages::message_body(std::size_t kind, Term term) {
  switch (kind) {
    case 0:
      return PreVoteRequest{{limited()}, id_within(term), {number(), number()}};
    case 1:
      return PreVoteReply{{limited()}, coin()};
    case 2:
      return VoteRequest{id_within(term), coin(), {number(), number()}};
    case 3:
      return VoteReply{coin()};
    case 4:
      return append(term);
    case 5:
      return AppendAccepted{peer_mark(), {limited()}};
    case 6:
      return AppendRejected{peer_mark(), {limited()}, EntryId{{limited()}, {limited()}}};
    case 7:
      return Heartbeat{leader_mark()};
    case 8:
      return HeartbeatReply{peer_mark()};
    case 9:
      return SnapshotOffer{leader_mark(), snapshot(term)};
    case 10:
      return SnapshotDeclined{peer_mark(), {limited()}};
    case 11:
      return ReadRequest{{number()}, number(), coin()};
    case 12:
      return ReadReply{{number()}, number(), coin(), {limited()}};
    case 13:
      return TimeoutNow{};
    default:
      return Removed{{limited()}};
  }
}

Message RandomMessages::message(std::size_t kind) {
  Message made;
  made.from = node();
  made.to = node();
  made.term = {positive()};
  made.body = message_body(kind, made.term);
  return made;
}

ServiceBody RandomMessages::service_body(std::size_t kind) {
  const auto error = static_cast<std::uint8_t>(below(17));
  switch (kind) {
    case 0:
      return ProposeRequest{request_id(), command()};
    case 1:
      return ProposeReply{request_id(), error, id_within({term_limit - 1}), bytes(100)};
    case 2:
      return ChangeRequest{request_id(), change()};
    case 3:
      return TransferRequest{request_id(), {limited()}};
    case 4:
      return ServiceReply{request_id(), error,     bytes(50),
                          {limited()},  bytes(20), {number(), number()}};
    case 5:
      return JoinRequest{request_id(), member(positive(), Role::learner)};
    case 6:
      return ChunkRequest{transfer_id(), limited(), static_cast<std::uint32_t>(number())};
    default:
      return Chunk{transfer_id(), limited(), bytes(300)};
  }
}

ServiceMessage RandomMessages::service(std::size_t kind) {
  ServiceMessage made;
  made.from = node();
  made.to = node();
  made.body = service_body(kind);
  return made;
}

Hello RandomMessages::hello() {
  Hello made;
  made.purpose = static_cast<Purpose>(1 + below(3));
  made.cluster = {number(), number()};
  made.node = node();
  made.target = {limited()};
  made.instance = {number(), number()};
  made.boot = {number()};
  made.address = bytes(200);
  for (std::uint64_t i = below(standings_max + 1); i > 0; --i) {
    made.standings.push_back({{number()}, {limited()}, {limited()}, {limited()}});
  }
  return made;
}

Refused RandomMessages::refused() {
  Refused made;
  made.reason = static_cast<Refusal>(1 + below(8));
  made.group = {number()};
  made.membership = {limited()};
  made.detail = bytes(refusal_detail_bytes_max);
  return made;
}

}  // namespace raft::wire
