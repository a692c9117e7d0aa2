// Bugs of this very implementation that the simulator found, each cut down to the few steps that
// matter. Those of the layer above stand in tests/replica/found_by_simulation_test.cpp.
#include "core/changes.hpp"
#include "core/scenario.hpp"

namespace raft::test {
namespace {

/// All messages from one to the other, and the answers to them.
void exchange(Cluster& cluster, NodeId from, NodeId to) {
  cluster.deliver(from, to);
  cluster.deliver(to, from);
}

}  // namespace

// A stale read. Sessions and rounds count from 1 in each life, so the answer to a heartbeat of an
// earlier life, given in the present term, confirmed rounds that the new leader had not begun: once
// deposed and cut off, it would have told a user what had been overwritten long before.
TEST_CASE("found 1: a late request of an earlier reign confirms no round of the next one",
          "[found-1][read]") {
  Cluster cluster;
  cluster.elect(n1);
  std::vector<Message> late;
  for (int round = 0; round < 4; ++round) {
    REQUIRE(cluster.read(n1));
    for (const Message& message : cluster.in_flight(n1, n2)) late.push_back(message);
    cluster.settle();
  }
  cluster.restart(n1);
  cluster.elect(n1);
  cluster.settle();
  for (const Message& message : late) cluster.inject(message);
  cluster.settle();
  REQUIRE(cluster.core(n1).is_leader());
  cluster.isolate(n1);
  cluster.elect(n3);
  REQUIRE(cluster.propose(n3, "x"));
  cluster.settle();
  const auto ticket = cluster.read(n1);
  REQUIRE(ticket);
  CHECK_FALSE(cluster.grants(n1).contains(*ticket));
}

// A crash of the leader, and of the next one that is asked the same: any request that changes
// nothing, such as a repeated addition of a member, once the log was shortened.
TEST_CASE("found 2: a change of what is already so is answered below the base",
          "[found-2][membership]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  change_until(cluster, adding_learners(cluster, {n4}), "1 2 3 | 4 learner");
  const Index in_force = cluster.core(n1).membership().index;
  propose_many(cluster, n1, 5);
  converge(cluster);
  cluster.compact(n1);
  REQUIRE(cluster.core(n1).log().base().last.index > in_force);
  const auto again = cluster.change(n1, adding_learners(cluster, {n4}));
  REQUIRE(again);
  CHECK(*again == EntryId{term(1), in_force});
}

// A follower that stays one entry behind, for as long as nobody writes: reads through it wait, and
// it counts for nothing when another node fails.
TEST_CASE("found 3: with a window of one append a second lost answer is found out, too",
          "[found-3][flow]") {
  Setup setup;
  setup.limits.inflight_appends_max = 1;
  Cluster cluster(setup);
  cluster.elect(n1);
  converge(cluster);
  REQUIRE(cluster.propose(n1, "x"));
  cluster.deliver(n1, n3);
  cluster.drop(n3, n1);  // The answer to the append ...
  cluster.settle();
  cluster.tick(n1, 50ms);
  exchange(cluster, n1, n3);
  REQUIRE(cluster.sent<AppendRequest>(n1, n3) == 3);
  cluster.deliver(n1, n3);
  cluster.drop(n3, n1);  // ... and that to the probe behind it.
  REQUIRE(progress(cluster, n1, n3).match == index(1));
  cluster.run_for(200ms);
  CHECK(progress(cluster, n1, n3).match == index(2));
  CHECK(cluster.machine(n3) == "x");
}

// A crash of a node that has just caught up by a snapshot, is elected, and finds somebody else who
// needs the same snapshot, while its own machine is still reading it.
TEST_CASE("found 4: a received snapshot is offered before the own machine has read it",
          "[found-4][snapshot]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  converge(cluster);
  for (const NodeId id : {n2, n3}) cluster.isolate(id);
  propose_many(cluster, n1, 10);
  cluster.run_for(100ms);
  cluster.compact(n1);
  cluster.hold_snapshots();
  for (const NodeId id : {n1, n4, n5}) {
    cluster.heal(id, n3);
    cluster.heal(n3, id);
  }
  REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n1).empty(); }, 2s));
  cluster.offer_snapshot(n1, n3);
  cluster.settle();
  REQUIRE(cluster.transfer_to(n3));
  const SnapshotMeta received = cluster.transfer_to(n3)->snapshot.meta;
  cluster.hold_machine(n3);
  cluster.finish_transfer(n3);
  cluster.settle();
  cluster.elect(n3);
  cluster.heal();
  REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n3).empty(); }, 2s));
  REQUIRE(cluster.core(n3).applied_index() < received.last.index);
  cluster.offer_snapshot(n3, n2, received);
  cluster.settle();
  REQUIRE(cluster.transfer_to(n2));
  cluster.finish_transfer(n2);
  cluster.release_machine(n3);
  cluster.release_snapshots();
  converge(cluster);
  CHECK(cluster.machine(n2) == cluster.machine(n1));
}

// Memory that grows for as long as a disk stands still, and a storm of old requests when it is
// back: each election timeout left one more message for the batch that could not be written.
TEST_CASE("found 5: pre-votes do not wait behind a disk that stands still", "[found-5][election]") {
  Cluster cluster;
  cluster.hold_disk(n3);
  cluster.inject({n1, n3, term(5), Heartbeat{}});
  REQUIRE(cluster.core(n3).term() == term(5));
  for (const NodeId id : {n1, n2}) cluster.crash(id);
  const std::size_t waiting = cluster.waiting_batches(n3);
  cluster.tick(n3, 20s);
  CHECK(cluster.count(n3, NoteKind::pre_campaign) >= 15);
  CHECK(cluster.sent<PreVoteRequest>(n3, n1) == cluster.count(n3, NoteKind::pre_campaign));
  CHECK(cluster.waiting_batches(n3) == waiting);
}

// A cluster that is shrunk to less than half at once, and whose leader loses its power just before
// the last entry of that is on its own disk, would have stood still for good: those who were to
// leave had the entry, refused to elect anyone without it, and did not stand themselves.
TEST_CASE("found 9: whoever is to leave campaigns while those who stay cannot be elected",
          "[found-9][membership][thesis-4.2.2]") {
  Cluster cluster;
  cluster.elect(n1);
  converge(cluster);
  cluster.hold_disk(n1);
  REQUIRE(cluster.change(n1, removing({n2, n3})));
  cluster.settle();
  cluster.persist(n1, 1);  // The joint membership, and not the one that leaves it.
  cluster.settle();
  const Index left = cluster.core(n2).membership().index;
  REQUIRE(to_string(*cluster.core(n2).membership().membership) == "1");
  REQUIRE(cluster.core(n2).commit() < left);
  cluster.crash(n1);
  cluster.release_disk(n1);
  cluster.restart(n1);
  REQUIRE(cluster.core(n1).log().last_index() < left);
  CHECK(cluster.run_until(
      [&] { return cluster.core(n1).is_leader() && cluster.core(n1).commit() > left; }));
}

// A learner that had caught up was promoted in the moment in which its connection broke, though its
// disk was lost: with one voter of three down already, four then needed the three that were left of
// two.
TEST_CASE("found 11: a learner that has just gone is not promoted", "[found-11][learner]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  lead(cluster, n1);
  MembershipChange taking_in = adding_learners(cluster, {n4});
  taking_in.add_learners.front().promote = true;
  REQUIRE(cluster.change(n1, taking_in));
  cluster.settle();
  REQUIRE(cluster.noted(n1, NoteKind::learner_round));
  cluster.disconnect(n1, n4);
  cluster.tick(n1, 100ms);
  CHECK_FALSE(cluster.noted(n1, NoteKind::learner_promoted));
  cluster.connect(n1, n4);
  CHECK(cluster.run_until([&] { return cluster.noted(n1, NoteKind::learner_promoted); }));
}

}  // namespace raft::test
