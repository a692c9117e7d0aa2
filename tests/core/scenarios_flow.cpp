// Flow control and overload (FC). Each would let memory grow without bound, or a stream stop for
// ever, if it failed.
#include "core/scenario.hpp"

namespace raft::test {
namespace {

const core::Progress& progress(const Cluster& cluster, NodeId leader, NodeId peer) {
  return cluster.core(leader).leader_state()->peers.at(peer);
}

void propose_many(Cluster& cluster, NodeId leader, int count) {
  for (int i = 0; i < count; ++i) REQUIRE(cluster.propose(leader, "c" + std::to_string(i)));
}

/// Proposes until it is refused; the number of those accepted.
int propose_until_busy(Cluster& cluster, NodeId leader) {
  for (int accepted = 0; accepted < 1'000; ++accepted) {
    const auto result = cluster.propose(leader, std::string(100, 'x'));
    if (result) continue;
    CHECK(result.code() == Errc::busy);
    CHECK(cluster.noted(leader, NoteKind::proposal_refused_busy));
    return accepted;
  }
  return 1'000;
}

Setup small_window() {
  Setup setup;
  setup.limits.inflight_appends_max = 2;
  return setup;
}

}  // namespace

// Would catch a leader that floods a follower which answers nothing.
TEST_CASE("FC-01 with the window full nothing more is appended until an answer", "[FC-01][flow]") {
  Cluster cluster(small_window());
  cluster.elect(n1);
  cluster.hold(n3, n1);
  cluster.forget_notes();
  propose_many(cluster, n1, 6);
  cluster.settle();
  CHECK(cluster.sent<AppendRequest>(n1, n3) == 2);
  CHECK(cluster.noted(n1, NoteKind::inflight_full));
  CHECK(cluster.core(n2).log().last_index() == index(7));
  cluster.release(n3, n1);
  cluster.settle();
  CHECK(cluster.core(n3).log().last_index() == index(7));
}

// Would catch a window that stays full for ever because its messages were lost.
TEST_CASE("FC-02 a window full of lost appends is freed by heartbeats", "[FC-02][flow]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply(small_window());
    Cluster cluster(setup);
    cluster.elect(n1);
    cluster.cut(n1, n3);
    propose_many(cluster, n1, 6);
    cluster.settle();
    cluster.heal();
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }, 3s));
  });
}

// Would catch a leader that looks for terms it no longer has, or a follower that is never caught
// up: behind a full window the log was compacted past what it needs next.
TEST_CASE("FC-03 compaction passes a throttled follower, which gets a snapshot and goes on",
          "[FC-03][flow]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply(small_window()));
    cluster.elect(n1);
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    cluster.cut(n1, n3);
    propose_many(cluster, n1, 10);
    REQUIRE(cluster.run_until([&] { return cluster.applied(n1) == index(11); }));
    cluster.compact(n1);
    cluster.heal();
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    CHECK(cluster.noted(n1, NoteKind::peer_needs_snapshot));
    CHECK(cluster.noted(n3, NoteKind::snapshot_installed));
    propose_many(cluster, n1, 2);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  });
}

// Would catch a leader without a bound, or with one that keeps out what must always get through.
TEST_CASE("FC-04 beyond the limit of uncommitted bytes proposals are refused, changes are not",
          "[FC-04][flow]") {
  Setup setup;
  setup.limits.uncommitted_bytes_max = 1'000;
  setup.strangers = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.partition({{n1}, {n2, n3}});
  CHECK(propose_until_busy(cluster, n1) < 10);
  MembershipChange change;
  change.add_learners = {cluster.member(n4)};
  CHECK(cluster.change(n1, change));
  SECTION("commits make room") {
    cluster.heal();
    REQUIRE(cluster.run_until([&] { return cluster.core(n1).commit() > index(5); }));
    CHECK(cluster.core(n1).leader_state()->uncommitted_bytes == 0);
    CHECK(cluster.propose(n1, "x"));
  }
  SECTION("a new leadership begins with all the room") {
    cluster.elect(n2);
    cluster.heal();
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    cluster.elect(n1);
    CHECK(cluster.propose(n1, "x"));
  }
}

// Would catch a cut-off leader whose log grows until its disk is full.
TEST_CASE("FC-05 the log of a leader without a majority is bounded", "[FC-05][flow]") {
  Setup setup;
  setup.limits.uncommitted_bytes_max = 1'000;
  setup.check_quorum = false;
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.isolate(n1);
  for (int second = 0; second < 20; ++second) {
    propose_until_busy(cluster, n1);
    cluster.tick(n1, 1s);
  }
  CHECK(cluster.core(n1).is_leader());
  CHECK(cluster.core(n1).log().last_index() < index(12));
}

// Would catch an apply queue that holds everything ever committed.
TEST_CASE("FC-06 a slow machine is handed entries up to a limit of bytes", "[FC-06][flow]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.limits.apply_bytes_max = 500;
    Cluster cluster(setup);
    cluster.elect(n1);
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    cluster.hold_machine(n1);
    propose_many(cluster, n1, 50);
    REQUIRE(cluster.run_until([&] { return cluster.core(n1).commit() == index(51); }));
    CHECK(distance(cluster.applied(n1), cluster.core(n1).handed_out()) <= 8);
    CHECK(cluster.core(n1).handed_out() > index(1));
    cluster.release_machine(n1);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  });
}

// Would catch one slow disk that slows down all.
TEST_CASE("FC-07 a follower's disk hangs for 30 s and the others commit at once", "[FC-07][flow]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.hold_disk(n3);
  for (int round = 0; round < 300; ++round) {
    REQUIRE(cluster.propose(n1, "x"));
    cluster.settle();
    REQUIRE(cluster.core(n1).commit() == cluster.core(n1).log().last_index());
    cluster.run_for(100ms);
  }
  CHECK(cluster.core(n1).term() == term(1));
  CHECK(progress(cluster, n1, n3).match == index(1));
  cluster.release_disk(n3);
  CHECK(cluster.run_until([&] { return cluster.is_converged(); }, 2s));
}

// Would catch a leader that heartbeats for ever while its disk stands still (hashicorp/raft #503).
TEST_CASE("FC-08 a leader whose disk hangs hands its leadership over", "[FC-08][bug-30][flow]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    cluster.hold_disk(n1);
    REQUIRE(cluster.propose(n1, "x"));
    const auto moved = [&] { return cluster.leader() == n2 || cluster.leader() == n3; };
    CHECK(cluster.run_until(moved, 10s));
    CHECK(cluster.noted(n1, NoteKind::slow_disk_hands_over));
    REQUIRE(cluster.propose(cluster.leader(), "y"));
    CHECK(cluster.run_until([&] { return cluster.machine(cluster.leader()) == "x y"; }));
    cluster.release_disk(n1);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  });
}

// Would catch callers that wait for a timeout when they could be told at once.
TEST_CASE("FC-09 with all windows full callers are told that the leader is busy", "[FC-09][flow]") {
  Setup setup = small_window();
  setup.limits.uncommitted_bytes_max = 2'000;
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.hold(n2, n1);
  cluster.hold(n3, n1);
  CHECK(propose_until_busy(cluster, n1) < 20);
  CHECK(cluster.noted(n1, NoteKind::inflight_full));
  cluster.release(n2, n1);
  cluster.release(n3, n1);
  cluster.settle();
  CHECK(cluster.propose(n1, "x"));
  CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
}

// Would catch a leader that takes a live heartbeat for room: while the disk stands still, all that
// it sends piles up in the peer's memory.
TEST_CASE("found 15: to a disk that stands still no more is sent than may be in flight",
          "[found-15][flow]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.limits.inflight_bytes_max = 4'000;
    setup.limits.append_bytes_max = 1'000;
    Cluster cluster(setup);
    cluster.elect(n1);
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    cluster.hold_disk(n3);
    for (int round = 0; round < 100; ++round) {
      REQUIRE(cluster.propose(n1, std::string(500, 'x')));
      cluster.run_for(60ms);
    }
    REQUIRE(cluster.leader() == n1);
    const core::Progress& peer = progress(cluster, n1, n3);
    CHECK(distance(peer.match, cluster.core(n3).log().last_index()) < 12);
    CHECK(distance(peer.match, peer.next) < 12);
    cluster.release_disk(n3);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }, 5s));
  });
}

}  // namespace raft::test
