// Learners (LN). Each would let a node count that has not got the log, or keep one out that has, if
// it failed.
#include "core/changes.hpp"
#include "core/scenario.hpp"

namespace raft::test {
namespace {

Setup with_learner(const Variant& variant = {}) {
  Setup setup = variant.apply();
  setup.learners = {n4};
  return setup;
}

/// A newcomer that becomes a voter by itself.
MembershipChange joining(const Cluster& cluster, NodeId id) {
  MembershipChange change = adding_learners(cluster, {id});
  change.add_learners.front().promote = true;
  return change;
}

}  // namespace

// Would catch a learner that counts for a commit, or that lacks the log when it is promoted.
TEST_CASE("LN-01 a learner receives everything and counts nowhere", "[LN-01][learner]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(with_learner(variant));
    cluster.elect(n1);
    propose_many(cluster, n1, 3);
    converge(cluster);
    CHECK(cluster.machine(n4) == "c0 c1 c2");
    const Index before = cluster.core(n1).commit();
    for (const NodeId id : {n2, n3}) cluster.isolate(id);
    REQUIRE(cluster.propose(n1, "x"));
    cluster.run_for(400ms);
    CHECK(cluster.core(n4).log().last_index() > before);
    CHECK(cluster.core(n1).commit() == before);
    cluster.run_for(5s);
    CHECK_FALSE(cluster.leader());  // It does not keep a leader alive either.
    CHECK_FALSE(cluster.noted(n4, NoteKind::election_timeout));
    cluster.heal();
    converge(cluster);
  });
}

// Would catch a promotion that changes the membership and not the node.
TEST_CASE("LN-02 a promoted learner can lead", "[LN-02][learner]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(with_learner(variant));
    cluster.elect(n1);
    change_until(cluster, promoting({n4}), "1 2 3 4");
    cluster.elect(n4);
    REQUIRE(cluster.propose(n4, "x"));
    converge(cluster);
    CHECK(cluster.machine(n1) == "x");
  });
}

// Would catch a group that waits for ever for the vote of a node that takes itself for a learner.
TEST_CASE("LN-03 a learner votes when somebody with a newer membership asks it",
          "[LN-03][learner]") {
  Cluster cluster(with_learner());
  cluster.elect(n1);
  REQUIRE(cluster.change(n1, promoting({n4})));
  cluster.deliver(n1, n2);
  cluster.deliver(n1, n3);
  cluster.crash(n1);
  cluster.drop_all();
  REQUIRE(members(cluster, n4) == "1 2 3 | 4 learner");
  cluster.elect(n2);  // With three of four, n4 among them.
  CHECK(cluster.noted(n4, NoteKind::vote_granted));
  cluster.restart(n1);
  CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 4"); }));
}

// Would catch a voter whose vote is taken away before the old majority has let it go.
TEST_CASE("LN-04 a demoted voter counts in the old half until the joint membership is left",
          "[LN-04][learner]") {
  Cluster cluster;
  cluster.elect(n1);
  REQUIRE(cluster.change(n1, demoting({n3})));
  const Membership& joint = *cluster.core(n1).membership().membership;
  CHECK(to_string(joint) == "1 2 after 1 2 3 | 3 learner");
  CHECK(joint.is_voter(n3));
  cluster.deliver(n1, n3);
  cluster.deliver(n3, n1);
  CHECK(cluster.core(n1).commit() == index(1));  // Two of the old three, one of the new two.
  cluster.settle();
  CHECK(members(cluster, n3) == "1 2 | 3 learner");
  CHECK_FALSE(cluster.core(n3).membership().membership->is_voter(n3));
  cluster.run_for(3s);
  CHECK_FALSE(cluster.core(n3).removed());
  CHECK_FALSE(cluster.noted(n3, NoteKind::election_timeout));
}

// Would catch a leader that goes on without a vote, or that takes its demotion for a removal.
TEST_CASE("LN-05 a leader that is demoted steps down and listens", "[LN-05][learner]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    change_until(cluster, demoting({n1}), "2 3 | 1 learner");
    CHECK(cluster.core(n1).role() == RoleNow::follower);
    CHECK_FALSE(cluster.core(n1).removed());
    REQUIRE(cluster.propose(cluster.leader(), "x"));
    converge(cluster);
    CHECK(cluster.machine(n1) == "x");
  });
}

// Would catch a snapshot that makes its receiver a voter, or nobody.
TEST_CASE("LN-06 a learner that gets a snapshot stays a learner", "[LN-06][learner]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(with_learner(variant));
    cluster.elect(n1);
    converge(cluster);
    cluster.isolate(n4);
    propose_many(cluster, n1, 10);
    REQUIRE(cluster.run_until(
        [&] { return cluster.applied(n1) == cluster.core(n1).log().last_index(); }));
    cluster.compact(n1);
    cluster.heal();
    converge(cluster);
    CHECK(cluster.noted(n4, NoteKind::snapshot_installed));
    CHECK(cluster.machine(n4) == cluster.machine(n1));
    cluster.restart(n4);
    CHECK(members(cluster, n4) == "1 2 3 | 4 learner");
    cluster.run_for(3s);
    CHECK_FALSE(cluster.noted(n4, NoteKind::election_timeout));
  });
}

// Would catch a newcomer that gets the vote before it has the log, or before it ever started
// (etcd PRs 15097 and 21737).
TEST_CASE("LN-07 a joining learner is promoted once it has caught up, and not before",
          "[LN-07][bug-35][learner]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.strangers = {n4};
    Cluster cluster(setup);
    cluster.crash(n4);
    cluster.elect(n1);
    converge(cluster);
    REQUIRE(cluster.change(n1, joining(cluster, n4)));
    cluster.run_for(10s);
    propose_many(cluster, cluster.leader(), 10);
    cluster.run_for(1s);
    CHECK(members(cluster, cluster.leader()) == "1 2 3 | 4 learner");
    cluster.restart(n4);
    CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 4"); }));
    CHECK(cluster.machine(n4) == cluster.machine(n1));
  });
}

// Would catch a promotion that only the leader which took the learner in remembers.
TEST_CASE("LN-07 a new leader promotes a learner that joined under the old one",
          "[LN-07][learner]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.isolate(n4);
  REQUIRE(cluster.change(n1, joining(cluster, n4)));
  cluster.run_for(1s);
  cluster.crash(n1);
  cluster.elect(n2);
  cluster.heal();
  CHECK(cluster.run_until([&] { return cluster.noted(n2, NoteKind::learner_promoted); }));
  cluster.restart(n1);
  CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 4"); }));
}

// Would catch a learner that is promoted although it would hold up every commit: each round of
// catching up takes it longer than an election timeout.
TEST_CASE("LN-07 a learner whose rounds take too long is not promoted",
          "[LN-07][bug-35][learner]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.hold_disk(n4);
  REQUIRE(cluster.change(n1, joining(cluster, n4)));
  for (int round = 0; round < 10; ++round) {
    propose_many(cluster, n1, 1);
    cluster.run_for(600ms);
    cluster.persist(n4);
    propose_many(cluster, n1, 1);  // There is always something more to catch up with.
    cluster.settle();
  }
  CHECK(cluster.noted(n1, NoteKind::learner_round));
  CHECK_FALSE(cluster.noted(n1, NoteKind::learner_promoted));
  cluster.release_disk(n4);
  CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 4"); }));
}

// Would catch a learner that waits for somebody to write: a long first round of catching up ended
// with its very last acknowledgement, and nothing will be acknowledged after that.
TEST_CASE("LN-07 a learner is promoted in an idle group however long it took to catch up",
          "[LN-07][learner]") {
  Setup setup;
  setup.strangers = {n4};
  setup.limits.append_bytes_max = 1;
  setup.limits.inflight_appends_max = 1;
  Cluster cluster(setup);
  cluster.elect(n1);
  propose_many(cluster, n1, 50);
  cluster.run_for(200ms);
  REQUIRE(cluster.change(n1, joining(cluster, n4)));
  cluster.hold(n4, n1);
  for (int round = 0; round < 60; ++round) {  // A slow link: an entry every 20 ms.
    cluster.run_for(20ms);
    cluster.deliver(n4, n1);
  }
  cluster.release(n4, n1);
  CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 4"); }));
}

// Would catch a learner that leads because somebody told it to.
TEST_CASE("LN-08 a learner ignores a request to campaign", "[LN-08][learner]") {
  Cluster cluster(with_learner());
  cluster.elect(n1);
  cluster.inject({n1, n4, term(1), TimeoutNow{}});
  CHECK(cluster.core(n4).role() == RoleNow::follower);
  CHECK(cluster.core(n4).term() == term(1));
  CHECK(cluster.in_flight().empty());
}

// Would catch a read that is confirmed by those who elect nobody.
TEST_CASE("LN-09 a read through a learner is confirmed by voters alone", "[LN-09][learner]") {
  Setup setup = with_learner();
  setup.learners = {n4, n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  propose_many(cluster, n1, 3);
  cluster.run_for(100ms);
  for (const NodeId id : {n2, n3}) cluster.isolate(id);
  const auto ticket = cluster.read(n4);
  REQUIRE(ticket);
  cluster.run_for(300ms);
  CHECK_FALSE(cluster.grants(n4).contains(*ticket));
  cluster.heal();
  REQUIRE(cluster.run_until([&] { return cluster.grants(n4).contains(*ticket); }));
  CHECK(cluster.grants(n4).at(*ticket) == index(4));
  CHECK(cluster.applied(n4) == index(4));
}

}  // namespace raft::test
