// Shows that each invariant of logs, commits, memberships and snapshots fires: a fault that a
// checker misses here is missed in every simulation.
#include <catch2/catch.hpp>
#include <chrono>

#include "sim/checkers/commits.hpp"
#include "sim/checkers/logs.hpp"
#include "sim/checkers/memberships.hpp"
#include "sim/checkers_lab.hpp"

namespace raft::sim {
namespace {

using namespace std::chrono_literals;

EntryPtr entry_of(std::uint64_t term, std::uint64_t index, EntryBody body) {
  return std::make_shared<const Entry>(Entry{Term{term}, Index{index}, {}, std::move(body)});
}

/// The id of what was reported; empty: nothing.
std::string first(const Report& report) { return report.first() ? report.first()->invariant : ""; }

std::string succession(const Membership& before, const Membership& after) {
  Report report;
  check_succession(report, before, after);
  return first(report);
}

/// A leader with one command applied here, on the disks of all, and committed nowhere else yet.
struct Led : Lab {
  Led() {
    elect(1);
    propose(1, "a");
    term = core(1).term().value;
  }
  std::uint64_t term = 0;
};

}  // namespace

// --- logs ---

TEST_CASE("another log below the same entry is L1", "[sim][checkers]") {
  Lab lab({.terms = {1, 3}, .term = 3});
  lab.restart(2);
  CHECK(lab.violated() == "");
  lab.replace(2, {.terms = {2, 3}, .term = 3});
  lab.restart(2);
  CHECK(lab.violated() == "L1");
}

TEST_CASE("a leader that overwrites its log is L2", "[sim][checkers]") {
  Led lab;
  lab.replace(1, {.term = lab.term - 1});
  lab.usurp(1);
  REQUIRE(lab.core(1).term().value == lab.term);
  lab.look(1);
  CHECK(lab.violated() == "L2");
}

TEST_CASE("a log with a hole is L3", "[sim][checkers]") {
  Lab lab({.terms = {1, 1}});
  lab.restart(2);
  CHECK(lab.violated() == "");
  lab.bench(2).storage.erase_up_to(Index{1});
  lab.restart(2);
  CHECK(lab.violated() == "L3");
}

TEST_CASE("two entries with one term and index are L4", "[sim][checkers]") {
  Lab lab({.terms = {1}});
  const auto append = [&](const std::string& bytes) {
    AppendRequest request{{}, {Term{1}, Index{2}}, {entry_of(1, 3, Lab::command(bytes))}};
    return lab.message(1, 2, 1, request);
  };
  lab.slip(2, append("this"));
  lab.look(2);
  lab.slip(3, [&] {
    Message message = append("this");
    message.to = NodeId{3};
    return message;
  }());
  lab.look(3);
  CHECK(lab.violated() == "");
  lab.replace(3, {.terms = {1}});
  Message other = append("that");
  other.to = NodeId{3};
  lab.slip(3, other);
  lab.look(3);
  CHECK(lab.violated() == "L4");
}

TEST_CASE("a commit index that falls is L5", "[sim][checkers]") {
  Led lab;
  Ghost ghost;
  WatchedNode node = lab.watch(1, ghost);
  const Sight now = node.seen;
  check_marks(ghost, node, now);
  CHECK(first(ghost.report) == "");
  node.seen.commit = now.commit.next();
  check_marks(ghost, node, now);
  CHECK(first(ghost.report) == "L5");
}

TEST_CASE("a committed entry that is erased is L6", "[sim][checkers]") {
  Led lab;
  SECTION("as the node knows") {
    lab.pass(50ms);
    lab.tick(1);
    lab.deliver_all();
    REQUIRE(lab.core(3).commit() == Index{3});
  }
  SECTION("as it does not know") { REQUIRE(lab.core(3).commit() < Index{3}); }
  lab.replace(3, {.term = lab.term, .vote = NodeId{1}});
  lab.look(3);
  CHECK(lab.violated() == "L6");
}

TEST_CASE("what is committed before any leader is L7", "[sim][checkers]") {
  Lab lab;
  lab.replace(2, {.terms = {1}, .commit = 2});
  lab.look(2);
  CHECK(lab.violated() == "L7");
}

TEST_CASE("what is committed otherwise than known is L7", "[sim][checkers]") {
  Lab lab({.terms = {1}, .term = 2});
  lab.cut = {3};
  lab.replace(3, {.terms = {2}, .term = 2});
  lab.look(3);
  lab.elect(1);
  REQUIRE(lab.checkers().committed() == Index{3});
  CHECK(lab.violated() == "");
  lab.replace(3, {.terms = {2}, .term = 2, .commit = 2});
  lab.look(3);
  CHECK(lab.violated() == "L7");
}

// --- commits ---

TEST_CASE("a commit that is on too few disks is C1", "[sim][checkers]") {
  Led lab;
  const EntryId id = *lab.bench(1).core->propose(Lab::command("b"), lab.now());
  lab.turn(1);
  const PeerSession session = lab.core(1).leader_state()->peers.at(NodeId{2}).session;
  lab.slip(1, lab.message(2, 1, lab.term, AppendAccepted{{session, {}, {}}, id.index}));
  REQUIRE(lab.core(1).commit() == id.index);
  lab.look(1);
  CHECK(lab.violated() == "C1");
}

TEST_CASE("who could be elected without what is committed is C2", "[sim][checkers]") {
  Led lab;
  lab.lose_disk(3);
  lab.look(3);
  CHECK(lab.violated() == "");  // A majority still has it.
  lab.lose_disk(2);
  lab.look(2);
  CHECK(lab.violated() == "C2");
}

TEST_CASE("a lost directory counts for nothing in C2 once it is forgotten", "[sim][checkers]") {
  Led lab;
  lab.cut = {3};
  lab.lose_disk(3);
  lab.checkers().life_ended(NodeId{3});
  lab.checkers().forget(NodeId{3});
  lab.propose(1, "b");
  CHECK(lab.violated() == "");
}

TEST_CASE("a follower that commits more than it was told is C3", "[sim][checkers]") {
  Led lab;
  const auto heartbeat = [&](std::uint64_t commit) {
    return lab.message(1, 2, lab.term, Heartbeat{{{}, {}, Index{commit}, {}}});
  };
  const std::uint64_t commit = lab.core(2).commit().value;
  lab.receive(2, heartbeat(commit), heartbeat(commit));
  CHECK(lab.violated() == "");
  lab.receive(2, heartbeat(commit), heartbeat(commit + 1));
  CHECK(lab.violated() == "C3");
}

TEST_CASE("a leader that waits for nothing with its commit is C4", "[sim][checkers]") {
  Led lab;
  Ghost ghost;
  const WatchedNode node = lab.watch(1, ghost);
  Sight now = node.seen;
  check_commit_is_prompt(ghost, node, now);
  CHECK(first(ghost.report) == "");
  now.commit = now.commit.prev();
  check_commit_is_prompt(ghost, node, now);
  CHECK(first(ghost.report) == "C4");
}

// --- memberships ---

TEST_CASE("a core that goes by another membership than its log is M1", "[sim][checkers]") {
  Led lab;
  Ghost ghost;
  WatchedNode node = lab.watch(1, ghost);
  check_membership_in_force(ghost, node);
  CHECK(first(ghost.report) == "");
  node.log.append(entry_of(lab.term, 4, Lab::voters({1, 2})), 0);
  node.in_force.reset();
  check_membership_in_force(ghost, node);
  CHECK(first(ghost.report) == "M1");
}

TEST_CASE("two changes at once, or one too early, are M2", "[sim][checkers]") {
  Led lab;
  Ghost two;
  WatchedNode node = lab.watch(1, two);
  for (std::uint64_t index = 1; index <= 3; ++index) {
    two.committed.append(*node.log.link(Index{index}).entry, *node.log.at(Index{index}),
                         Term{lab.term}, node.in_force);
  }
  node.log.append(entry_of(lab.term, 4, Lab::voters({1, 2})), 0);
  check_changes(two, node, node.seen);
  CHECK(first(two.report) == "");
  Sight early = node.seen;
  early.commit = early.term_start.prev();
  Ghost own;
  own.committed = two.committed;
  check_changes(own, node, early);
  CHECK(first(own.report) == "M2");
  node.log.append(entry_of(lab.term, 5, Lab::voters({1})), 0);
  check_changes(two, node, node.seen);
  CHECK(first(two.report) == "M2");
}

TEST_CASE("voters that change at once are M3", "[sim][checkers]") {
  const Membership three = *Lab::voters({1, 2, 3});
  Membership joint = *Lab::voters({1, 2, 3, 4});
  joint.outgoing = {NodeId{1}, NodeId{2}, NodeId{3}};
  Membership learner = *Lab::voters({1, 2, 3, 4});
  learner.members.back().role = Role::learner;
  CHECK(succession({}, three) == "");
  CHECK(succession(three, joint) == "");
  CHECK(succession(joint, *Lab::voters({1, 2, 3, 4})) == "");
  CHECK(succession(three, learner) == "");
  CHECK(succession(three, *Lab::voters({1, 2, 3, 4})) == "M3");
  CHECK(succession(joint, three) == "M3");
  CHECK(succession(three, {}) == "M3");
  joint.outgoing = {NodeId{1}};
  CHECK(succession(three, joint) == "M3");
}

TEST_CASE("a membership that is set again is M6, an id that changes hands M8", "[sim][checkers]") {
  const Membership three = *Lab::voters({1, 2, 3});
  CHECK(succession(three, three) == "M6");
  Membership other = three;
  other.members.back().address = "moved";
  CHECK(succession(three, other) == "");
  other.members.back().instance = {8, 8};
  CHECK(succession(three, other) == "M8");
}

TEST_CASE("a leader that stays in a committed joint membership is M6", "[sim][checkers]") {
  Led lab;
  Ghost ghost;
  WatchedNode node = lab.watch(1, ghost);
  Membership joint = *Lab::voters({1, 2});
  joint.outgoing = {NodeId{1}, NodeId{2}, NodeId{3}};
  const Index index = node.log.last_index().next();
  node.log.append(
      entry_of(lab.term, index.value, std::make_shared<const Membership>(std::move(joint))), 0);
  Sight now = node.seen;
  check_leaving(ghost, node, now);
  CHECK(first(ghost.report) == "");
  now.commit = index;
  check_leaving(ghost, node, now);
  CHECK(first(ghost.report) == "M6");
}

// --- snapshots ---

TEST_CASE("a snapshot of what is not committed or not applied is P1", "[sim][checkers]") {
  Led lab;
  const auto offer = [&](std::uint64_t index, Index membership) {
    SnapshotMeta meta{{Term{lab.term}, Index{index}}, {}, {membership, Lab::voters({1, 2, 3})}};
    return lab.message(1, 3, lab.term, SnapshotOffer{{}, {meta, 1, 1}});
  };
  lab.checkers().sends(lab.view(1), offer(3, Index{1}));
  CHECK(lab.violated() == "");
  SECTION("P1") {
    lab.checkers().sends(lab.view(1), offer(4, Index{1}));
    CHECK(lab.violated() == "P1");
  }
  SECTION("with another membership it is M9") {
    lab.checkers().sends(lab.view(1), offer(3, Index{2}));
    CHECK(lab.violated() == "M9");
  }
}

TEST_CASE("a late offer that changes anything is P2", "[sim][checkers]") {
  Led lab;
  SnapshotMeta meta{{Term{1}, Index{1}}, {}, {Index{1}, Lab::voters({1, 2, 3})}};
  const auto offer = lab.message(1, 3, lab.term, SnapshotOffer{{}, {meta, 1, 1}});
  lab.receive(3, offer, offer);
  CHECK(lab.violated() == "");
  AppendRequest append{{}, {Term{lab.term}, Index{3}}, {entry_of(lab.term, 4, Noop{})}};
  lab.receive(3, offer, lab.message(1, 3, lab.term, append));
  CHECK(lab.violated() == "P2");
}

TEST_CASE("a state restored that never was is P3", "[sim][checkers]") {
  Led lab;
  lab.checkers().state(NodeId{1}, Index{3}, 33);
  lab.checkers().restored(NodeId{3}, Index{3}, 33);
  CHECK(lab.violated() == "");
  lab.checkers().restored(NodeId{3}, Index{3}, 34);
  CHECK(lab.violated() == "P3");
}

TEST_CASE("a machine restored ahead of its disk is P4", "[sim][checkers]") {
  Led lab;
  lab.compact(1);
  lab.checkers().restored(NodeId{1}, Index{3}, 33);
  CHECK(lab.violated() == "");
  lab.bench(1).disk = DiskView();
  lab.checkers().restored(NodeId{1}, Index{3}, 33);
  CHECK(lab.violated() == "P4");
}

TEST_CASE("a log that is shortened beyond what the machine keeps is P5", "[sim][checkers]") {
  Led lab;
  SECTION("not up to there") {
    lab.checkers().restorable(NodeId{1}, Index{3});
    lab.compact(1);
    CHECK(lab.violated() == "");
  }
  SECTION("beyond") {
    lab.checkers().restorable(NodeId{1}, Index{2});
    lab.compact(1);
    CHECK(lab.violated() == "P5");
  }
}

TEST_CASE("bytes of a snapshot that was not offered, or too many, are P6", "[sim][checkers]") {
  Led lab;
  const SnapshotMeta meta = lab.compact(1);
  const auto chunk = [&](std::uint64_t session, const Bytes& bytes) {
    return ServiceMessage{NodeId{1}, NodeId{3},
                          Chunk{{Term{lab.term}, {session}, meta.last.index}, 0, bytes}};
  };
  lab.checkers().sends(lab.view(1),
                       lab.message(1, 3, lab.term, SnapshotOffer{{{7}, {}, {}, {}}, {meta, 3, 5}}));
  lab.checkers().sends(lab.view(1), chunk(7, "abc"));
  lab.checkers().received(NodeId{3}, {meta, 3, 5}, 3, 5);
  CHECK(lab.violated() == "");
  SECTION("another transfer") { lab.checkers().sends(lab.view(1), chunk(8, "abc")); }
  SECTION("more than there is") { lab.checkers().sends(lab.view(1), chunk(7, "abcd")); }
  SECTION("another file") { lab.checkers().received(NodeId{3}, {meta, 3, 5}, 3, 6); }
  CHECK(lab.violated() == "P6");
}

}  // namespace raft::sim
