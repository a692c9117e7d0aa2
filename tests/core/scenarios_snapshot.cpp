// Snapshots (SN). Each would lose a follower for ever, or what it had acknowledged, if it failed.
//
// Shown elsewhere, because they need files, machines or bytes on the way:
//   SN-10  crash at each stage of creating one        tests/storage/snapshot_crash_test.cpp
//   SN-12  the newest is never deleted                tests/storage/snapshot_files_test.cpp
//   SN-13  sessions in a snapshot                     tests/replica; membership: here
//   SN-15  chunks repeated, cut, damaged              tests/replica
//   SN-16  memory and heartbeats while streaming      tests/replica
//   SN-19  a gap between snapshot and log at start    tests/storage/log_store_test.cpp
#include "core/changes.hpp"
#include "core/scenario.hpp"

namespace raft::test {
namespace {

using State = core::Progress::State;

/// n3 misses ten commands, and n1, which leads, erases them from its log. n3 stays cut off.
void leave_behind(Cluster& cluster) {
  lead(cluster, n1);
  converge(cluster);
  cluster.isolate(n3);
  propose_many(cluster, n1, 10);
  REQUIRE(cluster.settle_until([&] { return has_replicated(cluster, n1, n3); }));
  cluster.compact(n1);
}

/// n3 is heard again and found to be below the base; the snapshot for it waits.
void want_snapshot(Cluster& cluster) {
  cluster.hold_snapshots();
  cluster.heal();
  REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n1).empty(); }, 2s));
  cluster.settle();
}

/// n1 offers n3 a snapshot, and n3 begins to fetch it.
void begin_transfer(Cluster& cluster, std::optional<SnapshotMeta> meta = std::nullopt) {
  cluster.offer_snapshot(n1, n3, std::move(meta));
  REQUIRE(cluster.settle_until([&] { return cluster.transfer_to(n3).has_value(); }));
}

SnapshotOffer offer(const Cluster& cluster, EntryId last) {
  SnapshotOffer made;
  made.mark.session = {99};
  made.snapshot.meta = {last, {}, cluster.core(n1).log().membership_at(index(0))};
  return made;
}

}  // namespace

// Would catch a follower that is never caught up because its entries are gone.
TEST_CASE("SN-01 a follower below the base gets a snapshot and then the log", "[SN-01][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    cluster.heal();
    converge(cluster);
    CHECK(cluster.noted(n3, NoteKind::snapshot_installed));
    CHECK(cluster.disk(n3).base().last.index > index(0));
    propose_many(cluster, cluster.leader(), 3);
    converge(cluster);
    CHECK(cluster.machine(n3) == cluster.machine(cluster.leader()));
  });
}

// Would catch appends that go on to a follower which can use none of them.
TEST_CASE("SN-01 replication pauses while a snapshot is on its way", "[SN-01][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    CHECK(progress(cluster, n1, n3).state == State::snapshot);
    CHECK(cluster.snapshots_wanted(n1).front().minimum == cluster.core(n1).log().base().last.index);
    cluster.forget_notes();
    propose_many(cluster, n1, 5);
    cluster.run_for(200ms);
    CHECK(cluster.sent<AppendRequest>(n1, n3) == 0);
    CHECK(cluster.sent<Heartbeat>(n1, n3) >= 3);
    cluster.release_snapshots();
    converge(cluster);
  });
}

// Would catch a failed snapshot that is the last one ever tried, or that is tried without a pause.
TEST_CASE("SN-02 a snapshot that failed is tried again after a pause", "[SN-02][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    cluster.refuse_snapshot(n1, n3);
    CHECK(cluster.noted(n1, NoteKind::snapshot_failed));
    CHECK(progress(cluster, n1, n3).state == State::probe);
    cluster.run_for(490ms);
    CHECK(cluster.snapshots_wanted(n1).empty());
    cluster.run_for(100ms);
    CHECK(cluster.settle_until([&] { return cluster.snapshots_wanted(n1).size() == 1; }));
    cluster.release_snapshots();
    converge(cluster);
  });
}

// Would catch a follower without room that is offered a snapshot twice a second, for ever; and one
// that had trouble once and is served late ever after.
TEST_CASE(
    "SN-02 the pause doubles with each failure in a row, up to a bound, and a success ends it",
    "[SN-02][snapshot]") {
  Cluster cluster;
  leave_behind(cluster);
  want_snapshot(cluster);
  const Duration timeout = cluster.core(n1).options().timing.election_timeout;
  const auto fail_and_wait = [&](Duration pause) {
    cluster.refuse_snapshot(n1, n3);
    cluster.run_for(pause - 10ms);
    CHECK(cluster.snapshots_wanted(n1).empty());
    cluster.run_for(110ms);
    REQUIRE(cluster.snapshots_wanted(n1).size() == 1);
  };
  for (const int times : {1, 2, 4, 8, 16, 32, 32, 32}) fail_and_wait(times * timeout);
  // A new connection is no success.
  cluster.disconnect(n1, n3);
  cluster.connect(n1, n3);
  REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n1).empty(); }, 2s));
  fail_and_wait(32 * timeout);
  cluster.release_snapshots();
  converge(cluster);
  cluster.hold_snapshots();
  cluster.isolate(n3);
  propose_many(cluster, n1, 10);
  cluster.run_for(100ms);
  cluster.compact(n1);
  want_snapshot(cluster);
  fail_and_wait(timeout);
  cluster.release_snapshots();
  converge(cluster);
}

// A leader gives up what holds its log back, and it may arrive all the same. Would catch a follower
// that then waits out the pause after failures for the next one, which it needs.
TEST_CASE("found 19: a snapshot that arrived after it was given up ends the pause",
          "[found-19][snapshot]") {
  Cluster cluster;
  leave_behind(cluster);
  want_snapshot(cluster);
  const auto is_wanted = [&] { return cluster.snapshots_wanted(n1).size() == 1; };
  for (int failures = 0; failures < 3; ++failures) {
    cluster.refuse_snapshot(n1, n3);
    REQUIRE(cluster.run_until(is_wanted, 5s));
  }
  begin_transfer(cluster);
  cluster.refuse_snapshot(n1, n3);  // The pause is eight election timeouts now.
  propose_many(cluster, n1, 10);
  cluster.settle();
  cluster.compact(n1);
  cluster.finish_transfer(n3, true);
  CHECK(cluster.run_until(is_wanted, 2s));
  cluster.release_snapshots();
  converge(cluster);
}

// Would catch a receiver's refusal that leaves its peer waiting for ever.
TEST_CASE("SN-02 a transfer that the receiver gives up begins again", "[SN-02][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    begin_transfer(cluster);
    cluster.finish_transfer(n3, false);
    cluster.deliver(n3, n1);
    CHECK(cluster.sent<SnapshotDeclined>(n3, n1) == 1);
    CHECK(cluster.noted(n1, NoteKind::snapshot_failed));
    CHECK(cluster.core(n3).log().base().last.index == index(0));
    cluster.release_snapshots();
    converge(cluster);
  });
}

// Would catch an offer that is made once and, when lost, never again.
TEST_CASE("SN-02 a lost offer is repeated", "[SN-02][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    cluster.offer_snapshot(n1, n3);
    cluster.drop(n1, n3);
    cluster.run_for(490ms);
    CHECK_FALSE(cluster.transfer_to(n3));
    cluster.run_for(20ms);
    CHECK(cluster.settle_until([&] { return cluster.transfer_to(n3).has_value(); }));
    cluster.release_snapshots();
    converge(cluster);
  });
}

// Would catch a peer that must wait for a snapshot although the log reaches it after all.
TEST_CASE("SN-02 late appends that arrive after all make a snapshot needless",
          "[SN-02][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.hold(n1, n3);
    propose_many(cluster, n1, 10);
    REQUIRE(cluster.settle_until([&] { return cluster.applied(n1) == index(11); }));
    const auto late = cluster.take(n1, n3);
    cluster.release(n1, n3);
    cluster.compact(n1);
    want_snapshot(cluster);
    for (const Message& message : late) cluster.inject(message);
    cluster.deliver(n3, n1);
    CHECK(progress(cluster, n1, n3).state == State::replicate);
    cluster.offer_snapshot(n1, n3);
    CHECK(cluster.sent<SnapshotOffer>(n1, n3) == 0);
    propose_many(cluster, n1, 1);
    converge(cluster);
  });
}

// Would catch a follower that is up to date and still waits for a probe.
TEST_CASE("SN-03 a snapshot that reaches the last entry lets replication go on at once",
          "[SN-03][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    begin_transfer(cluster);
    cluster.finish_transfer(n3);
    cluster.deliver(n3, n1);
    const core::Progress& peer = progress(cluster, n1, n3);
    CHECK(peer.state == State::replicate);
    CHECK(peer.match == cluster.core(n1).log().last_index());
    CHECK(peer.next == peer.match.next());
    cluster.forget_notes();
    propose_many(cluster, n1, 1);
    CHECK(cluster.sent<AppendRequest>(n1, n3) == 1);
    CHECK(cluster.settle_until([&] { return has_replicated(cluster, n1); }));
  });
}

// Would catch a leader that insists on the snapshot it asked for.
TEST_CASE("SN-04 a snapshot below the newest entry but above the base is enough",
          "[SN-04][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.isolate(n3);
    propose_many(cluster, n1, 5);
    REQUIRE(cluster.settle_until([&] { return cluster.applied(n1) == index(6); }));
    const SnapshotMeta older = cluster.take_snapshot(n1);
    propose_many(cluster, n1, 5);
    REQUIRE(cluster.settle_until([&] { return cluster.applied(n1) == index(11); }));
    cluster.compact(n1, older.last.index);
    want_snapshot(cluster);
    begin_transfer(cluster, older);
    cluster.finish_transfer(n3);
    CHECK(cluster.core(n3).log().base().last == older.last);
    CHECK(cluster.settle_until([&] { return has_replicated(cluster, n1); }));
    converge(cluster);
  });
}

// Would catch a peer that is offered the same snapshot for ever, because the base passed it while
// it was being prepared: what it installs does not reach the log.
TEST_CASE("SN-04 a snapshot that the base has passed is followed by a newer one",
          "[SN-04][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    const SnapshotMeta prepared = cluster.take_snapshot(n1);
    propose_many(cluster, n1, 5);
    REQUIRE(cluster.settle_until([&] { return cluster.applied(n1) == index(16); }));
    cluster.compact(n1);
    REQUIRE(cluster.core(n1).log().base().last.index > prepared.last.index);
    cluster.offer_snapshot(n1, n3, prepared);
    cluster.settle();
    if (cluster.transfer_to(n3)) cluster.finish_transfer(n3);
    cluster.release_snapshots();
    converge(cluster);
  });
}

// Would catch a late snapshot that takes a follower back.
TEST_CASE("SN-05 an offer at or below commit is answered with commit", "[SN-05][snapshot]") {
  for_each_variant([](const Variant& variant) {
    for (const std::uint64_t at : {1u, 3u, 4u}) {
      Cluster cluster(variant.apply());
      lead(cluster, n1);
      propose_many(cluster, n1, 3);
      cluster.run_for(100ms);
      REQUIRE(cluster.settle_until([&] { return cluster.core(n3).commit() == index(4); }));
      const Term now = cluster.core(n1).term();
      const std::string log = cluster.log_terms(n3);
      cluster.inject({n1, n3, now, offer(cluster, {now, index(at)})});
      const auto replies = cluster.in_flight(n3, n1);
      REQUIRE(replies.size() == 1);
      const auto* accepted = std::get_if<AppendAccepted>(&replies.front().body);
      REQUIRE(accepted != nullptr);
      CHECK(accepted->match == index(4));
      CHECK(cluster.noted(n3, NoteKind::snapshot_below_commit));
      CHECK_FALSE(cluster.transfer_to(n3));
      CHECK(cluster.log_terms(n3) == log);
    }
  });
}

// Would catch a snapshot that throws away the entries behind it, which were acknowledged.
TEST_CASE("SN-06 an offer of what the log holds raises commit and keeps all entries",
          "[SN-06][bug-12][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.begin_turn(n1);
    propose_many(cluster, n1, 3);
    cluster.end_turn(n1);
    cluster.deliver(n1, n3);
    cluster.drop(n3, n1);
    REQUIRE(cluster.core(n3).commit() == index(1));
    cluster.deliver(n1, n2);
    cluster.deliver(n2, n1);
    REQUIRE(cluster.core(n1).commit() == index(4));
    const Term now = cluster.core(n1).term();
    const std::string log = cluster.log_terms(n3);
    cluster.inject({n1, n3, now, offer(cluster, {now, index(3)})});
    CHECK(cluster.noted(n3, NoteKind::snapshot_matches_log));
    CHECK_FALSE(cluster.transfer_to(n3));
    CHECK(cluster.core(n3).commit() == index(3));
    CHECK(cluster.log_terms(n3) == log);
    CHECK(cluster.machine(n3) == "c0 c1");
  });
}

// Would catch a snapshot of another history over what is committed here. Where the entry's term is
// still known the core stops with an assertion; here the log no longer tells.
TEST_CASE("SN-07 an offer in conflict with what is committed is never installed",
          "[SN-07][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    propose_many(cluster, n1, 3);
    cluster.run_for(100ms);
    REQUIRE(cluster.settle_until([&] { return cluster.applied(n3) == index(4); }));
    const Term now = cluster.core(n1).term();
    cluster.compact(n3);
    cluster.inject({n1, n3, now, offer(cluster, {term(0), index(2)})});
    CHECK_FALSE(cluster.transfer_to(n3));
    const auto replies = cluster.in_flight(n3, n1);
    REQUIRE(replies.size() == 1);
    const auto* accepted = std::get_if<AppendAccepted>(&replies.front().body);
    REQUIRE(accepted != nullptr);
    CHECK(accepted->match == index(4));
    CHECK(cluster.core(n3).log().base().last == EntryId{now, index(4)});
  });
}

// Would catch a receiver that stops at a second offer, or mixes two.
TEST_CASE("SN-08 a newer offer replaces the snapshot that is being fetched", "[SN-08][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    begin_transfer(cluster);
    const EntryId first = cluster.transfer_to(n3)->snapshot.meta.last;
    cluster.disconnect(n1, n3);
    cluster.connect(n1, n3);
    propose_many(cluster, n1, 5);
    REQUIRE(cluster.settle_until([&] { return cluster.applied(n1) == index(16); }));
    REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n1).empty(); }, 2s));
    cluster.offer_snapshot(n1, n3);
    CHECK(
        cluster.settle_until([&] { return cluster.transfer_to(n3)->snapshot.meta.last > first; }));
    cluster.finish_transfer(n3);
    CHECK(cluster.count(n3, NoteKind::snapshot_installed) == 1);
    CHECK(cluster.settle_until([&] { return has_replicated(cluster, n1); }));
  });
}

// Would catch a repeated offer that makes the receiver begin again each time.
TEST_CASE("SN-08 a repeated offer does not disturb the transfer under way", "[SN-08][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    begin_transfer(cluster);
    cluster.run_for(3s);
    CHECK(cluster.sent<SnapshotOffer>(n1, n3) >= 4);
    CHECK(cluster.count(n3, NoteKind::snapshot_accepted) == 1);
    CHECK(progress(cluster, n1, n3).state == State::snapshot);
    cluster.finish_transfer(n3);
    CHECK(
        cluster.settle_until([&] { return progress(cluster, n1, n3).state == State::replicate; }));
  });
}

// Would catch a transfer of a deposed leader that is credited to its successor, or that undoes it.
TEST_CASE("SN-09 the leader changes while a snapshot is on its way", "[SN-09][snapshot]") {
  for_each_variant([](const Variant& variant) {
    for (const bool completes : {true, false}) {
      Cluster cluster(variant.apply());
      leave_behind(cluster);
      want_snapshot(cluster);
      begin_transfer(cluster);
      cluster.isolate(n1);
      cluster.elect(n2);
      propose_many(cluster, n2, 3);
      cluster.forget_notes();
      cluster.finish_transfer(n3, completes);
      CHECK(cluster.sent<AppendAccepted>(n3, n1) + cluster.sent<AppendAccepted>(n3, n2) == 0);
      cluster.heal();
      cluster.release_snapshots();
      converge(cluster);
      CHECK(cluster.leader() == n2);
      CHECK(cluster.machine(n3) == cluster.machine(n2));
    }
  });
}

// Would catch a second leader's snapshot that is taken for the first one's.
TEST_CASE("SN-09 an offer of the new leader replaces that of the old", "[SN-09][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    cluster.hold_snapshots();
    cluster.heal();
    REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n1).empty(); }));
    cluster.offer_snapshot(n1, n3);
    cluster.run_until([&] { return cluster.transfer_to(n3).has_value(); });
    cluster.crash(n1);
    REQUIRE(cluster.run_until([&] { return cluster.leader() == n2; }));
    REQUIRE(cluster.propose(n2, "x"));
    REQUIRE(cluster.run_until([&] { return cluster.applied(n2) == cluster.core(n2).commit(); }));
    cluster.compact(n2);
    cluster.restart(n1);
    cluster.release_snapshots();
    converge(cluster);
    CHECK(cluster.machine(n3).ends_with("c9 x"));
  });
}

// Would catch an installation that is neither done nor undone after a power cut.
TEST_CASE("SN-11 a follower crashes at each stage of an installation", "[SN-11][snapshot]") {
  for_each_variant([](const Variant& variant) {
    enum class Crash { during_transfer, before_the_batch, before_the_restore, after_all };
    for (const Crash stage : {Crash::during_transfer, Crash::before_the_batch,
                              Crash::before_the_restore, Crash::after_all}) {
      Cluster cluster(variant.apply());
      leave_behind(cluster);
      want_snapshot(cluster);
      begin_transfer(cluster);
      if (stage == Crash::before_the_batch) cluster.hold_disk(n3);
      if (stage == Crash::before_the_restore) cluster.hold_machine(n3);
      if (stage != Crash::during_transfer) cluster.finish_transfer(n3);
      cluster.deliver(n3, n1);
      const bool is_durable = stage >= Crash::before_the_restore;
      CHECK((cluster.disk(n3).base().last.index > index(0)) == is_durable);
      CHECK((progress(cluster, n1, n3).match > index(1)) == is_durable);
      cluster.crash(n3);
      cluster.restart(n3);
      CHECK((cluster.applied(n3) > index(1)) == is_durable);
      cluster.release_snapshots();
      converge(cluster);
    }
  });
}

// Would catch a snapshot that forgets that a change is under way, or who only listens.
TEST_CASE("SN-13 a snapshot carries a joint membership and learners", "[SN-13][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.learners = {n4, n5};
    Cluster cluster(setup);
    leave_behind(cluster);
    want_snapshot(cluster);
    REQUIRE(cluster.change(n1, promoting({n4})));
    for (const NodeId id : {n2, n4}) cluster.deliver(n1, id);
    for (const NodeId id : {n2, n4}) cluster.deliver(id, n1);
    REQUIRE(cluster.noted(n1, NoteKind::joint_left));  // And that is not committed yet.
    cluster.offer_snapshot(n1, n3);
    cluster.drop_all();
    cluster.run_for(500ms);  // The offer is repeated.
    REQUIRE(cluster.settle_until([&] { return cluster.transfer_to(n3).has_value(); }));
    cluster.finish_transfer(n3);
    CHECK(members(cluster, n3) == "1 2 3 4 after 1 2 3 | 5 learner");
    cluster.restart(n3);
    CHECK(members(cluster, n3) == "1 2 3 4 after 1 2 3 | 5 learner");
    cluster.release_snapshots();
    converge(cluster);
    CHECK(members(cluster, n3) == "1 2 3 4 | 5 learner");
  });
}

// Would catch a snapshot labelled with the term of its making: the next append would conflict.
TEST_CASE("SN-14 the term of a snapshot is that of its last entry", "[SN-14][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    const Term first = cluster.core(n1).term();
    cluster.run_for(100ms);
    REQUIRE(cluster.settle_until([&] { return cluster.applied(n2) == index(11); }));
    const SnapshotMeta meta = cluster.take_snapshot(n2);
    REQUIRE(cluster.transfer(n1, n2));
    cluster.deliver(n1, n2);
    exchange(cluster, n2, {n1});
    REQUIRE(cluster.core(n2).is_leader());
    cluster.compact(n2, meta.last.index);
    CHECK(cluster.core(n2).log().base().last == EntryId{first, index(11)});
    cluster.hold_snapshots();
    cluster.heal();
    REQUIRE(cluster.run_until([&] { return !cluster.snapshots_wanted(n2).empty(); }, 2s));
    cluster.offer_snapshot(n2, n3, meta);
    REQUIRE(cluster.settle_until([&] { return cluster.transfer_to(n3).has_value(); }));
    cluster.forget_notes();
    cluster.finish_transfer(n3);
    CHECK(cluster.core(n3).log().last() == EntryId{first, index(11)});
    const std::string second = to_string(cluster.core(n2).term());
    CHECK(cluster.settle_until([&] { return cluster.log_terms(n3) == second; }));
    CHECK_FALSE(cluster.noted(n3, NoteKind::append_conflict_rejected));
  });
}

// Would catch a removed peer whose unfinished snapshot keeps the log from being shortened for ever.
TEST_CASE("SN-17 a peer is removed during its snapshot", "[SN-17][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    begin_transfer(cluster);
    REQUIRE(cluster.change(n1, removing({n3})));
    cluster.settle();
    propose_many(cluster, n1, 5);
    REQUIRE(cluster.settle_until([&] { return has_replicated(cluster, n1, n3); }));
    CHECK(cluster.core(n1).compaction_holders() == std::vector<NodeId>{n3});
    cluster.isolate(n3);
    cluster.run_for(5'100ms);
    CHECK(cluster.noted(n1, NoteKind::departing_released));
    CHECK(cluster.core(n1).compaction_holders().empty());
    CHECK(cluster.core(n1).compaction_limit() == cluster.applied(n1));
    cluster.finish_transfer(n3);
    cluster.heal();
    cluster.run_for(2s);
    CHECK(members(cluster, cluster.leader()) == "1 2");
  });
}

// Would catch what goes wrong only when everybody shortens its log all the time.
TEST_CASE("SN-18 snapshots every few entries while nodes come and go", "[SN-18][snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    for (std::uint64_t round = 0; round < 30; ++round) {
      const NodeId away{round % 3 + 1};
      cluster.isolate(away);
      const auto is_led = [&] { return cluster.leader() && cluster.leader() != away; };
      REQUIRE(cluster.run_until(is_led));
      propose_many(cluster, cluster.leader(), 3);
      cluster.run_for(100ms);
      for (const NodeId id : cluster.ids()) cluster.compact(id);
      cluster.heal();
      cluster.run_for(100ms);
    }
    converge(cluster);
    CHECK(cluster.noted(n1, NoteKind::snapshot_installed));
    for (const NodeId id : {n2, n3}) CHECK(cluster.machine(id) == cluster.machine(n1));
  });
}

// Would catch a log that is shortened past the snapshot just being sent, so that its receiver needs
// another, for ever.
TEST_CASE("a snapshot on its way holds the log behind it", "[snapshot]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    leave_behind(cluster);
    want_snapshot(cluster);
    begin_transfer(cluster);
    const Index sent = cluster.core(n1).applied_index();
    propose_many(cluster, n1, 5);
    REQUIRE(cluster.settle_until([&] { return has_replicated(cluster, n1, n3); }));
    CHECK(cluster.core(n1).compaction_limit() == sent);
    cluster.compact(n1);
    CHECK(cluster.core(n1).log().base().last.index == sent);
    cluster.finish_transfer(n3);
    CHECK(
        cluster.settle_until([&] { return progress(cluster, n1, n3).state == State::replicate; }));
    CHECK(cluster.core(n1).compaction_limit() == cluster.applied(n1));
  });
}

}  // namespace raft::test
