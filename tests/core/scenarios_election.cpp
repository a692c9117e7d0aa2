// Elections (EL). Each would let two leaders into one term, or none into any, if it failed.
#include "core/scenario.hpp"

namespace raft::test {
namespace {

std::size_t messages(const Cluster& cluster) { return cluster.in_flight().size(); }

Message vote_request(const Cluster& cluster, NodeId from, NodeId to, std::uint64_t in_term,
                     EntryId last) {
  return {from, to, term(in_term), VoteRequest{last, false, cluster.instance(to)}};
}

bool granted(const Cluster& cluster, NodeId voter, NodeId candidate) {
  const auto replies = cluster.in_flight(voter, candidate);
  REQUIRE_FALSE(replies.empty());
  const auto* reply = std::get_if<VoteReply>(&replies.back().body);
  REQUIRE(reply != nullptr);
  return reply->granted;
}

}  // namespace

// Would catch a node that forgets its term, or that speaks before it is spoken to.
TEST_CASE("EL-01 a node starts as a silent follower with the term of its disk",
          "[EL-01][election]") {
  Setup setup;
  setup.logs[n1] = {1, 1, 4};
  const Cluster cluster(setup);
  CHECK(cluster.core(n1).role() == RoleNow::follower);
  CHECK(cluster.core(n1).term() == term(4));
  CHECK(cluster.core(n2).term() == term(0));
  CHECK(messages(cluster) == 0);
}

// Would catch a candidate that forgets a voter, its own vote or the next term.
TEST_CASE("EL-02 a follower that hears nothing asks all others for their votes in the next term",
          "[EL-02][election]") {
  Setup setup;
  setup.pre_vote = false;
  Cluster cluster(setup);
  cluster.campaign(n1);
  CHECK(cluster.core(n1).role() == RoleNow::candidate);
  CHECK(cluster.disk(n1).hard_state().term == term(1));
  CHECK(cluster.disk(n1).hard_state().vote == n1);
  CHECK(cluster.sent<VoteRequest>(n1, n2) == 1);
  CHECK(cluster.sent<VoteRequest>(n1, n3) == 1);
}

// Would catch a candidate that waits for ever for votes that were lost.
TEST_CASE("EL-03 a candidate times out and starts the next election", "[EL-03][election]") {
  Setup setup;
  setup.pre_vote = false;
  Cluster cluster(setup);
  cluster.campaign(n1);
  cluster.drop_all();
  cluster.campaign(n1);
  CHECK(cluster.core(n1).role() == RoleNow::candidate);
  CHECK(cluster.core(n1).term() == term(2));
  cluster.settle();
  CHECK(cluster.leader() == n1);
}

// Would catch a tally that is off by one for some size of cluster.
TEST_CASE("EL-04 only a majority of votes makes a leader, for every combination of 1 to 7 voters",
          "[EL-04][election]") {
  for (std::uint64_t size = 1; size <= 7; ++size) {
    for (std::uint64_t granting = 0; granting < (1u << (size - 1)); ++granting) {
      Setup setup;
      setup.pre_vote = false;
      setup.voters.clear();
      for (std::uint64_t id = 1; id <= size; ++id) setup.voters.push_back(NodeId{id});
      Cluster cluster(setup);
      cluster.campaign(n1);
      cluster.drop_all();
      std::uint64_t votes = 1;
      for (std::uint64_t id = 2; id <= size; ++id) {
        if ((granting >> (id - 2) & 1) == 0) continue;
        ++votes;
        cluster.inject(vote_request(cluster, n1, NodeId{id}, 1, {}));
      }
      cluster.settle();
      CHECK(cluster.core(n1).is_leader() == (votes > size / 2));
    }
  }
}

// Would catch a voter that gives its vote away twice, or denies it to whom it has given it.
TEST_CASE("EL-05 a vote is given to one candidate of a term, and again to the same one",
          "[EL-05][election]") {
  Cluster cluster;
  cluster.inject(vote_request(cluster, n1, n3, 1, {}));
  CHECK(granted(cluster, n3, n1));
  cluster.inject(vote_request(cluster, n2, n3, 1, {}));
  CHECK_FALSE(granted(cluster, n3, n2));
  CHECK(cluster.noted(n3, NoteKind::vote_refused_already_voted));
  cluster.inject(vote_request(cluster, n1, n3, 1, {}));
  CHECK(cluster.in_flight(n3, n1).size() == 2);
  CHECK(granted(cluster, n3, n1));
  cluster.restart(n3);
  cluster.inject(vote_request(cluster, n2, n3, 1, {}));
  CHECK_FALSE(granted(cluster, n3, n2));
}

// Would catch a candidate that goes on although its term has a leader.
TEST_CASE("EL-06 a candidate follows whoever leads its term", "[EL-06][election]") {
  Setup setup;
  setup.pre_vote = false;
  Cluster cluster(setup);
  cluster.campaign(n1);
  cluster.drop_all();
  cluster.hold(n1, n3);
  cluster.inject(vote_request(cluster, n2, n3, 1, {}));
  AppendRequest append;
  append.mark.session = {1};
  cluster.inject({n2, n1, term(1), append});
  CHECK(cluster.core(n1).role() == RoleNow::follower);
  CHECK(cluster.core(n1).leader() == n2);
}

// Would catch a role that misses a higher term, or keeps the vote of the old one.
TEST_CASE("EL-07 any role adopts a higher term and follows, without a vote in it",
          "[EL-07][election]") {
  for (const RoleNow role :
       {RoleNow::follower, RoleNow::pre_candidate, RoleNow::candidate, RoleNow::leader}) {
    Setup setup;
    setup.pre_vote = role == RoleNow::pre_candidate;
    Cluster cluster(setup);
    if (role != RoleNow::follower) cluster.campaign(n1);
    if (role == RoleNow::leader) cluster.settle();
    REQUIRE(cluster.core(n1).role() == role);
    cluster.inject({n2, n1, term(9), HeartbeatReply{}});
    CHECK(cluster.core(n1).role() == RoleNow::follower);
    CHECK(cluster.disk(n1).hard_state().term == term(9));
    CHECK(cluster.disk(n1).hard_state().vote == NodeId{});
    CHECK(cluster.core(n1).leader() == NodeId{});
  }
}

// Would catch a node that obeys a leader or a candidate of the past.
TEST_CASE("EL-08 messages of a lower term change nothing and are answered with the own term",
          "[EL-08][election]") {
  Setup setup;
  setup.logs[n1] = {1, 5};
  Cluster cluster(setup);
  const std::string before = cluster.log_terms(n1);
  AppendRequest append;
  append.mark.commit = index(2);
  cluster.inject({n2, n1, term(4), append});
  cluster.inject({n2, n1, term(4), Heartbeat{append.mark}});
  cluster.inject(vote_request(cluster, n2, n1, 4, {term(4), index(9)}));
  CHECK(cluster.log_terms(n1) == before);
  CHECK(cluster.core(n1).commit() == index(0));
  CHECK(cluster.core(n1).leader() == NodeId{});
  CHECK(cluster.disk(n1).hard_state().vote == NodeId{});
  const auto replies = cluster.in_flight(n1, n2);
  REQUIRE(replies.size() == 3);
  for (const Message& reply : replies) CHECK(reply.term == term(5));
}

// Would catch timeouts drawn once, outside [T, 2T), or alike on all nodes: split votes for ever.
TEST_CASE("EL-09 timeouts are drawn afresh from T to 2T and rarely coincide", "[EL-09][election]") {
  Setup setup;
  setup.voters = {n1, n2};
  Cluster cluster(setup);
  cluster.isolate(n1);
  std::size_t early = 0;
  std::size_t close = 0;
  Duration last{0};
  for (int draw = 0; draw < 1'000; ++draw) {
    cluster.campaign(n1);
    const Duration wait = cluster.core(n1).election_deadline() - cluster.now();
    CHECK(wait >= 500ms);
    CHECK(wait < 1000ms);
    if (wait < 600ms) ++early;
    if (std::chrono::abs(wait - last) < 10ms) ++close;
    last = wait;
  }
  CHECK(early > 150);
  CHECK(early < 250);
  CHECK(close < 50);
}

// Would catch a comparison of lengths alone, or of terms alone (thesis 3.6.1).
TEST_CASE(
    "EL-10 a vote goes to no candidate with an older log, but to a shorter one of a newer term",
    "[EL-10][election]") {
  struct Case {
    std::vector<std::uint64_t> voter;
    std::vector<std::uint64_t> candidate;
    bool wins;
  };
  const std::vector<Case> cases{
      {{1}, {1}, true},        {{1, 1}, {1}, false},   {{1}, {1, 1}, true},
      {{1}, {2}, true},        {{1, 1, 1}, {2}, true}, {{2}, {1}, false},
      {{2}, {1, 1, 1}, false}, {{}, {1}, true},        {{1, 1, 2}, {1, 2}, false}};
  for (const Case& each : cases) {
    Setup setup;
    setup.voters = {n1, n2};
    setup.pre_vote = false;
    setup.logs = {{n1, each.candidate}, {n2, each.voter}};
    Cluster cluster(setup);
    cluster.campaign(n1);
    cluster.settle();
    CHECK(cluster.core(n1).is_leader() == each.wins);
    CHECK(cluster.noted(n2, NoteKind::vote_refused_stale_log) == !each.wins);
  }
}

// Would catch a loser that keeps campaigning, or keeps an entry that the winner does not have.
TEST_CASE("EL-11 of two candidates the loser concedes and takes over the winner's log",
          "[EL-11][election]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.logs = {{n3, {1}}};
    setup.terms = {{n1, 1}, {n2, 1}};
    Cluster cluster(setup);
    cluster.partition({{n1, n2}, {n3}});
    cluster.elect(n1);
    cluster.campaign(n3);
    cluster.heal();
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    CHECK(cluster.log_terms(n3) == cluster.log_terms(cluster.leader()));
    CHECK(cluster.core(n3).term() == cluster.core(n1).term());
    CHECK_FALSE(cluster.log_terms(n3).starts_with("1"));
  });
}

// Would catch a winner that cannot overwrite newer entries that were never committed.
TEST_CASE("EL-12 entries of newer terms on a minority are overwritten", "[EL-12][election]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  setup.logs = {{n1, {1}}, {n2, {1}}, {n3, {2}}, {n4, {}}, {n5, {}}};
  setup.terms = {{n1, 2}, {n2, 2}, {n4, 2}, {n5, 2}};
  Cluster cluster(setup);
  cluster.elect(n1);
  CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  CHECK(cluster.log_terms(n3) == "1 3");
  CHECK(cluster.noted(n3, NoteKind::log_truncated));
}

// Would catch a node that for some reason can never be elected.
TEST_CASE("EL-13 every node in turn can become leader", "[EL-13][election]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.voters = {n1, n2, n3, n4, n5};
    Cluster cluster(setup);
    for (const NodeId id : setup.voters) {
      cluster.elect(id);
      CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    }
  });
}

// Would catch a role in which a node votes by other rules.
TEST_CASE("EL-14 a vote request of a higher term is judged alike in every role",
          "[EL-14][election]") {
  for (const RoleNow role :
       {RoleNow::follower, RoleNow::pre_candidate, RoleNow::candidate, RoleNow::leader}) {
    for (const bool fresh : {true, false}) {
      Setup setup;
      setup.check_quorum = false;  // Without it nobody is held off by a working leader.
      setup.pre_vote = role == RoleNow::pre_candidate;
      setup.logs = {{n1, {1, 1}}};
      Cluster cluster(setup);
      if (role != RoleNow::follower) cluster.campaign(n1);
      if (role == RoleNow::leader) cluster.settle();
      REQUIRE(cluster.core(n1).role() == role);
      cluster.drop_all();
      cluster.inject(
          vote_request(cluster, n2, n1, 9, fresh ? EntryId{term(8), index(1)} : EntryId{}));
      CHECK(granted(cluster, n1, n2) == fresh);
      CHECK(cluster.core(n1).role() == RoleNow::follower);
      CHECK(cluster.core(n1).term() == term(9));
    }
  }
}

// Would catch a group of one that leads before its vote is on disk, or talks to nobody for ever.
TEST_CASE("EL-15 a single voter elects itself without a message, once its vote is synced",
          "[EL-15][election]") {
  Setup setup;
  setup.voters = {n1};
  Cluster cluster(setup);
  cluster.hold_disk(n1);
  cluster.tick(n1, 10ms);  // There is nobody to wait for.
  CHECK(cluster.core(n1).role() == RoleNow::candidate);
  cluster.persist(n1);
  CHECK(cluster.core(n1).is_leader());
  cluster.release_disk(n1);
  CHECK(cluster.core(n1).commit() == index(1));
  CHECK(messages(cluster) == 0);
}

// Would catch a candidate whose votes never count because the next term has always begun: with a
// disk slower than its timer, a single voter would never lead.
TEST_CASE("EL-15 a candidate whose own vote is being written begins no other term",
          "[EL-15][election]") {
  Setup setup;
  setup.voters = {n1};
  Cluster cluster(setup);
  cluster.hold_disk(n1);
  cluster.tick(n1, 500ms);
  CHECK(cluster.core(n1).term() == term(1));
  cluster.persist(n1);
  CHECK(cluster.core(n1).is_leader());

  Cluster of_three;
  of_three.hold_disk(n1);
  of_three.campaign(n1);
  exchange(of_three, n1, {n2, n3});
  REQUIRE(of_three.core(n1).role() == RoleNow::candidate);
  of_three.tick(n1, 5s);
  CHECK(of_three.core(n1).term() == term(1));
  of_three.persist(n1);
  exchange(of_three, n1, {n2, n3});
  CHECK(of_three.core(n1).is_leader());
}

// Would catch a self-vote that is counted in another election than its own.
TEST_CASE("EL-16 the own vote does not count once the election was lost", "[EL-16][election]") {
  Setup setup;
  setup.pre_vote = false;
  Cluster cluster(setup);
  cluster.hold_disk(n1);
  cluster.campaign(n1);
  cluster.elect(n2);
  REQUIRE(cluster.core(n1).role() == RoleNow::follower);
  cluster.release_disk(n1);
  CHECK(cluster.core(n1).role() == RoleNow::follower);
  cluster.settle();
  CHECK(cluster.leader() == n2);
}

// Would catch term and vote written apart, or a reply that leaves before both.
TEST_CASE("EL-17 a crash around the write of a vote never yields two votes in a term",
          "[EL-17][bug-21][election]") {
  for (const bool written : {false, true}) {
    Cluster cluster;
    cluster.hold_disk(n3);
    cluster.inject(vote_request(cluster, n1, n3, 1, {}));
    CHECK(messages(cluster) == 0);
    if (written) cluster.persist(n3);
    cluster.crash(n3);
    cluster.drop_all();
    cluster.restart(n3);
    const HardState& disk = cluster.disk(n3).hard_state();
    CHECK((disk.term == term(1)) == (disk.vote == n1));
    cluster.inject(vote_request(cluster, n2, n3, 1, {}));
    CHECK(granted(cluster, n3, n2) == !written);
  }
}

// Would catch votes counted by message instead of by voter.
TEST_CASE("EL-18 a vote that arrives five times counts once", "[EL-18][election]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  setup.pre_vote = false;
  Cluster cluster(setup);
  cluster.campaign(n1);
  cluster.drop_all();
  for (int copy = 0; copy < 5; ++copy) cluster.inject({n2, n1, term(1), VoteReply{true}});
  CHECK(cluster.core(n1).role() == RoleNow::candidate);
}

// Would catch a restart that begins again below the terms in the log.
TEST_CASE("EL-19 after a restart of all nodes the new term is above every old one",
          "[EL-19][election]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.elect(n2);
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    const Term before = cluster.core(n2).term();
    for (const NodeId id : cluster.ids()) cluster.crash(id);
    for (const NodeId id : cluster.ids()) cluster.restart(id);
    REQUIRE(cluster.run_until([&] { return bool(cluster.leader()); }));
    CHECK(cluster.core(cluster.leader()).term() > before);
  });
}

// Would catch timeouts that do not spread, so that votes split again and again.
TEST_CASE("EL-20 votes do not split for ever", "[EL-20][election]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Setup setup;
    setup.voters = {n1, n2, n3, n4, n5};
    setup.pre_vote = seed % 2 == 0;
    setup.drop_percent = seed % 20;
    setup.seed = seed;
    Cluster cluster(setup);
    INFO("seed " << seed);
    CHECK(cluster.run_until([&] { return bool(cluster.leader()); }, 20 * 500ms));
  }
}

// Would catch a cluster that a learner of a higher term keeps from working.
TEST_CASE("EL-21 a non-voter with a higher term joins and a leader is back soon",
          "[EL-21][election]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.learners = {n4};
    setup.terms = {{n4, 7}};
    Cluster cluster(setup);
    cluster.isolate(n4);
    cluster.elect(n1);
    cluster.heal();
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }, 5s));
    CHECK(cluster.core(cluster.leader()).term() > term(7));
  });
}

// Would catch an election that waits for slow voters although the others suffice.
TEST_CASE("EL-22 two slow voters of five do not hold up an election", "[EL-22][election]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  Cluster cluster(setup);
  for (const NodeId slow : {n4, n5}) {
    cluster.hold(n1, slow);
    cluster.hold(slow, n1);
  }
  cluster.campaign(n1);
  cluster.settle();
  CHECK(cluster.core(n1).is_leader());
  for (const NodeId slow : {n4, n5}) {
    cluster.release(n1, slow);
    cluster.release(slow, n1);
  }
  cluster.settle();
  CHECK(cluster.core(n5).leader() == n1);
}

}  // namespace raft::test
