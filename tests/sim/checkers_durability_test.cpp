// Shows that each invariant of disks, machines and clients fires.
#include <catch2/catch.hpp>
#include <chrono>

#include "sim/checkers/limits.hpp"
#include "sim/checkers_lab.hpp"

namespace raft::sim {
namespace {

using namespace std::chrono_literals;

EntryPtr entry_of(std::uint64_t term, std::uint64_t index) {
  return std::make_shared<const Entry>(Entry{Term{term}, Index{index}, {}, Noop{}});
}

PersistWork work_of(std::uint64_t term, std::uint64_t vote, std::vector<EntryPtr> entries) {
  PersistWork work;
  work.hard_state = HardState{Term{term}, NodeId{vote}, {}, {}};
  work.entries = std::move(entries);
  return work;
}

/// Entries 1 to 3 of term 1, a vote for 2 in term 2.
DiskView disk_at_three() {
  DiskView disk;
  disk.synced(work_of(2, 2, {entry_of(1, 1), entry_of(1, 2), entry_of(1, 3)}));
  return disk;
}

RecoveredLog recovered(std::uint64_t term, std::uint64_t vote, std::vector<TermRun> runs,
                       std::uint64_t last) {
  return {{Term{term}, NodeId{vote}, {}, {}}, {}, std::move(runs), {}, Index{last}, {}};
}

std::string violated(const DiskView& disk) {
  return disk.violation() ? disk.violation()->invariant : "";
}

struct Led : Lab {
  Led() {
    elect(1);
    checkers().proposed(1, command("a"));
    id = propose(1, "a");
  }
  EntryId id;
};

}  // namespace

// --- the disk ---

TEST_CASE("a start that finds less than was synced is D3", "[sim][checkers]") {
  const std::vector<TermRun> run{{Index{1}, Term{1}}};
  const auto verdict = [](const RecoveredLog& log) {
    DiskView disk = disk_at_three();
    disk.recovered(log);
    return violated(disk);
  };
  CHECK(verdict(recovered(2, 2, run, 3)) == "");
  CHECK(verdict(recovered(2, 2, run, 4)) == "");  // Written, not synced, and yet there.
  CHECK(verdict(recovered(3, 0, run, 3)) == "");
  CHECK(verdict(recovered(3, 0, {{Index{1}, Term{1}}, {Index{2}, Term{3}}}, 2)) == "");
  CHECK(verdict(recovered(2, 2, run, 2)) == "D3");
  CHECK(verdict(recovered(1, 2, run, 3)) == "D3");
  CHECK(verdict(recovered(2, 3, run, 3)) == "D3");
  CHECK(verdict(recovered(2, 0, run, 3)) == "D3");
}

TEST_CASE("a life that has forgotten its promises is D3", "[sim][checkers]") {
  Led lab;
  const Term term = lab.core(2).term();
  SECTION("a vote") {
    PersistWork other = work_of(term.value, 3, {});
    lab.lose_disk(2);
    other.hard_state->commit = Index{1};
    lab.bench(2).disk.synced(other);
  }
  SECTION("an acknowledgement") {
    PersistWork same = work_of(term.value, 1, {});
    lab.lose_disk(2);
    same.hard_state->commit = Index{1};
    lab.bench(2).disk.synced(same);
  }
  lab.restart(2);
  CHECK(lab.violated() == "D3");
}

TEST_CASE("a vote for another directory is D3", "[sim][checkers]") {
  Lab lab;
  VoteRequest request{lab.core(2).log().last(), false, {9, 9}};
  const Message told = lab.message(1, 2, 2, request);
  request.voter = Lab::instance(2);
  lab.receive(2, told, lab.message(1, 2, 2, request));
  CHECK(lab.violated() == "D3");
}

TEST_CASE("a disk that no recovery could read is D4", "[sim][checkers]") {
  DiskView disk = disk_at_three();
  CHECK(violated(disk) == "");
  SECTION("a gap") { disk.synced(work_of(2, 2, {entry_of(2, 5)})); }
  SECTION("an entry before its term") { disk.synced(work_of(2, 2, {entry_of(3, 4)})); }
  SECTION("terms that fall") {
    disk.synced(work_of(2, 2, {entry_of(2, 4)}));
    disk.synced(work_of(2, 2, {entry_of(1, 5)}));
  }
  SECTION("a commit index above the log") {
    PersistWork work = work_of(2, 2, {});
    work.hard_state->commit = Index{4};
    disk.synced(work);
  }
  SECTION("a base that is not in the log") { disk.compacted({{Term{2}, Index{2}}, {}, {}}); }
  CHECK(violated(disk) == "D4");
}

TEST_CASE("a lease that is promised before it is synced is D2", "[sim][checkers]") {
  Lab lab;
  const auto heartbeat = lab.message(1, 2, 1, Heartbeat{{{}, {}, {}, 500ms}});
  SECTION("synced") {
    lab.receive(2, heartbeat, heartbeat);
    lab.turn(2);
    CHECK(lab.violated() == "");
  }
  SECTION("not synced") {
    lab.bench(2).syncs = false;
    lab.receive(2, heartbeat, heartbeat);
    lab.turn(2);
    CHECK(lab.violated() == "D2");
  }
}

TEST_CASE("who speaks after its disk has failed is D5", "[sim][checkers]") {
  Lab lab;
  const auto reply = lab.message(2, 1, 1, VoteReply{false});
  lab.checkers().sends(lab.view(2), reply);
  CHECK(lab.violated() == "");
  lab.checkers().disk_failed(NodeId{2});
  lab.checkers().sends(lab.view(2), reply);
  CHECK(lab.violated() == "D5");
}

// --- machines ---

TEST_CASE("machines that are given different commands are C5", "[sim][checkers]") {
  Led lab;
  const std::uint64_t command = fingerprint(Lab::command("a"));
  const std::uint64_t reply = lab.id.index.value;
  SECTION("the same") {
    lab.checkers().applied(NodeId{3}, lab.id.index, command, reply);
    CHECK(lab.violated() == "");
  }
  SECTION("another") {
    lab.checkers().applied(NodeId{3}, lab.id.index, command + 1, reply);
    CHECK(lab.violated() == "C5");
  }
  SECTION("twice") {
    lab.checkers().applied(NodeId{1}, lab.id.index, command, reply);
    CHECK(lab.violated() == "C5");
  }
  SECTION("and answer otherwise: D8") {
    lab.checkers().applied(NodeId{3}, lab.id.index, command, reply + 1);
    CHECK(lab.violated() == "D8");
  }
}

TEST_CASE("what is executed uncommitted or not synced is C6, what is left out C7",
          "[sim][checkers]") {
  Led lab;
  SECTION("uncommitted") {
    lab.checkers().applied(NodeId{1}, Index{9}, 1, 1);
    CHECK(lab.violated() == "C6");
  }
  SECTION("not synced") {
    lab.bench(3).disk = DiskView();
    lab.checkers().applied(NodeId{3}, lab.id.index, fingerprint(Lab::command("a")),
                           lab.id.index.value);
    CHECK(lab.violated() == "C6");
  }
  SECTION("left out") {
    REQUIRE(lab.bench(1).core->propose(Lab::command("b"), lab.now()));
    const EntryId last = lab.propose(1, "c");
    REQUIRE(lab.core(3).applied_index().value + 2 == last.index.value);
    CHECK(lab.violated() == "");
    lab.checkers().applied(NodeId{3}, last.index, fingerprint(Lab::command("c")), last.index.value);
    CHECK(lab.violated() == "C7");
  }
}

TEST_CASE("states that differ at an index are D8", "[sim][checkers]") {
  Led lab;
  lab.checkers().state(NodeId{1}, Index{3}, 5);
  lab.checkers().state(NodeId{2}, Index{3}, 5);
  CHECK(lab.violated() == "");
  lab.checkers().state(NodeId{3}, Index{3}, 6);
  CHECK(lab.violated() == "D8");
}

// Sessions and memberships are no part of any user's state, and as easily lost.
TEST_CASE("sessions or memberships that differ at an index are D8", "[sim][checkers]") {
  Led lab;
  lab.checkers().meta(NodeId{1}, Index{3}, 5);
  lab.checkers().meta(NodeId{2}, Index{4}, 6);
  CHECK(lab.violated() == "");
  lab.checkers().meta(NodeId{2}, Index{3}, 6);
  CHECK(lab.violated() == "D8");
}

TEST_CASE("snapshots that differ are D8, and half a one is P4", "[sim][checkers]") {
  Led lab;
  const SnapshotInfo snapshot{{{Term{2}, Index{3}}, {}, {}}, 10, 7};
  lab.checkers().snapshot_file(NodeId{1}, snapshot);
  lab.checkers().snapshot_file(NodeId{2}, snapshot);
  CHECK(lab.violated() == "");
  SECTION("D8") {
    SnapshotInfo other = snapshot;
    other.crc = 8;
    lab.checkers().snapshot_file(NodeId{2}, other);
    CHECK(lab.violated() == "D8");
  }
  SECTION("P4") {
    lab.checkers().snapshot_file(NodeId{2}, std::nullopt);
    CHECK(lab.violated() == "P4");
  }
}

// --- clients ---

TEST_CASE("what is acknowledged and not committed is D1", "[sim][checkers]") {
  Led lab;
  lab.checkers().acknowledged(1, lab.id, lab.id.index.value);
  CHECK(lab.violated() == "");
  SECTION("above the log") {
    lab.checkers().acknowledged(1, {lab.id.term, Index{9}}, 9);
    CHECK(lab.violated() == "D1");
  }
  SECTION("another command") {
    lab.checkers().proposed(2, Lab::command("b"));
    lab.checkers().acknowledged(2, lab.id, lab.id.index.value);
    CHECK(lab.violated() == "D1");
  }
  SECTION("on too few disks") {
    lab.bench(2).disk = lab.bench(3).disk = DiskView();
    lab.checkers().acknowledged(1, lab.id, lab.id.index.value);
    CHECK(lab.violated() == "D1");
  }
  SECTION("with another reply it is D6") {
    lab.checkers().acknowledged(1, lab.id, 1);
    CHECK(lab.violated() == "D6");
  }
}

TEST_CASE("a request that is executed twice is D6", "[sim][checkers]") {
  Led lab;
  const Command command{"client", 1, "x"};
  for (int i = 0; i < 2; ++i) {
    CHECK(lab.violated() == "");
    REQUIRE(lab.bench(1).core->propose(command, lab.now()));
    lab.turn(1);
    lab.deliver_all();
  }
  CHECK(lab.violated() == "D6");
}

TEST_CASE("a refusal that was none is D7", "[sim][checkers]") {
  Led lab;
  SECTION("before") { lab.checkers().refused_for_good(1); }
  SECTION("after") {
    lab.checkers().proposed(2, Lab::command("b"));
    lab.checkers().refused_for_good(2);
    CHECK(lab.violated() == "");
    lab.propose(1, "b");
  }
  CHECK(lab.violated() == "D7");
}

TEST_CASE("more callers than may wait are D10", "[sim][checkers]") {
  Led lab;
  const Limits& limits = lab.core(1).options().limits;
  lab.checkers().waiting(lab.view(1), limits.pending_proposals_max, limits.pending_reads_max);
  CHECK(lab.violated() == "");
  SECTION("proposals") { lab.checkers().waiting(lab.view(1), limits.pending_proposals_max + 1, 0); }
  SECTION("reads") { lab.checkers().waiting(lab.view(1), 0, limits.pending_reads_max + 1); }
  CHECK(lab.violated() == "D10");
}

TEST_CASE("more handed out than a machine takes is D10", "[sim][checkers]") {
  Led lab;
  Ghost ghost;
  WatchedNode node = lab.watch(1, ghost);
  const Limits& limits = lab.core(1).options().limits;
  Sight now = node.seen;
  const auto hand_out = [&](std::size_t bytes) {
    const Index index = node.log.last_index().next();
    const Entry large{now.term, index, {}, Lab::command(std::string(bytes, 'x'))};
    node.log.append(std::make_shared<const Entry>(large), 0);
    now.handed_out = index;
    check_limits(ghost, node, now);
    return ghost.report.first() ? ghost.report.first()->invariant : "";
  };
  CHECK(hand_out(limits.apply_bytes_max) == "");
  CHECK(hand_out(limits.command_bytes_max + (std::size_t{64} << 10)) == "D10");
}

}  // namespace raft::sim
