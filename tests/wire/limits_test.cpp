// The largest of everything that is accepted fits a frame. Where it did not, the connection would
// be closed each time that it is sent: a follower that is never caught up.
#include "protocol/limits.hpp"

#include <catch2/catch.hpp>

#include "wire/codec.hpp"
#include "wire/frame.hpp"

namespace raft {
namespace {

constexpr std::size_t client_bytes_max = 64;
const NodeId one{1};
const NodeId two{2};

Command largest_command() {
  return {Bytes(client_bytes_max, 'c'), 1, Bytes(content_bytes_max, 'x')};
}

Member largest_member(std::uint64_t id) {
  return {NodeId{id},  {id, 1}, std::string(address_bytes_max, 'a'),
          Role::voter, false,   Bytes(attributes_bytes_max, 'b')};
}

MembershipPtr largest_membership() {
  auto membership = std::make_shared<Membership>();
  for (std::uint64_t id = 1; id <= members_max; ++id) {
    membership->members.push_back(largest_member(id));
    membership->outgoing.push_back(NodeId{id});
  }
  return membership;
}

AppendRequest append(EntryBody body) {
  AppendRequest request;
  request.entries = {std::make_shared<const Entry>(Entry{Term{1}, Index{1}, {}, std::move(body)})};
  return request;
}

template <class SomeMessage>
std::size_t bytes_of(const SomeMessage& message) {
  Bytes out;
  wire::encode(message, out);
  return out.size();
}

std::size_t bytes_of(MessageBody body) { return bytes_of(Message{one, two, Term{1}, body}); }
std::size_t bytes_of(ServiceBody body) { return bytes_of(ServiceMessage{one, two, body}); }

}  // namespace

TEST_CASE("the largest command, alone in an append, fits a frame", "[wire][limits]") {
  CHECK(bytes_of(MessageBody{append(largest_command())}) <= frame_bytes_max);
  CHECK(bytes_of(ServiceBody{ProposeRequest{{}, largest_command()}}) <= frame_bytes_max);
}

TEST_CASE("the largest reply fits a frame", "[wire][limits]") {
  CHECK(bytes_of(ServiceBody{ProposeReply{{}, 0, {}, Bytes(content_bytes_max, 'x')}}) <=
        frame_bytes_max);
}

// What a run of entries counts against append_bytes_max is no less than what it takes on the wire.
TEST_CASE("entries take no more on the wire than they count", "[wire][limits]") {
  const std::size_t empty = bytes_of(MessageBody{AppendRequest{}});
  for (const EntryBody& body : {EntryBody{Noop{}}, EntryBody{Command{}},
                                EntryBody{Command{"c", 1, "x"}}, EntryBody{largest_membership()}}) {
    const AppendRequest request = append(body);
    CHECK(bytes_of(MessageBody{request}) - empty <= size_of(*request.entries.front()));
  }
}

TEST_CASE("the largest membership fits a frame, in an entry, an offer and a change",
          "[wire][limits]") {
  CHECK(bytes_of(MessageBody{append(largest_membership())}) <= frame_bytes_max);
  SnapshotOffer offer;
  offer.snapshot.meta = {{Term{1}, Index{1}}, {}, {Index{1}, largest_membership()}};
  CHECK(bytes_of(MessageBody{offer}) <= frame_bytes_max);
  MembershipChange change;
  change.add_voters = largest_membership()->members;
  CHECK(bytes_of(ServiceBody{ChangeRequest{{}, change}}) <= frame_bytes_max);
}

// Would catch a field that makes a hundred silent groups more expensive; docs/decisions/0009 gives
// these numbers.
TEST_CASE("a heartbeat takes 77 bytes and its reply 69", "[wire][limits]") {
  CHECK(wire::frame_header_bytes + bytes_of(MessageBody{Heartbeat{}}) == 77);
  CHECK(wire::frame_header_bytes + bytes_of(MessageBody{HeartbeatReply{}}) == 69);
}

}  // namespace raft
