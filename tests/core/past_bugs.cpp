// Bugs that other implementations had, replayed on this one; where each was found stands above its
// test, and the numbers are only there to speak of them. Every invariant is checked after every
// step, so a scenario that plays and converges has shown that nothing was lost, voted twice or
// applied twice.
//
// Those that are not here are shown by scenarios, or concern files, connections or threads:
// docs/scenarios.md tells which test shows which.
#include "core/changes.hpp"
#include "core/scenario.hpp"

namespace raft::test {
namespace {

EntryPtr entry(std::uint64_t in_term, std::uint64_t at, EntryBody body) {
  return std::make_shared<Entry>(Entry{term(in_term), index(at), {}, std::move(body)});
}

EntryPtr command(std::uint64_t in_term, std::uint64_t at) {
  Command made;
  made.bytes = to_string(EntryId{term(in_term), index(at)});
  return entry(in_term, at, made);
}

AppendRequest append(EntryId prev, std::vector<EntryPtr> entries) {
  AppendRequest request;
  request.mark.session = {1};
  request.prev = prev;
  request.entries = std::move(entries);
  return request;
}

/// n3 misses ten commands, and n1, which leads, erases them from its log.
void leave_behind(Cluster& cluster) {
  cluster.elect(n1);
  converge(cluster);
  cluster.isolate(n3);
  propose_many(cluster, n1, 10);
  cluster.run_for(200ms);
  cluster.compact(n1);
}

/// And finds out that it needs a snapshot, which it is offered.
void offer_to_the_one_behind(Cluster& cluster) {
  cluster.hold_snapshots();
  cluster.heal();
  REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n1).empty(); }, 2s));
  cluster.offer_snapshot(n1, n3);
  cluster.settle();
  REQUIRE(cluster.transfer_to(n3));
}

}  // namespace

// hashicorp/raft #695: the entry was written and sent under the new term.
TEST_CASE("past bug 1: a higher term arrives while a proposal is on its way to the disk",
          "[bug-1][past-bugs]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.hold_disk(n1);
  cluster.begin_turn(n1);
  const auto proposed = cluster.propose(n1, "x");
  REQUIRE(proposed);
  Heartbeat heartbeat;
  heartbeat.mark.session = {1};
  cluster.inject({n2, n1, term(9), heartbeat});
  cluster.end_turn(n1);
  cluster.release_disk(n1);
  for (const NodeId id : {n2, n3}) {
    for (const Message& message : cluster.in_flight(n1, id)) {
      CHECK_FALSE(std::holds_alternative<AppendRequest>(message.body));
    }
  }
  CHECK(cluster.disk(n1).term_at(proposed->index) == term(1));
  CHECK(refusal(cluster.propose(n1, "y")) == Errc::not_leader);
}

// etcd #20418: the context of a read was its only name, so a late heartbeat reply of an earlier
// reign released it.
TEST_CASE("past bug 4: a read is asked again while old confirmations are repeated",
          "[bug-4][past-bugs]") {
  Cluster cluster;
  cluster.elect(n1);
  REQUIRE(cluster.read(n3));
  std::vector<Message> late;
  const auto keep = [&](NodeId from, NodeId to) {
    cluster.duplicate(from, to);
    for (const Message& message : cluster.in_flight(from, to)) late.push_back(message);
    cluster.deliver(from, to);
  };
  keep(n3, n1);
  for (const NodeId id : {n2, n3}) keep(n1, id);
  for (const NodeId id : {n2, n3}) keep(id, n1);
  cluster.elect(n2);
  propose_many(cluster, n2, 3);
  cluster.settle();
  cluster.elect(n1);
  const auto again = cluster.read(n3);
  REQUIRE(again);
  for (const Message& message : late) cluster.inject(message);
  cluster.run_for(300ms);
  REQUIRE(cluster.grants(n3).contains(*again));
  CHECK(cluster.grants(n3).at(*again) >= index(5));
}

// The late acknowledgement of a former life moved the match index of the present one.
TEST_CASE("past bug 5: a peer is removed and taken in again within one term",
          "[bug-5][past-bugs]") {
  for (const bool wiped : {false, true}) {
    Cluster cluster;
    cluster.elect(n1);
    propose_many(cluster, n1, 5);
    const auto accepted = [&] {
      cluster.deliver(n1, n3);
      return cluster.take(n3, n1);
    }();
    REQUIRE(accepted.size() >= 5);
    cluster.run_for(100ms);
    change_until(cluster, removing({n3}), "1 2");
    if (wiped) cluster.restart_wiped(n3);
    cluster.isolate(n3);
    REQUIRE(cluster.change(n1, adding(cluster, {n3})));
    REQUIRE(cluster.core(n1).term() == term(1));
    cluster.heal(n3, n1);
    for (const Message& message : accepted) cluster.inject(message);
    CHECK(progress(cluster, n1, n3).match == index(0));
    cluster.heal();
    CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3"); }));
    CHECK(cluster.machine(n3) == "c0 c1 c2 c3 c4");
  }
}

// NuRaft #185: committed entries were rolled back after a vote that should not have been granted.
TEST_CASE("past bug 6: a stale candidate does not win, whatever the pre-votes were",
          "[bug-6][past-bugs]") {
  for (const bool pre_vote : {true, false}) {
    Setup setup;
    setup.pre_vote = pre_vote;
    setup.logs = {{n1, {1, 1, 1}}, {n2, {1, 1, 1}}, {n3, {1}}};
    setup.terms = {{n3, 9}};
    Cluster cluster(setup);
    cluster.crash(n1);
    for (int round = 0; round < 5; ++round) {
      cluster.campaign(n3);
      cluster.inject(
          {n2, n3, cluster.core(n3).term(), PreVoteReply{cluster.core(n3).term().next(), true}});
      cluster.settle();
      CHECK_FALSE(cluster.core(n3).is_leader());
      if (cluster.leader() == n2) break;
    }
    CHECK(cluster.noted(n2, NoteKind::vote_refused_stale_log));
    CHECK(cluster.run_until([&] { return cluster.leader() == n2; }));
    converge(cluster);
    CHECK(cluster.log_terms(n3).starts_with("1 1 1"));
  }
}

// NuRaft #293: an entry was accepted whose predecessor had another term.
TEST_CASE("past bug 7: after two quick leader changes the predecessor's term is compared",
          "[bug-7][past-bugs]") {
  Setup setup;
  setup.logs = {{n3, {1, 2, 2}}};
  Cluster cluster(setup);
  cluster.inject({n1, n3, term(4), append({term(3), index(2)}, {command(4, 3)})});
  CHECK(cluster.log_terms(n3) == "1 2 2");
  cluster.inject({n1, n3, term(4), append({term(3), index(3)}, {})});
  CHECK(cluster.sent<AppendRejected>(n3, n1) == 2);
  CHECK(cluster.sent<AppendAccepted>(n3, n1) == 0);
  cluster.inject({n1, n3, term(4), append({term(1), index(1)}, {command(3, 2), command(4, 3)})});
  CHECK(cluster.log_terms(n3) == "1 3 4");
}

// etcd raft PR 105: the commit index on disk lags behind what was acknowledged.
TEST_CASE("past bug 10: a read at once after a restart of all is not stale",
          "[bug-10][past-bugs]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    propose_many(cluster, n1, 5);
    converge(cluster);
    const Index acknowledged = cluster.committed();
    for (const NodeId id : cluster.ids()) cluster.crash(id);
    for (const NodeId id : cluster.ids()) {
      cluster.hold_machine(id);
      cluster.restart(id);
    }
    cluster.elect(n2);
    const auto ticket = cluster.read(n2);
    REQUIRE(ticket);
    REQUIRE(cluster.run_until([&] { return cluster.grants(n2).contains(*ticket); }));
    const auto answer = cluster.grants(n2).at(*ticket);
    CHECK((!answer || *answer > acknowledged));  // If messages got lost it may have failed.
  });
}

// hashicorp/raft #697: installed, rejected, installed again, for ever.
TEST_CASE("past bug 13: a snapshot that conflicts with the follower's log clears all of it",
          "[bug-13][past-bugs]") {
  Setup setup;
  setup.logs = {{n1, {1, 1, 4, 4, 4}}, {n2, {1, 1, 4, 4, 4}}, {n3, {1, 1, 3, 3, 3, 3, 3, 3}}};
  setup.terms = {{n3, 4}};
  Cluster cluster(setup);
  cluster.isolate(n3);
  cluster.elect(n1);
  cluster.run_for(100ms);
  cluster.compact(n1);
  cluster.heal();
  converge(cluster);
  CHECK(cluster.count(n3, NoteKind::snapshot_installed) == 1);
  CHECK(cluster.log_terms(n3) == cluster.log_terms(cluster.leader()));
  CHECK(cluster.machine(n3) == cluster.machine(n1));
}

// NuRaft PR 407, ClickHouse #40571, scylladb 88a6e24: an entry below the snapshot was applied on
// top of it, or the commit cursor stood in the wrong place.
TEST_CASE("past bug 14: a snapshot is installed while the machine is busy with older entries",
          "[bug-14][past-bugs]") {
  for (const int taken : {0, 3, 6}) {
    Cluster cluster;
    cluster.elect(n1);
    converge(cluster);
    cluster.hold_machine(n3);
    propose_many(cluster, n1, taken);
    cluster.run_for(100ms);
    REQUIRE(cluster.core(n3).handed_out() == index(1 + static_cast<std::uint64_t>(taken)));
    cluster.isolate(n3);
    propose_many(cluster, n1, 10);
    cluster.run_for(100ms);
    cluster.compact(n1);
    cluster.heal();
    REQUIRE(cluster.run_until([&] { return cluster.noted(n3, NoteKind::snapshot_installed); }));
    propose_many(cluster, n1, 2);
    cluster.run_for(100ms);
    cluster.release_machine(n3);
    converge(cluster);
    CHECK(cluster.machine(n3) == cluster.machine(n1));
  }
}

// NuRaft PR 566 and #241, openraft #1808: a node went by the wrong of two memberships.
TEST_CASE("past bug 15: the log's membership counts, not that of an older snapshot",
          "[bug-15][past-bugs]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  propose_many(cluster, n1, 3);
  cluster.run_for(100ms);
  const SnapshotMeta older = cluster.take_snapshot(n1);
  change_until(cluster, adding_learners(cluster, {n4}), "1 2 3 | 4 learner");
  cluster.compact(n3, older.last.index);
  CHECK(members(cluster, n3) == "1 2 3 | 4 learner");
  cluster.restart(n3);
  CHECK(members(cluster, n3) == "1 2 3 | 4 learner");
}

// The same, the other way round.
TEST_CASE("past bug 15: an uncommitted membership that a snapshot covers is gone",
          "[bug-15][past-bugs]") {
  Setup setup;
  setup.learners = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.run_for(100ms);
  cluster.isolate(n1);
  REQUIRE(cluster.change(n1, promoting({n4})));
  cluster.elect(n2);
  propose_many(cluster, n2, 10);
  cluster.run_for(200ms);
  cluster.compact(n2);
  cluster.heal();
  converge(cluster);
  CHECK(cluster.noted(n1, NoteKind::snapshot_installed));
  CHECK(members(cluster, n1) == "1 2 3 | 4 learner");
}

// scylladb PR 30936, canonical/raft #323: only one step back was remembered.
TEST_CASE("past bug 16: a truncation undoes several memberships at once", "[bug-16][past-bugs]") {
  for (const bool restarted : {false, true}) {
    Cluster cluster;
    const Membership founding = *cluster.core(n3).membership().membership;
    Membership larger = founding;
    larger.members.push_back(cluster.member(n4));
    larger.members.back().role = Role::learner;
    Membership joint = larger;
    joint.members.back().role = Role::voter;
    joint.outgoing = {n1, n2, n3};
    cluster.inject(
        {n1, n3, term(1),
         append({}, {command(1, 1), entry(1, 2, std::make_shared<const Membership>(larger)),
                     entry(1, 3, std::make_shared<const Membership>(joint))})});
    REQUIRE(members(cluster, n3) == "1 2 3 4 after 1 2 3");
    if (restarted) cluster.restart(n3);
    cluster.inject({n2, n3, term(2), append({term(1), index(1)}, {command(2, 2)})});
    CHECK(*cluster.core(n3).membership().membership == founding);
    CHECK(cluster.core(n3).membership().index == index(0));
    if (restarted) cluster.restart(n3);
    CHECK(*cluster.core(n3).membership().membership == founding);
  }
}

// etcd PR 11888, redisraft #43: what was on disk after the crash could not be started from.
TEST_CASE("past bug 17: a crash between a snapshot, its hard state and the log",
          "[bug-17][past-bugs]") {
  for (const std::size_t written : {0u, 1u}) {
    Cluster cluster;
    leave_behind(cluster);
    offer_to_the_one_behind(cluster);
    cluster.hold_disk(n3);
    cluster.hold_machine(n3);
    cluster.finish_transfer(n3);
    REQUIRE(cluster.waiting_batches(n3) >= 1);
    cluster.persist(n3, written);
    cluster.crash(n3);
    CHECK(cluster.disk(n3).base().last.index == index(written == 0 ? 0 : 11));
    CHECK(cluster.disk(n3).hard_state().commit <= cluster.disk(n3).last().index);
    cluster.restart(n3);
    CHECK(cluster.applied(n3) == cluster.disk(n3).base().last.index);
    cluster.release_snapshots();
    converge(cluster);
  }
}

// LogCabin #160: entries that did not follow each other were packed into one append.
TEST_CASE("past bug 18: appends are contiguous wherever limits cut them", "[bug-18][past-bugs]") {
  for (const std::size_t bytes : {1u, 90u, 200u, 1'000u}) {
    Setup setup;
    setup.limits.append_bytes_max = bytes;
    setup.limits.log_cache_bytes = 300;  // Some entries come from the disk, some from memory.
    setup.limits.inflight_appends_max = 3;
    Cluster cluster(setup);
    cluster.elect(n1);
    cluster.isolate(n3);
    for (int i = 0; i < 20; ++i) {
      REQUIRE(cluster.propose(n1, std::string(static_cast<std::size_t>(i * 7 % 40 + 1), 'x')));
      cluster.settle();
    }
    cluster.heal();
    cluster.hold(n1, n3);
    cluster.run_for(60ms);
    for (int round = 0; round < 40; ++round) {
      cluster.duplicate(n1, n3);
      cluster.reverse(n1, n3);
      cluster.deliver(n1, n3);
      cluster.run_for(20ms);
    }
    cluster.release(n1, n3);
    converge(cluster);
    CHECK(cluster.noted(n1, NoteKind::peer_fetches));
  }
}

// scylladb commits 1eb849c, 1216f39 and 15d34d9: a heartbeat, or the message of a read round,
// raised the commit index of a follower beyond what it shared with the leader; and an old one
// lowered it.
TEST_CASE("past bug 19: a follower commits nothing beyond what matches, and never less than before",
          "[bug-19][past-bugs]") {
  Setup setup;
  setup.logs = {{n1, {1, 3}}, {n2, {1, 3}}, {n3, {1, 2, 2}}};
  Cluster cluster(setup);
  cluster.isolate(n3);
  cluster.elect(n1);
  cluster.run_for(100ms);
  REQUIRE(cluster.core(n1).commit() == index(3));
  const Term now = cluster.core(n1).term();
  // Heartbeats, the one of a read round among them, reach a log that has other entries.
  cluster.hold(n1, n3);
  cluster.heal();
  REQUIRE(cluster.read(n1));
  cluster.run_for(200ms);
  const std::vector<Message> early = cluster.take(n1, n3);
  std::size_t heartbeats = 0;
  for (const Message& message : early) {
    if (!std::holds_alternative<Heartbeat>(message.body)) continue;
    ++heartbeats;
    cluster.inject(message);
    CHECK(cluster.core(n3).commit() == index(0));
  }
  REQUIRE(heartbeats >= 3);
  // An append that shows no more than one entry to match commits no more than that one.
  AppendRequest first_matches = append({term(1), index(1)}, {});
  first_matches.mark.commit = index(3);
  cluster.inject({n1, n3, now, first_matches});
  CHECK(cluster.core(n3).commit() == index(1));
  CHECK(cluster.log_terms(n3) == "1 2 2");
  cluster.release(n1, n3);
  converge(cluster);
  const Index committed = cluster.core(n3).commit();
  REQUIRE(committed >= index(3));
  // What comes late knew of less.
  for (const Message& message : early) {
    cluster.inject(message);
    CHECK(cluster.core(n3).commit() == committed);
  }
  cluster.inject({n1, n3, now, append({}, {})});
  cluster.inject({n1, n3, now, append({term(1), index(1)}, {})});
  CHECK(cluster.core(n3).commit() == committed);
  converge(cluster);
}

// canonical/raft #450, cowsql commits 525aba2 and cc30f15: entries that were cut off while their
// write was under way counted as written, also where the power went in between.
TEST_CASE("past bug 20: the log is truncated under pending writes", "[bug-20][past-bugs]") {
  for (const std::size_t written : {0u, 1u, 2u}) {
    Setup setup;
    setup.logs = {{n1, {1}}, {n2, {1}}, {n3, {1}}};
    Cluster cluster(setup);
    cluster.hold_disk(n3);
    cluster.inject({n1, n3, term(2),
                    append({term(1), index(1)}, {command(2, 2), command(2, 3), command(2, 4)})});
    cluster.inject({n2, n3, term(3), append({term(1), index(1)}, {command(3, 2)})});
    cluster.persist(n3, written);
    CHECK(cluster.sent<AppendAccepted>(n3, n2) == (written == 2 ? 1 : 0));
    CHECK(cluster.core(n3).log().stable() == index(written == 2 ? 2 : 1));
    const std::string on_disk[] = {"1", "1 2 2 2", "1 3"};
    cluster.restart(n3);
    CHECK(cluster.log_terms(n3) == on_disk[written]);
    CHECK(cluster.core(n3).term() == term(written + 1));
    cluster.elect(n3);
    converge(cluster);
  }
}

// nebula PR 1769: it refused the snapshot for ever.
TEST_CASE("past bug 22: a node campaigns while a snapshot is on its way to it",
          "[bug-22][past-bugs]") {
  for (const bool pre_vote : {true, false}) {
    Setup setup;
    setup.pre_vote = pre_vote;
    Cluster cluster(setup);
    leave_behind(cluster);
    offer_to_the_one_behind(cluster);
    cluster.campaign(n3);
    REQUIRE(cluster.core(n3).role() != RoleNow::follower);
    cluster.drop_all();
    cluster.finish_transfer(n3);
    CHECK(cluster.core(n3).role() == RoleNow::follower);
    CHECK(cluster.core(n3).log().base().last.index == index(11));
    cluster.release_snapshots();
    converge(cluster);
  }
}

// scylladb #15222: an assertion failed, for the machine was not done with the first.
TEST_CASE("past bug 23: a second snapshot arrives while the first is being restored",
          "[bug-23][past-bugs]") {
  Cluster cluster;
  leave_behind(cluster);
  offer_to_the_one_behind(cluster);
  cluster.hold_machine(n3);
  cluster.finish_transfer(n3);
  cluster.isolate(n3);
  propose_many(cluster, n1, 10);
  cluster.run_for(200ms);
  cluster.compact(n1);
  cluster.disconnect(n1, n3);
  cluster.heal();
  cluster.connect(n1, n3);
  REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n1).empty(); }, 2s));
  cluster.offer_snapshot(n1, n3);
  cluster.settle();
  cluster.finish_transfer(n3);
  CHECK(cluster.count(n3, NoteKind::snapshot_installed) == 2);
  cluster.settle();
  CHECK(cluster.applied(n3) <= index(1));
  cluster.release_machine(n3);
  converge(cluster);
  CHECK(cluster.machine(n3) == cluster.machine(n1));
}

// ClickHouse PR 112405, NuRaft PR 657: the late answer was ignored and all began again.
TEST_CASE("past bug 24: a snapshot that takes a minute is acknowledged all the same",
          "[bug-24][past-bugs]") {
  Cluster cluster;
  leave_behind(cluster);
  offer_to_the_one_behind(cluster);
  const Index sent = cluster.transfer_to(n3)->snapshot.meta.last.index;
  for (int second = 0; second < 60; ++second) {
    propose_many(cluster, n1, 1);
    cluster.run_for(1s);
    cluster.compact(n1);
  }
  CHECK(cluster.core(n1).log().base().last.index == sent);
  CHECK(cluster.core(n1).term() == term(1));
  cluster.finish_transfer(n3);
  cluster.settle();
  CHECK(cluster.count(n3, NoteKind::snapshot_installed) == 1);
  CHECK(cluster.core(n3).log().last_index() == cluster.core(n1).log().last_index());
}

// The same, where it is the machine that takes a minute to read what has arrived.
TEST_CASE("past bug 24: a snapshot counts from when it is on disk, however long its restore takes",
          "[bug-24][past-bugs]") {
  Cluster cluster;
  leave_behind(cluster);
  offer_to_the_one_behind(cluster);
  cluster.hold_machine(n3);
  cluster.finish_transfer(n3);
  cluster.settle();
  cluster.forget_notes();
  for (int second = 0; second < 60; ++second) {
    propose_many(cluster, n1, 1);
    cluster.run_for(1s);
    cluster.compact(n1);
    const core::Progress& peer = progress(cluster, n1, n3);
    REQUIRE(peer.state == core::Progress::State::replicate);
    REQUIRE(peer.match == cluster.core(n1).log().last_index());
  }
  CHECK(cluster.applied(n3) <= index(1));
  CHECK(cluster.core(n1).term() == term(1));
  CHECK(cluster.snapshots_wanted(n1).empty());
  CHECK(cluster.sent<SnapshotOffer>(n1, n3) == 0);
  CHECK(cluster.sent<SnapshotDeclined>(n3, n1) == 0);
  cluster.release_machine(n3);
  converge(cluster);
  CHECK_FALSE(cluster.noted(n3, NoteKind::snapshot_installed));
  CHECK(cluster.machine(n3) == cluster.machine(n1));
}

// NuRaft PRs 562 and 590: joining did not go on.
TEST_CASE("past bug 26: a joining node restarts in the middle of its snapshot",
          "[bug-26][past-bugs]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  propose_many(cluster, n1, 10);
  cluster.run_for(100ms);
  cluster.compact(n1);
  cluster.hold_snapshots();
  MembershipChange change = adding_learners(cluster, {n4});
  change.add_learners.front().promote = true;
  REQUIRE(cluster.change(n1, change));
  REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n1).empty(); }, 2s));
  cluster.offer_snapshot(n1, n4);
  cluster.settle();
  REQUIRE(cluster.transfer_to(n4));
  cluster.restart(n4);
  cluster.disconnect(n1, n4);
  cluster.connect(n1, n4);
  cluster.release_snapshots();
  CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 4"); }));
  CHECK(cluster.machine(n4) == cluster.machine(n1));
}

// ClickHouse #88058 and #107556: a crash at the join and at each start after it.
TEST_CASE("past bug 27: a node joins far behind the log's beginning and restarts",
          "[bug-27][past-bugs]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.strangers = {n4};
    Cluster cluster(setup);
    cluster.elect(n1);
    propose_many(cluster, n1, 100);
    converge(cluster);
    for (const NodeId id : setup.voters) cluster.compact(id);
    change_until(cluster, adding(cluster, {n4}), "1 2 3 4");
    for (int start = 0; start < 3; ++start) {
      cluster.restart(n4);
      converge(cluster);
    }
    CHECK(cluster.machine(n4) == cluster.machine(n1));
  });
}

// hashicorp/raft #696: it refused writes for ever.
TEST_CASE("past bug 28: a transfer is interrupted, and the same node is elected again",
          "[bug-28][past-bugs]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    converge(cluster);
    cluster.isolate(n3);
    REQUIRE(cluster.transfer(n1, n3));
    cluster.inject({n2, n1, cluster.core(n1).term().next(), HeartbeatReply{}});
    REQUIRE(cluster.core(n1).role() == RoleNow::follower);
    cluster.heal();
    cluster.elect(n1);
    CHECK(cluster.propose(n1, "x"));
    converge(cluster);
    CHECK(cluster.machine(n1) == "x");
  });
}

// hashicorp/raft #612: replication to it resumed only after a restart of the leader.
TEST_CASE("past bug 31: a follower's disk stalls and recovers", "[bug-31][past-bugs]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.limits.inflight_appends_max = 4;
    Cluster cluster(setup);
    cluster.elect(n1);
    converge(cluster);
    for (int stall = 0; stall < 3; ++stall) {
      cluster.hold_disk(n3);
      propose_many(cluster, n1, 20);
      cluster.run_for(3s);
      cluster.release_disk(n3);
      CHECK(cluster.run_until([&] { return cluster.is_converged(); }, 3s));
      const auto is_pipelined = [&] {
        return progress(cluster, n1, n3).state == core::Progress::State::replicate;
      };
      CHECK(cluster.run_until(is_pipelined, 1s));
    }
  });
}

// raft-rs 0.3.1: the votes of the last round, and the leader, were carried over.
TEST_CASE("past bug 32: a new round of pre-votes begins without leader and votes",
          "[bug-32][past-bugs]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.isolate(n1);
  cluster.campaign(n2);
  CHECK(cluster.core(n2).leader() == NodeId{});
  cluster.deliver(n2, n3);
  cluster.deliver(n3, n2);
  cluster.drop_all();
  cluster.campaign(n2);
  cluster.deliver(n2, n4);
  cluster.deliver(n4, n2);
  CHECK(cluster.core(n2).role() == RoleNow::pre_candidate);  // Twice two of five.
  cluster.settle();
  CHECK(cluster.run_until([&] { return bool(cluster.leader() > n1); }));
}

// etcd raft README: where a membership takes effect when applied, the survivor could not finish.
TEST_CASE("past bug 33: of two members the one being removed dies before it hears of the commit",
          "[bug-33][past-bugs]") {
  for (const bool restarted : {false, true}) {
    Setup setup;
    setup.voters = {n1, n2};
    Cluster cluster(setup);
    cluster.elect(n1);
    REQUIRE(cluster.change(n1, removing({n2})));
    cluster.deliver(n1, n2);
    cluster.deliver(n2, n1);
    cluster.crash(n2);
    cluster.drop_all();
    if (restarted) cluster.restart(n1);
    CHECK(cluster.run_until([&] { return is_complete(cluster, "1"); }));
    REQUIRE(cluster.propose(n1, "x"));
    CHECK(cluster.machine(n1) == "x");
  }
}

// etcd raft PR 54: bytes in flight were never given back.
TEST_CASE("past bug 38: rejections and lost connections free the window", "[bug-38][past-bugs]") {
  Setup setup;
  setup.limits.inflight_bytes_max = 1'000;
  Cluster cluster(setup);
  cluster.elect(n1);
  converge(cluster);
  for (int round = 0; round < 16; ++round) {
    propose_many(cluster, n1, 20);
    cluster.drop(n1, n3);  // The next heartbeat finds out, by a rejection ...
    if (round % 2 == 0) {  // ... or a new connection does.
      cluster.disconnect(n1, n3);
      cluster.connect(n1, n3);
    }
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }, 2s));
    CHECK(progress(cluster, n1, n3).inflight.bytes() == 0);
    CHECK(progress(cluster, n1, n3).inflight.empty());
  }
}

// etcd raft PRs 31 and 36: a panic over terms that are no longer known.
TEST_CASE("past bug 39: appends and rejections below the base", "[bug-39][past-bugs]") {
  Cluster cluster;
  cluster.elect(n1);
  propose_many(cluster, n1, 5);
  const auto late = cluster.in_flight(n1, n3);
  cluster.run_for(100ms);
  cluster.compact(n3);
  cluster.compact(n1);
  const Index commit = cluster.core(n3).commit();
  cluster.forget_notes();
  for (const Message& message : late) cluster.inject(message);
  CHECK(cluster.sent<AppendAccepted>(n3, n1) == late.size());
  for (std::uint64_t prev = 0; prev <= 7; ++prev) {
    cluster.inject({n1, n3, term(1), append({term(0), index(prev)}, {})});
  }
  CHECK(cluster.core(n3).commit() == commit);
  const PeerMark mark{progress(cluster, n1, n2).session, {}, {}};
  for (std::uint64_t at = 0; at <= 7; ++at) {
    cluster.inject({n2, n1, term(1), AppendRejected{mark, index(at), {term(0), index(at / 2)}}});
  }
  propose_many(cluster, n1, 1);
  converge(cluster);
}

// braft 04092b2, dragonboat 15b4c40: the first term was taken from the empty log.
TEST_CASE("past bug 41: a node with a snapshot and no log takes part as with the log",
          "[bug-41][past-bugs]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.elect(n2);
    propose_many(cluster, n2, 3);
    converge(cluster);
    for (const NodeId id : cluster.ids()) {
      cluster.compact(id);
      cluster.restart(id);
      CHECK(cluster.log_terms(id).empty());
      CHECK(cluster.core(id).log().last() == cluster.disk(id).base().last);
      CHECK(cluster.core(id).log().last().term > term(0));
    }
    cluster.elect(n3);
    REQUIRE(cluster.propose(n3, "x"));
    converge(cluster);
    CHECK(cluster.machine(n1) == "c0 c1 c2 x");
  });
}

// NuRaft PRs 660, 227 and 289: 32 bits overflowed, and gaps below zero became huge.
TEST_CASE("past bug 45: indexes beyond 32 bits, and none below zero", "[bug-45][past-bugs]") {
  CHECK(distance(index(7), index(3)) == 0);
  CHECK(index(0).prev() == index(0));
  const EntryId base{term(1ull << 40), index((1ull << 33) - 1)};
  auto membership = std::make_shared<Membership>();
  membership->members = {{n1, {1, 1}, "node-1", Role::voter, false, {}}};
  core::Recovered recovered;
  recovered.log.base = {base, {}, {base.index, membership}};
  recovered.log.last = base.index;
  recovered.log.hard_state.term = base.term;
  recovered.applied = base.index;
  core::Options options;
  options.id = n1;
  options.instance = {1, 1};
  core::Core single(options, recovered, Instant{1h});
  single.tick(Instant{2h});
  for (int turn = 0; turn < 4; ++turn) {
    if (const auto work = single.take_ready(Instant{2h}).persist) {
      single.persisted(work->number, Instant{2h});
    }
  }
  REQUIRE(single.is_leader());
  REQUIRE(single.propose({}, Instant{2h}));
  CHECK(single.log().last() == EntryId{base.term.next(), base.index.next().next()});
  CHECK(single.commit() == base.index.next());
}

}  // namespace raft::test
