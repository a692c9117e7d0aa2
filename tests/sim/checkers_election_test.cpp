// Shows that each invariant of elections fires, and not on an orderly cluster. What a checker
// misses, no simulation ever finds.
#include <catch2/catch.hpp>
#include <chrono>

#include "sim/checkers/election.hpp"
#include "sim/checkers_lab.hpp"

namespace raft::sim {
namespace {

using namespace std::chrono_literals;

/// A message that says that node 1 leads.
Message heartbeat(Lab& lab, std::uint64_t from, std::uint64_t to, std::uint64_t term) {
  return lab.message(from, to, term, Heartbeat{});
}

VoteRequest request_for(std::uint64_t voter, EntryId last, bool forced = false) {
  return {last, forced, Lab::instance(voter)};
}

/// One core on its own, for the checks of a single look.
struct Alone {
  explicit Alone(std::uint64_t id, const std::vector<std::uint64_t>& voters) {
    SnapshotMeta base{{}, {}, {Index{}, Lab::voters(voters)}};
    core::Options options;
    options.id = NodeId{id};
    options.instance = Lab::instance(id);
    core.emplace(options, core::Recovered{{{}, base, {}, {}, {}, {}}, {}}, Instant{1h});
    node.id = options.id;
    node.instance = options.instance;
    node.core = &*core;
    node.disk = &disk;
    node.log.reset(base, 0);
    node.in_force = base.membership.membership;
    node.seen = look_at(*core);
  }

  /// A group of one needs only its own disk.
  void lead() {
    core->tick(core->election_deadline());
    const core::Ready ready = core->take_ready(core->now());
    disk.synced(*ready.persist);
    core->persisted(ready.persist->number, core->now());
  }

  std::string violated() const {
    return ghost.report.first() ? ghost.report.first()->invariant : "";
  }

  Ghost ghost;
  DiskView disk;
  std::optional<core::Core> core;
  WatchedNode node;
};

}  // namespace

TEST_CASE("an orderly cluster violates nothing", "[sim][checkers]") {
  Lab lab;
  lab.elect(1);
  REQUIRE(lab.core(1).is_leader());
  lab.propose(1, "a");
  lab.pass(50ms);
  lab.tick(1);
  lab.deliver_all();
  CHECK(lab.core(3).commit() == Index{3});
  lab.restart(3);
  lab.compact(1);
  lab.propose(1, "b");
  lab.restart(1);
  lab.pass(600ms);
  lab.elect(2);
  lab.propose(2, "c");
  CHECK(lab.checkers().committed() == Index{6});
  CHECK(lab.checkers().newest_leader() == NodeId{2});
  lab.checkers().check_final();
  CHECK(lab.violated() == "");
}

TEST_CASE("two leaders of one term are E1", "[sim][checkers]") {
  Lab lab;
  lab.elect(1);
  CHECK(lab.violated() == "");
  lab.checkers().sends(lab.view(2), heartbeat(lab, 2, 3, lab.core(1).term().value));
  CHECK(lab.violated() == "E1");
}

TEST_CASE("a second vote in a term is E2", "[sim][checkers]") {
  Lab lab;
  lab.elect(1);
  const std::uint64_t term = lab.core(2).term().value;
  lab.checkers().sends(lab.view(2), lab.message(2, 1, term, VoteReply{true}));
  CHECK(lab.violated() == "");
  lab.checkers().sends(lab.view(2), lab.message(2, 3, term, VoteReply{true}));
  CHECK(lab.violated() == "E2");
}

TEST_CASE("a vote that changes in a running core is E2", "[sim][checkers]") {
  Lab lab({.term = 4, .vote = NodeId{1}});
  lab.replace(2, {.term = 4, .vote = NodeId{3}});
  lab.look(2);
  CHECK(lab.violated() == "E2");
}

TEST_CASE("a vote that leaves before it is synced is E3, a term E4", "[sim][checkers]") {
  Lab vote({.term = 2});
  vote.checkers().sends(vote.view(2), vote.message(2, 1, 2, VoteReply{true}));
  CHECK(vote.violated() == "E3");
  Lab term({.term = 2});
  term.checkers().sends(term.view(2), term.message(2, 1, 3, VoteReply{false}));
  CHECK(term.violated() == "E4");
}

TEST_CASE("a term that falls in a life, or from one to the next, is E5", "[sim][checkers]") {
  Lab running({.term = 4});
  running.replace(2, {.term = 3});
  running.look(2);
  CHECK(running.violated() == "E5");

  Lab lab;
  lab.elect(1);
  lab.lose_disk(2);  // It has spoken in the term of the election.
  lab.restart(2);
  CHECK(lab.violated() == "E5");
}

TEST_CASE("a vote for a candidate with an older log is E6", "[sim][checkers]") {
  Lab lab({.terms = {1, 1}});
  const auto told = lab.message(1, 2, 2, request_for(2, {Term{1}, Index{2}}));
  const auto got = lab.message(1, 2, 2, request_for(2, {Term{1}, Index{3}}));
  lab.receive(3, lab.message(1, 3, 2, request_for(3, {Term{1}, Index{3}})),
              lab.message(1, 3, 2, request_for(3, {Term{1}, Index{3}})));
  CHECK(lab.violated() == "");
  lab.receive(2, told, got);
  CHECK(lab.violated() == "E6");
}

TEST_CASE("a leader that nobody has voted for is E7", "[sim][checkers]") {
  Lab lab;
  lab.usurp(1);
  lab.look(1);
  CHECK(lab.violated() == "E7");
}

TEST_CASE("a campaign of a stranger is E8, of a learner M5", "[sim][checkers]") {
  Alone stranger(4, {1, 2, 3});
  Sight now = stranger.node.seen;
  now.role = RoleNow::pre_candidate;
  check_election(stranger.ghost, stranger.node, now);
  CHECK(stranger.violated() == "E8");

  Membership membership = *Lab::voters({1, 2, 3, 4});
  membership.members.back().role = Role::learner;
  Alone learner(4, {1, 2, 3});
  core::Options options;
  options.id = NodeId{4};
  SnapshotMeta base{{}, {}, {Index{}, std::make_shared<const Membership>(membership)}};
  learner.core.emplace(options, core::Recovered{{{}, base, {}, {}, {}, {}}, {}}, Instant{1h});
  check_election(learner.ghost, learner.node, now);
  CHECK(learner.violated() == "M5");
}

TEST_CASE("a leader that leads on once its removal is committed is M7", "[sim][checkers]") {
  Alone removed(4, {1, 2, 3});
  Sight now = removed.node.seen;
  now.role = RoleNow::leader;
  now.leader = now.vote = NodeId{4};
  removed.node.seen.role = RoleNow::leader;
  check_election(removed.ghost, removed.node, now);
  CHECK(removed.violated() == "M7");
}

TEST_CASE("a pre-vote that changes its voter is E9", "[sim][checkers]") {
  Lab lab;
  const EntryId last{Term{1}, Index{1}};
  const auto pre_vote = lab.message(1, 2, 1, PreVoteRequest{Term{2}, last, lab.instance(2)});
  lab.receive(2, pre_vote, pre_vote);
  CHECK(lab.violated() == "");
  lab.receive(2, pre_vote, lab.message(1, 2, 2, request_for(2, last)));
  CHECK(lab.violated() == "E9");
}

TEST_CASE("a vote against a working leader is E10", "[sim][checkers]") {
  Lab lab;
  lab.elect(1);
  const EntryId last = lab.core(1).log().last();
  const std::uint64_t next = lab.core(1).term().value + 1;
  const auto forced = lab.message(3, 2, next, request_for(2, last, true));
  SECTION("not if the leader has asked for it") {
    lab.receive(2, forced, forced);
    CHECK(lab.violated() == "");
  }
  SECTION("a vote") {
    lab.receive(2, lab.message(3, 2, next, request_for(2, last)), forced);
    CHECK(lab.violated() == "E10");
  }
  SECTION("a pre-vote") {
    const PreVoteRequest request{Term{next}, last, lab.instance(2)};
    const auto asked = lab.message(3, 2, next - 1, request);
    lab.receive(2, asked, asked);
    CHECK(lab.violated() == "");
    lab.checkers().sends(lab.view(2), lab.message(2, 3, next - 1, PreVoteReply{Term{next}, true}));
    CHECK(lab.violated() == "E10");
  }
}

TEST_CASE("a leader without its own vote, or with an odd timer, is E11", "[sim][checkers]") {
  Alone leader(1, {1, 2, 3});
  Sight now = leader.node.seen;
  now.role = RoleNow::candidate;
  check_election(leader.ghost, leader.node, now);
  CHECK(leader.violated() == "E11");

  Alone late(1, {1, 2, 3});
  now = late.node.seen;
  now.deadline = now.clock + 1001ms;
  check_election(late.ghost, late.node, now);
  CHECK(late.violated() == "E11");

  Alone early(1, {1, 2, 3});
  now = early.node.seen;
  now.deadline = now.clock + 499ms;
  check_election(early.ghost, early.node, now);
  CHECK(early.violated() == "E11");
}

TEST_CASE("a leader that gives up although it is answered is E12", "[sim][checkers]") {
  Lab lab;
  lab.elect(1);
  const std::uint64_t term = lab.core(1).term().value;
  SECTION("not without answers") {
    lab.pass(600ms);
    lab.tick(1);
    CHECK_FALSE(lab.core(1).is_leader());
    CHECK(lab.violated() == "");
  }
  SECTION("with answers") {
    lab.replace(1, {.terms = {term}, .term = term, .vote = NodeId{1}});
    lab.look(1);
    CHECK(lab.violated() == "E12");
  }
}

TEST_CASE("a leader that lacks what is committed is E13", "[sim][checkers]") {
  Alone leader(1, {1});
  leader.lead();
  const Sight now = look_at(*leader.core);
  SECTION("not if there is nothing") {
    check_election(leader.ghost, leader.node, now);
    CHECK(leader.violated() == "");
  }
  SECTION("what an earlier term has committed") {
    leader.ghost.committed.append({Term{}, Index{1}, {}, Noop{}}, {Term{}, 1}, Term{}, {});
    check_election(leader.ghost, leader.node, now);
    CHECK(leader.violated() == "E13");
  }
}

}  // namespace raft::sim
