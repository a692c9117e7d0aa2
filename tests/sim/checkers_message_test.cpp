// Shows that each invariant of messages and reads fires.
#include <catch2/catch.hpp>
#include <chrono>

#include "sim/checkers/limits.hpp"
#include "sim/checkers/reads.hpp"
#include "sim/checkers_lab.hpp"

namespace raft::sim {
namespace {

using namespace std::chrono_literals;

std::string first(const Report& report) { return report.first() ? report.first()->invariant : ""; }

struct Led : Lab {
  explicit Led(bool lease_reads = false) : Lab({.lease_reads = lease_reads}) {
    elect(1);
    propose(1, "a");
    term = core(1).term().value;
  }
  PeerSession session_of(std::uint64_t peer) {
    return core(1).leader_state()->peers.at(NodeId{peer}).session;
  }
  Message accepted(Index match, PeerSession session) {
    return message(2, 1, term, AppendAccepted{{session, {}, {}}, match});
  }
  std::uint64_t term = 0;
};

/// What is reported of a peer whose leader has a log up to 5, applied up to 3.
std::string judge(const core::Progress& peer, const Limits& limits = {}) {
  Report report;
  check_peer(report, peer, limits, Index{5}, Index{3});
  return first(report);
}

core::Progress peer_at(std::uint64_t match, std::uint64_t next) {
  core::Progress peer({1}, Index{next}, core::Inflight(1000, 10, 100ms), Instant{});
  peer.match = Index{match};
  return peer;
}

}  // namespace

// --- messages ---

TEST_CASE("a match that is on no disk, or beyond the log, is T1", "[sim][checkers]") {
  Led lab;
  const EntryId id = *lab.bench(1).core->propose(Lab::command("b"), lab.now());
  lab.turn(1);
  const Message lie = lab.accepted(id.index, lab.session_of(2));
  lab.receive(1, lie, lie);
  CHECK(lab.violated() == "T1");

  CHECK(judge(peer_at(5, 6)) == "");
  CHECK(judge(peer_at(6, 7)) == "T1");
  CHECK(judge(peer_at(4, 4)) == "T1");
}

TEST_CASE("an acknowledgement of what is not synced is T2", "[sim][checkers]") {
  Led lab;
  lab.checkers().sends(lab.view(2), lab.accepted(Index{3}, {}));
  CHECK(lab.violated() == "");
  lab.checkers().sends(lab.view(2), lab.accepted(Index{4}, {}));
  CHECK(lab.violated() == "T2");
}

TEST_CASE("too much in flight is T3", "[sim][checkers]") {
  core::Progress peer = peer_at(1, 2);
  peer.become_replicate();
  peer.inflight.sent(Index{2}, 10, Instant{});
  peer.inflight.sent(Index{3}, 10, Instant{});
  CHECK(judge(peer) == "");
  CHECK(judge(peer, {.inflight_appends_max = 1}) == "T3");
  peer.state = core::Progress::State::probe;
  CHECK(judge(peer) == "T3");
}

TEST_CASE("appends beside a snapshot are T4, and a snapshot ahead of the machine",
          "[sim][checkers]") {
  core::Progress peer = peer_at(1, 2);
  peer.become_snapshot();
  peer.offered = SnapshotInfo{{{Term{1}, Index{3}}, {}, {}}, 1, 1};
  CHECK(judge(peer) == "");
  SECTION("ahead") { peer.offered->meta.last.index = Index{4}; }
  SECTION("beside") { peer.inflight.sent(Index{2}, 10, Instant{}); }
  CHECK(judge(peer) == "T4");
}

TEST_CASE("an older term that changes anything is T5", "[sim][checkers]") {
  Led lab;
  const auto old = lab.message(3, 2, lab.term - 1, Heartbeat{});
  lab.receive(2, old, old);
  CHECK(lab.violated() == "");
  lab.receive(2, old, lab.message(3, 2, lab.term + 5, VoteReply{false}));
  CHECK(lab.violated() == "T5");
}

TEST_CASE("an answer of an older session that is believed is T6", "[sim][checkers]") {
  Led lab;
  const Message stale = lab.accepted(Index{3}, {99});
  lab.pass(1ms);
  lab.receive(1, stale, stale);
  CHECK(lab.violated() == "");
  lab.receive(1, stale, lab.accepted(Index{3}, lab.session_of(2)));
  CHECK(lab.violated() == "T6");
}

TEST_CASE("an append of what its sender does not have is T7", "[sim][checkers]") {
  Led lab;
  const auto append = [&](std::uint64_t term) {
    const auto entry = std::make_shared<const Entry>(
        Entry{Term{term}, Index{3}, lab.core(1).log().last_time(), Lab::command("a")});
    return lab.message(1, 2, lab.term, AppendRequest{{}, {Term{lab.term}, Index{2}}, {entry}});
  };
  lab.checkers().sends(lab.view(1), append(lab.term));
  CHECK(lab.violated() == "");
  lab.checkers().sends(lab.view(1), append(1));
  CHECK(lab.violated() == "T7");
}

TEST_CASE("messages without end in one step are T8", "[sim][checkers]") {
  Led lab;
  const auto few = lab.core(1).options().limits.inflight_appends_max;
  for (std::size_t i = 0; i < few; ++i) {
    lab.checkers().sends(lab.view(1), lab.message(1, 2, lab.term, Heartbeat{}));
  }
  CHECK(lab.violated() == "");
  lab.look(1);
  for (std::size_t i = 0; i < few + 33; ++i) {
    lab.checkers().sends(lab.view(1), lab.message(1, 2, lab.term, Heartbeat{}));
  }
  CHECK(lab.violated() == "T8");
}

// --- reads ---

TEST_CASE("a stale read is R1, one that runs ahead of the machine R3", "[sim][checkers]") {
  Led lab;
  const auto before = lab.checkers().read_invoked();
  lab.propose(1, "b");
  lab.checkers().read_served(NodeId{2}, before, Index{3}, Index{3});
  CHECK(lab.violated() == "");
  const auto after = lab.checkers().read_invoked();
  SECTION("R1") {
    lab.checkers().read_served(NodeId{2}, after, Index{3}, Index{3});
    CHECK(lab.violated() == "R1");
  }
  SECTION("R3") {
    lab.checkers().read_served(NodeId{2}, after, Index{3}, Index{4});
    CHECK(lab.violated() == "R3");
  }
}

TEST_CASE("a round that nobody has answered is R1, before the first commit R2", "[sim][checkers]") {
  Led lab;
  Ghost ghost;
  WatchedNode node = lab.watch(1, ghost);
  Sight now = node.seen;
  now.begun = now.confirmed = {1};
  SECTION("answered") {
    node.rounds[NodeId{3}] = {1};
    check_read_rounds(ghost, node, now);
    CHECK(first(ghost.report) == "");
  }
  SECTION("R1") {
    check_read_rounds(ghost, node, now);
    CHECK(first(ghost.report) == "R1");
  }
  SECTION("R2") {
    now.commit = now.term_start.prev();
    check_read_rounds(ghost, node, now);
    CHECK(first(ghost.report) == "R2");
  }
}

TEST_CASE("a round that one half of a joint membership has answered is M4", "[sim][checkers]") {
  Led lab;
  MembershipChange change;
  for (const std::uint64_t id : {4u, 5u}) {
    change.add_voters.push_back({NodeId{id}, Lab::instance(id), "n", Role::voter, false, {}});
  }
  change.remove = {NodeId{2}, NodeId{3}};
  change.force = true;
  REQUIRE(lab.bench(1).core->change_membership(change, lab.now()));
  Ghost ghost;
  WatchedNode node = lab.watch(1, ghost);
  node.rounds[NodeId{4}] = {1};
  Sight now = node.seen;
  now.begun = now.confirmed = {1};
  check_read_rounds(ghost, node, now);
  CHECK(first(ghost.report) == "M4");
}

TEST_CASE("a round that was never begun is R4", "[sim][checkers]") {
  Led lab;
  SECTION("sent") {
    lab.checkers().sends(lab.view(1), lab.message(1, 2, lab.term, Heartbeat{{{}, {9}, {}, {}}}));
  }
  SECTION("answered and believed") {
    const auto answer = [&](std::uint64_t round) {
      return lab.message(2, 1, lab.term, HeartbeatReply{{lab.session_of(2), {round}, {}}});
    };
    REQUIRE(lab.bench(1).core->request_read(false, lab.now()));
    lab.turn(1);
    lab.receive(1, answer(9), answer(1));
  }
  CHECK(lab.violated() == "R4");
}

TEST_CASE("a read that ends twice, or never, is R5", "[sim][checkers]") {
  Lab lab;
  const auto read = lab.checkers().read_invoked();
  SECTION("once") {
    lab.checkers().read_failed(read);
    lab.checkers().check_final();
    CHECK(lab.violated() == "");
  }
  SECTION("twice") {
    lab.checkers().read_failed(read);
    lab.checkers().read_served(NodeId{1}, read, Index{1}, Index{1});
    CHECK(lab.violated() == "R5");
  }
  SECTION("never") {
    lab.checkers().check_final();
    CHECK(lab.violated() == "R5");
  }
}

TEST_CASE("a lease that outlives its term is R6", "[sim][checkers]") {
  Led lab(true);
  lab.pass(50ms);
  lab.tick(1);
  lab.deliver_all();
  REQUIRE(lab.core(1).leader_state()->lease.runs_at(lab.now()));
  CHECK(lab.violated() == "");
  SECTION("by a newer leader") {
    Ghost ghost;
    WatchedNode node = lab.watch(1, ghost);
    node.seen.clock -= 1ms;
    check_lease(ghost, node, look_at(lab.core(1)));
    CHECK(first(ghost.report) == "");
    ghost.leaders[Term{lab.term + 1}] = NodeId{2};
    check_lease(ghost, node, look_at(lab.core(1)));
    CHECK(first(ghost.report) == "R6");
  }
  SECTION("by a transfer") {
    lab.checkers().sends(lab.view(1), lab.message(1, 2, lab.term, TimeoutNow{}));
    CHECK(lab.violated() == "R6");
  }
  SECTION("by a vote of who has promised") {
    lab.bench(2).core->peer_lost(NodeId{1}, lab.now());
    const auto request = [&](bool forced) {
      return lab.message(3, 2, lab.term + 1,
                         VoteRequest{lab.core(2).log().last(), forced, Lab::instance(2)});
    };
    lab.receive(2, request(false), request(true));
    CHECK(lab.violated() == "R6");
  }
}

TEST_CASE("a read that is asked twice under one number is R7", "[sim][checkers]") {
  Led lab;
  const auto request = [&](std::uint64_t sequence) {
    return lab.message(2, 1, lab.term, ReadRequest{BootNumber{1}, sequence, false});
  };
  lab.checkers().sends(lab.view(2), request(2));
  lab.checkers().sends(lab.view(2), request(1));
  CHECK(lab.violated() == "");
  lab.checkers().sends(lab.view(2), request(2));
  CHECK(lab.violated() == "R7");
}

}  // namespace raft::sim
