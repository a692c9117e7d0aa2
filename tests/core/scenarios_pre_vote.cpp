// Pre-vote, check-quorum and fast failover (PV). Each would let a cut-off node disturb a working
// leader, or let a dead leader stay, if it failed.
#include "core/scenario.hpp"

namespace raft::test {
namespace {

Message pre_vote_request(const Cluster& cluster, NodeId from, NodeId to) {
  const core::Core& candidate = cluster.core(from);
  return {from, to, candidate.term(),
          PreVoteRequest{candidate.term().next(), candidate.log().last(), cluster.instance(to)}};
}

bool granted(const Cluster& cluster, NodeId voter, NodeId candidate) {
  const auto replies = cluster.in_flight(voter, candidate);
  REQUIRE_FALSE(replies.empty());
  const auto* reply = std::get_if<PreVoteReply>(&replies.back().body);
  REQUIRE(reply != nullptr);
  return reply->granted;
}

}  // namespace

// Would catch a returning node that unseats a working leader.
TEST_CASE("PV-01 a lagging node that asks for pre-votes does not raise the cluster's term",
          "[PV-01][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.isolate(n3);
  REQUIRE(cluster.propose(n1, "x"));
  cluster.run_for(5s);
  CHECK(cluster.noted(n3, NoteKind::pre_campaign));
  cluster.heal();
  CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  CHECK(cluster.leader() == n1);
  CHECK(cluster.core(n1).term() == term(1));
}

// Would catch a pre-vote that costs a write, or a term.
TEST_CASE("PV-02 a granted pre-vote stores nothing", "[PV-02][election]") {
  Cluster cluster;
  cluster.hold_disk(n2);
  cluster.campaign(n1);
  cluster.deliver(n1, n2);
  CHECK(granted(cluster, n2, n1));
  CHECK(cluster.waiting_batches(n2) == 0);
  CHECK(cluster.core(n2).hard_state() == HardState{});
}

// Would catch stickiness that is missing, or that lasts for ever.
TEST_CASE("PV-03 a pre-vote is refused while a leader is heard of and granted T later",
          "[PV-03][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.drop_all();
  cluster.pass(499ms);
  cluster.inject(pre_vote_request(cluster, n3, n2));
  CHECK_FALSE(granted(cluster, n2, n3));
  CHECK(cluster.noted(n2, NoteKind::vote_refused_sticky));
  cluster.pass(1ms);
  cluster.inject(pre_vote_request(cluster, n3, n2));
  CHECK(granted(cluster, n2, n3));
}

// Would catch an election that needs the consent of those who still hear the leader.
TEST_CASE("PV-04 a majority that lost the leader elects another, whatever the leader thinks",
          "[PV-04][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.cut(n1, n2);
  cluster.cut(n1, n3);
  cluster.elect(n2);
  CHECK(cluster.noted(n1, NoteKind::vote_refused_sticky));
  CHECK(cluster.core(n1).role() == RoleNow::follower);
}

// Would catch a node of a smaller term whose consent is lost on the way.
TEST_CASE("PV-05 a node that returns with a smaller term completes an election",
          "[PV-05][election]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    cluster.partition({{n1, n2}, {n3}});
    for (const auto& [from, to] : {std::pair(n1, n2), std::pair(n2, n1)}) {
      const auto moved = [&, to = to] { return cluster.leader() == to; };
      while (!moved()) {
        if (cluster.leader() == from) (void)cluster.transfer(from, to);
        cluster.run_until(moved, 600ms);
      }
    }
    REQUIRE(cluster.run_until([&] { return cluster.core(n2).commit() >= index(3); }));
    cluster.crash(n1);
    cluster.heal();
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    CHECK(cluster.leader() == n2);
  });
}

// Would catch two pre-candidates that block each other.
TEST_CASE("PV-06 after split votes the next round completes", "[PV-06][election]") {
  Cluster cluster;
  cluster.crash(n1);
  cluster.campaign(n2);
  cluster.campaign(n3);
  cluster.deliver(n2, n3);
  cluster.deliver(n3, n2);
  cluster.deliver(n2, n3);
  cluster.settle();
  CHECK(cluster.run_until([&] { return cluster.is_converged(); }, 3s));
}

// Would catch a deadlock while pre-vote is being switched on node by node.
TEST_CASE("PV-07 elections complete in a cluster where only some use pre-vote",
          "[PV-07][bug-32][election]") {
  for (const NodeId without : {n1, n2, n3}) {
    Setup setup;
    setup.without_pre_vote = {without};
    Cluster cluster(setup);
    for (const NodeId id : {n1, n2, n3}) {
      cluster.elect(id);
      REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
      cluster.crash(id);
      CHECK(cluster.run_until([&] { return bool(cluster.leader()); }, 5s));
      cluster.restart(id);
    }
  }
}

// Would catch a node of a higher term that nobody elects and that hears nobody.
TEST_CASE("PV-08 a stuck pre-candidate of a higher term is freed", "[PV-08][election]") {
  Setup setup;
  setup.terms = {{n3, 9}};
  Cluster cluster(setup);
  cluster.isolate(n3);
  cluster.elect(n1);
  REQUIRE(cluster.propose(n1, "x"));
  cluster.run_for(2s);
  CHECK(cluster.core(n3).role() == RoleNow::pre_candidate);
  cluster.heal();
  CHECK(cluster.run_until([&] { return cluster.is_converged(); }, 5s));
  CHECK(cluster.core(n3).term() > term(9));
  CHECK(cluster.machine(n3) == "x");
}

// Would catch a leader that keeps clients waiting for a majority that is gone.
TEST_CASE("PV-09 a leader steps down without a majority within 2T and stays with one",
          "[PV-09][election]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.isolate(n4);
  cluster.isolate(n5);
  cluster.run_for(10s);
  CHECK(cluster.core(n1).is_leader());
  CHECK(cluster.core(n1).term() == term(1));
  cluster.isolate(n3);
  cluster.run_for(1000ms);
  CHECK_FALSE(cluster.core(n1).is_leader());
  CHECK(cluster.noted(n1, NoteKind::stepped_down_without_quorum));
}

// Would catch a pre-vote option that does nothing.
TEST_CASE("PV-10 a cut-off follower disturbs its cluster without pre-vote and not with it",
          "[PV-10][election]") {
  for (const bool pre_vote : {true, false}) {
    Setup setup;
    setup.pre_vote = pre_vote;
    Cluster cluster(setup);
    cluster.elect(n1);
    cluster.isolate(n3);
    cluster.run_for(3s);
    cluster.heal();
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    CHECK((cluster.core(cluster.leader()).term() == term(1)) == pre_vote);
  }
}

// Would catch a learner that campaigns.
TEST_CASE("PV-11 a learner never campaigns and accepts the leader", "[PV-11][election]") {
  Setup setup;
  setup.learners = {n4};
  Cluster cluster(setup);
  cluster.isolate(n4);
  cluster.elect(n1);
  cluster.run_for(5s);
  CHECK(cluster.core(n4).role() == RoleNow::follower);
  CHECK_FALSE(cluster.noted(n4, NoteKind::election_timeout));
  CHECK(cluster.core(n4).term() == term(0));
  cluster.heal();
  CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  CHECK(cluster.core(n4).leader() == n1);
}

// Would catch pre-votes that are taken for votes.
TEST_CASE("PV-12 pre-votes that arrive after the campaign began do not count as votes",
          "[PV-12][election]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  Cluster cluster(setup);
  cluster.campaign(n1);
  for (const NodeId voter : {n2, n3, n4, n5}) cluster.deliver(n1, voter);
  for (const NodeId voter : {n2, n3}) cluster.deliver(voter, n1);
  REQUIRE(cluster.core(n1).role() == RoleNow::candidate);
  for (const NodeId voter : {n4, n5}) cluster.deliver(voter, n1);
  CHECK(cluster.core(n1).role() == RoleNow::candidate);
}

// Would catch endless elections by nodes that reach only a part of the cluster (the outage that
// Howard and Abraham describe).
TEST_CASE("PV-13 nodes that hear only one other do not move the leader of a majority",
          "[PV-13][election]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.partition({{n1, n2, n3}, {n2, n4}, {n3, n5}});
  cluster.run_for(10s);
  CHECK(cluster.leader() == n1);
  for (const NodeId id : setup.voters) CHECK(cluster.core(id).term() == term(1));
}

// Would catch a leader that lives on because it can still send.
TEST_CASE("PV-14 a leader that sends but hears nothing is replaced", "[PV-14][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.cut(n2, n1);
  cluster.cut(n3, n1);
  cluster.run_for(1000ms);
  CHECK_FALSE(cluster.core(n1).is_leader());
  REQUIRE(cluster.run_until([&] { return bool(cluster.leader()); }, 5s));
  const NodeId leader = cluster.leader();
  const Index before = cluster.committed();
  REQUIRE(cluster.propose(leader, "x"));
  cluster.settle();
  CHECK(cluster.committed() == before.next());
}

// Would catch a leader that lives on because it still hears.
TEST_CASE("PV-15 a leader that hears but cannot send is replaced", "[PV-15][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.cut(n1, n2);
  cluster.cut(n1, n3);
  REQUIRE(cluster.run_until([&] { return cluster.leader() == n2 || cluster.leader() == n3; }, 5s));
  cluster.settle();
  CHECK(cluster.core(n1).role() == RoleNow::follower);
  CHECK(cluster.core(n1).leader() == cluster.leader());
}

// Would catch stickiness that a deposed leader can refresh.
TEST_CASE("PV-16 a heartbeat of a deposed leader does not hold off an election",
          "[PV-16][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.tick(n1, 50ms);
  const auto heartbeats = cluster.take(n1, n3);
  REQUIRE_FALSE(heartbeats.empty());
  cluster.elect(n2);
  cluster.drop_all();
  cluster.pass(500ms);
  cluster.inject(heartbeats.front());
  cluster.drop_all();
  cluster.inject(pre_vote_request(cluster, n1, n3));
  CHECK(granted(cluster, n3, n1));
}

// Would catch a consent that is thrown away because its giver still lives in an older term: with
// only such voters left, and those not campaigning themselves, nobody could ever be elected.
TEST_CASE("PV-17 a pre-vote of a node in a lower term counts", "[PV-17][election]") {
  Setup setup;
  setup.logs = {{n1, {5}}};
  setup.terms = {{n2, 3}, {n3, 3}};
  Cluster cluster(setup);
  cluster.crash(n3);
  cluster.campaign(n1);
  cluster.settle();
  CHECK(cluster.leader() == n1);
  CHECK(cluster.core(n1).term() == term(6));
}

// Would catch a crash that costs a whole election timeout although its connection broke.
TEST_CASE("PV-18 a leader whose connections break is replaced in a fraction of T",
          "[PV-18][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.run_for(100ms);
  cluster.crash(n1);
  cluster.lose_peer(n2, n1);
  cluster.lose_peer(n3, n1);
  CHECK(cluster.noted(n2, NoteKind::leader_lost));
  cluster.tick(n2, 60ms);
  cluster.settle();
  CHECK(cluster.leader() == n2);
}

// Would catch a failover that falls back to whole timeouts once two followers collide, which nodes
// with clocks in step do often.
TEST_CASE("PV-21 followers that all lost the leader at once agree on another within T",
          "[PV-21][election]") {
  int within = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Setup setup;
    setup.seed = seed;
    Cluster cluster(setup);
    cluster.elect(n1);
    cluster.run_for(100ms);
    cluster.crash(n1);
    cluster.lose_peer(n2, n1);
    cluster.lose_peer(n3, n1);
    if (cluster.run_until([&] { return bool(cluster.leader()); }, 500ms)) ++within;
  }
  CHECK(within >= 45);
}

// Would catch a failover for a connection that was back at once.
TEST_CASE("PV-19 a leader that is reconnected before the wait ends stays", "[PV-19][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.run_for(100ms);
  for (const NodeId id : {n2, n3}) {
    cluster.disconnect(n1, id);
    cluster.run_for(10ms);
    cluster.connect(n1, id);
  }
  cluster.run_for(2s);
  CHECK(cluster.leader() == n1);
  CHECK(cluster.core(n1).term() == term(1));
  CHECK(cluster.noted(n2, NoteKind::leader_found));
}

// Would catch one broken connection that unseats a leader whom all others hear.
TEST_CASE("PV-20 one node that lost the leader's connection does not replace it",
          "[PV-20][election]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.run_for(100ms);
  cluster.cut(n1, n3);
  cluster.cut(n3, n1);
  cluster.disconnect(n1, n3);
  cluster.run_for(5s);
  CHECK(cluster.noted(n3, NoteKind::pre_campaign));
  CHECK(cluster.leader() == n1);
  CHECK(cluster.core(n1).term() == term(1));
}

}  // namespace raft::test
