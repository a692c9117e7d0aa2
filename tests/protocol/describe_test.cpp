// Catches a change of the lines that scripts and traces are compared by.
#include <catch2/catch.hpp>
#include <chrono>

#include "protocol/hello.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"

#include <libraft/status.hpp>

namespace raft {
namespace {

std::string line(MessageBody body) { return describe({{2}, {1}, {5}, std::move(body)}); }

EntryPtr entry(std::uint64_t term, std::uint64_t index) {
  return std::make_shared<const Entry>(Entry{{term}, {index}, {}, Noop{}});
}

}  // namespace

TEST_CASE("a message is described in one line", "[protocol][describe]") {
  const LeaderMark leader{{2}, {7}, {9}, std::chrono::milliseconds(500)};
  const PeerMark peer{{2}, {0}, {9}};
  const EntryId last{{4}, {10}};
  CHECK(line(PreVoteRequest{{6}, last}) == "2>1 t5 pre-vote request campaign 6 last 4/10");
  CHECK(line(PreVoteReply{{6}, true}) == "2>1 t5 pre-vote reply campaign 6 granted");
  CHECK(line(VoteRequest{last, false}) == "2>1 t5 vote request last 4/10");
  CHECK(line(VoteReply{false}) == "2>1 t5 vote reply refused");
  CHECK(line(AppendRequest{leader, last, {entry(4, 11), entry(5, 12)}}) ==
        "2>1 t5 append request prev 4/10 entries 11-12 terms 4-5 commit 9 session 2 round 7 "
        "lease-ms 500");
  CHECK(line(AppendRequest{{}, last, {}}) == "2>1 t5 append request prev 4/10 commit 0 session 0");
  CHECK(line(AppendAccepted{peer, {12}}) == "2>1 t5 append accepted match 12 commit 9 session 2");
  CHECK(line(AppendRejected{peer, {10}, last}) ==
        "2>1 t5 append rejected rejected 10 hint 4/10 commit 9 session 2");
  CHECK(line(Heartbeat{leader}) == "2>1 t5 heartbeat commit 9 session 2 round 7 lease-ms 500");
  CHECK(line(HeartbeatReply{peer}) == "2>1 t5 heartbeat reply commit 9 session 2");
  CHECK(line(SnapshotOffer{{}, {{last, {}, {}}, 100, 1}}) ==
        "2>1 t5 snapshot offer last 4/10 bytes 100 commit 0 session 0");
  CHECK(line(SnapshotDeclined{peer, {10}}) ==
        "2>1 t5 snapshot declined last 10 commit 9 session 2");
  CHECK(line(ReadRequest{{3}, 4, true}) == "2>1 t5 read request boot 3 sequence 4 lease");
  CHECK(line(ReadReply{{3}, 4, true, {9}}) ==
        "2>1 t5 read reply boot 3 sequence 4 granted index 9");
  CHECK(line(TimeoutNow{}) == "2>1 t5 timeout now");
  CHECK(line(Removed{{8}}) == "2>1 t5 removed membership 8");
}

TEST_CASE("names are those of the vocabulary", "[protocol][describe]") {
  CHECK(std::string(name_of(MessageBody(TimeoutNow{}))) == "timeout now");
  CHECK(std::string(name_of(ServiceBody(ChunkRequest{}))) == "chunk request");
  CHECK(std::string(to_string(RoleNow::pre_candidate)) == "pre-candidate");
  CHECK(std::string(to_string(Purpose::introduce)) == "introduce");
  CHECK(std::string(to_string(Refusal::wrong_cluster)) == "wrong cluster");
}

}  // namespace raft
