// Leadership transfer (TR). Each would cost a group its leader, or a client its write, if it
// failed.
#include "core/changes.hpp"
#include "core/scenario.hpp"

namespace raft::test {

// Would catch a transfer that takes a timeout to begin, or more than one message to ask for.
TEST_CASE("TR-01 leadership moves to an up-to-date follower within one round",
          "[TR-01][transfer]") {
  Cluster cluster;
  cluster.elect(n1);
  propose_many(cluster, n1, 3);
  cluster.settle();
  const Instant before = cluster.now();
  const auto target = cluster.transfer(n1, n2);
  REQUIRE(target);
  CHECK(*target == n2);
  CHECK(cluster.sent<TimeoutNow>(n1, n2) == 1);
  cluster.settle();
  CHECK(cluster.leader() == n2);
  CHECK(cluster.now() == before);
  CHECK(cluster.core(n2).term() == term(2));
  CHECK(cluster.sent<PreVoteRequest>(n2, n3) == 0);
}

// Would catch a request to campaign that is sent before its receiver can win.
TEST_CASE("TR-02 a slow follower catches up before it takes over", "[TR-02][transfer]") {
  for_each_variant([](const Variant& variant) {
    for (const bool needs_snapshot : {false, true}) {
      Cluster cluster(variant.apply());
      cluster.elect(n1);
      converge(cluster);
      cluster.isolate(n3);
      propose_many(cluster, n1, 10);
      cluster.run_for(200ms);
      if (needs_snapshot) cluster.compact(n1);
      cluster.heal();
      cluster.forget_notes();
      // Where TimeoutNow may get lost the operator asks again.
      REQUIRE(cluster.run_until([&] {
        const NodeId leader = cluster.leader();
        if (leader && leader != n3) (void)cluster.transfer(leader, n3);
        return cluster.core(n3).is_leader();
      }));
      CHECK(cluster.core(n3).log().last_index() > index(11));
      CHECK(cluster.noted(n3, NoteKind::snapshot_installed) == needs_snapshot);
      converge(cluster);
    }
  });
}

// Would catch a leader that gives up for nobody.
TEST_CASE("TR-03 a transfer to itself does nothing, to a stranger or a learner it is refused",
          "[TR-03][transfer]") {
  Setup setup;
  setup.learners = {n4};
  setup.strangers = {n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  const auto itself = cluster.transfer(n1, n1);
  REQUIRE(itself);
  CHECK(*itself == n1);
  for (const NodeId id : {n4, n5, n7}) {
    CHECK(refusal(cluster.transfer(n1, id)) == Errc::invalid_argument);
  }
  CHECK(refusal(cluster.transfer(n2, n3)) == Errc::not_leader);
  CHECK_FALSE(cluster.noted(n1, NoteKind::transfer_started));
  CHECK(cluster.propose(n1, "x"));
}

// Would catch a choice of a successor that is far behind, dead, or not there.
TEST_CASE("TR-03 without a target the most up-to-date voter that answers is chosen",
          "[TR-03][transfer]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.hold(n2, n1);
  propose_many(cluster, n1, 3);
  cluster.settle();
  cluster.isolate(n3);
  cluster.run_for(600ms);
  const auto target = cluster.transfer(n1, NodeId{});
  REQUIRE(target);
  CHECK(*target == n4);
  Setup alone;
  alone.voters = {n1};
  Cluster single(alone);
  single.elect(n1);
  CHECK(refusal(single.transfer(n1, NodeId{})) == Errc::invalid_argument);
}

// Would catch a leader that refuses proposals for ever because its successor never came.
TEST_CASE("TR-04 a transfer that does not end is given up after T", "[TR-04][transfer]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.isolate(n3);
  REQUIRE(cluster.transfer(n1, n3));
  cluster.run_for(490ms);
  CHECK(refusal(cluster.propose(n1, "x")) == Errc::transferring);
  cluster.run_for(10ms);
  CHECK(cluster.noted(n1, NoteKind::transfer_aborted));
  CHECK(cluster.propose(n1, "x"));
  cluster.settle();
  CHECK(cluster.machine(n1) == "x");
}

// Would catch a stream of proposals that the successor can never catch up with.
TEST_CASE("TR-05 proposals and changes are refused during a transfer, and leave no trace",
          "[TR-05][bug-29][transfer]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.isolate(n3);
  REQUIRE(cluster.transfer(n1, n3));
  const Index before = cluster.core(n1).log().last_index();
  CHECK(refusal(cluster.propose(n1, "x")) == Errc::transferring);
  CHECK(refusal(cluster.change(n1, removing({n2}))) == Errc::transferring);
  CHECK(cluster.core(n1).log().last_index() == before);
  const auto ticket = cluster.read(n1);  // Reads go on.
  REQUIRE(ticket);
  cluster.settle();
  CHECK(cluster.grants(n1).contains(*ticket));
}

// Would catch an operator who asks again and again and so keeps the group from working.
TEST_CASE("TR-06 a second transfer replaces the first, the same one again does not prolong it",
          "[TR-06][transfer]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.isolate(n3);
  REQUIRE(cluster.transfer(n1, n3));
  cluster.run_for(400ms);
  REQUIRE(cluster.transfer(n1, n3));
  SECTION("the same one ends when it would have") {
    cluster.run_for(100ms);
    CHECK(cluster.noted(n1, NoteKind::transfer_aborted));
    CHECK(cluster.propose(n1, "x"));
  }
  SECTION("another one begins at once") {
    REQUIRE(cluster.transfer(n1, n2));
    cluster.settle();
    CHECK(cluster.leader() == n2);
  }
}

// Would catch a leader that hands over to a node which is a voter no more.
TEST_CASE("TR-07 a transfer ends when its target is removed or demoted", "[TR-07][transfer]") {
  for (const bool removed : {true, false}) {
    Cluster cluster;
    cluster.elect(n1);
    cluster.isolate(n3);
    REQUIRE(cluster.change(n1, removed ? removing({n3}) : demoting({n3})));
    REQUIRE(cluster.transfer(n1, n3));  // A voter still, of the old half.
    CHECK(refusal(cluster.propose(n1, "x")) == Errc::transferring);
    cluster.settle();
    CHECK(cluster.noted(n1, NoteKind::transfer_aborted));
    CHECK(cluster.sent<TimeoutNow>(n1, n3) == 0);
    CHECK(cluster.propose(n1, "x"));
  }
}

// Would catch voters that hold to the old leader although it asked them not to.
TEST_CASE("TR-08 stickiness, pre-vote and lease promises do not stand in the way",
          "[TR-08][bug-29][transfer]") {
  for (const bool pre_vote : {true, false}) {
    for (const bool lease_reads : {true, false}) {
      Setup setup;
      setup.pre_vote = pre_vote;
      setup.lease_reads = lease_reads;
      Cluster cluster(setup);
      cluster.elect(n1);
      cluster.run_for(200ms);
      CHECK((cluster.core(n3).promised_until() > cluster.now()) == lease_reads);
      for (const auto& [from, to] : {std::pair(n1, n2), std::pair(n2, n3), std::pair(n3, n1)}) {
        REQUIRE(cluster.transfer(from, to));
        cluster.settle();
        CHECK(cluster.leader() == to);
        cluster.run_for(100ms);
      }
      CHECK(cluster.core(n1).term() == term(4));
    }
  }
}

// Would catch a group that waits for a successor which will never lead.
TEST_CASE("TR-09 the request to campaign, its receiver or its votes are lost",
          "[TR-09][transfer]") {
  enum class Lost { request, target, votes };
  for (const Lost lost : {Lost::request, Lost::target, Lost::votes}) {
    Cluster cluster;
    cluster.elect(n1);
    propose_many(cluster, n1, 1);
    cluster.settle();
    REQUIRE(cluster.transfer(n1, n2));
    REQUIRE(cluster.sent<TimeoutNow>(n1, n2) == 1);
    if (lost == Lost::request) cluster.drop(n1, n2);
    if (lost == Lost::target) cluster.crash(n2);
    if (lost == Lost::votes) {
      cluster.deliver(n1, n2);
      REQUIRE(cluster.core(n2).role() == RoleNow::candidate);
      cluster.drop_all();
      cluster.isolate(n2);
    }
    cluster.run_for(1s);
    REQUIRE(cluster.run_until([&] {
      const NodeId leader = cluster.leader();
      return leader && leader != n2 && cluster.propose(leader, "x");
    }));
    cluster.heal();
    if (!cluster.is_up(n2)) cluster.restart(n2);
    converge(cluster);
    CHECK(cluster.machine(n2) == "c0 x");
  }
}

// Would catch a request of long ago that makes its receiver campaign against a working leader.
TEST_CASE("TR-10 a late copy of a request of an older term is ignored", "[TR-10][transfer]") {
  Cluster cluster;
  cluster.elect(n1);
  REQUIRE(cluster.transfer(n1, n2));
  const auto request = cluster.in_flight(n1, n2);
  REQUIRE(request.size() == 1);
  cluster.settle();
  REQUIRE(cluster.transfer(n2, n3));
  cluster.settle();
  REQUIRE(cluster.leader() == n3);
  cluster.inject(request.front());
  CHECK(cluster.core(n2).role() == RoleNow::follower);
  CHECK(cluster.core(n2).term() == term(3));
  cluster.inject({n1, n2, term(3), TimeoutNow{}});  // Not even in this term: n1 does not lead it.
  CHECK(cluster.core(n2).role() == RoleNow::follower);
}

// Would catch a lease that outlives the leadership: the forced vote waives all promises.
TEST_CASE("TR-11 the lease is given up before the request leaves, for the rest of the term",
          "[TR-11][transfer]") {
  Setup setup;
  setup.lease_reads = true;
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.run_for(200ms);
  const auto before = cluster.read(n1, true);
  REQUIRE(before);
  REQUIRE(cluster.grants(n1).contains(*before));
  REQUIRE(cluster.transfer(n1, n2));
  CHECK(cluster.noted(n1, NoteKind::lease_dropped));
  cluster.hold(n1, n2);  // TimeoutNow is on its way, for how long nobody knows.
  const auto during = cluster.read(n1, true);
  REQUIRE(during);
  CHECK_FALSE(cluster.grants(n1).contains(*during));
  cluster.run_for(1s);
  REQUIRE(cluster.noted(n1, NoteKind::transfer_aborted));
  REQUIRE(cluster.core(n1).is_leader());
  CHECK(cluster.grants(n1).at(*during));  // By a round.
  const auto after = cluster.read(n1, true);
  REQUIRE(after);
  CHECK_FALSE(cluster.grants(n1).contains(*after));
  cluster.release(n1, n2);
  converge(cluster);
}

// Would catch a node outside the group that raises its term.
TEST_CASE("TR-12 who is no member ignores a request to campaign", "[TR-12][transfer]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  REQUIRE(cluster.change(n1, removing({n3})));
  cluster.run_for(100ms);
  REQUIRE(cluster.core(n3).removed());
  const Term before = cluster.core(n3).term();
  for (const NodeId id : {n3, n4}) cluster.inject({n1, id, term(1), TimeoutNow{}});
  CHECK(cluster.core(n3).term() == before);
  for (const NodeId id : {n3, n4}) {
    CHECK(cluster.core(id).role() == RoleNow::follower);
    CHECK(cluster.in_flight(id, n1).empty());
    CHECK_FALSE(cluster.noted(id, NoteKind::campaign));
  }
}

}  // namespace raft::test
