// Changes of membership (MB). Each would let two disjoint majorities decide, or leave a group
// stuck between two memberships, if it failed. All our changes of voters are joint and leave the
// joint membership by themselves; what others call simple or explicit changes is adapted to that.
//
// Shown elsewhere:
//   MB-14, MB-15, MB-21, MB-23  as functions: membership_change_test.cpp
//   MB-19  a wiped disk under an old id is refused by name: tests/replica
#include "core/changes.hpp"
#include "core/scenario.hpp"

namespace raft::test {
namespace {

constexpr NodeId n8{8};

Index last_index(const Cluster& cluster, NodeId id) { return cluster.core(id).log().last_index(); }

}  // namespace

// Would catch a newcomer that is not caught up, or not counted.
TEST_CASE("MB-01 voters are added one by one, from three to five", "[MB-01][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.strangers = {n4, n5};
    Cluster cluster(setup);
    cluster.elect(n1);
    propose_many(cluster, n1, 3);
    change_until(cluster, adding(cluster, {n4}), "1 2 3 4");
    change_until(cluster, adding(cluster, {n5}), "1 2 3 4 5");
    for (const NodeId id : cluster.ids()) CHECK(members(cluster, id) == "1 2 3 4 5");
    for (const NodeId id : {n1, n2}) cluster.isolate(id);
    REQUIRE(cluster.run_until([&] { return cluster.leader() > n2; }));
    const Index before = cluster.committed();
    REQUIRE(cluster.propose(cluster.leader(), "x"));
    CHECK(cluster.run_until([&] { return cluster.committed() > before; }));
  });
}

// Would catch a newcomer that campaigns before it had time to hear anybody.
TEST_CASE("MB-01 a voter that was just added waits for an election timeout",
          "[MB-01][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.strangers = {n4};
    Cluster cluster(setup);
    cluster.run_for(2s);
    lead(cluster, n1);
    REQUIRE(cluster.change(n1, adding(cluster, {n4})));
    for (int round = 0; round < 6; ++round) exchange(cluster, n1, {n2, n3, n4});
    REQUIRE(members(cluster, n4) == "1 2 3 4");
    cluster.tick(n4, 490ms);
    CHECK_FALSE(cluster.noted(n4, NoteKind::election_timeout));
    CHECK(cluster.core(n4).leader() == n1);
  });
}

// Would catch a joint membership that is left twice, or never.
TEST_CASE("MB-02 two voters are added at once, and the joint membership is left once",
          "[MB-02][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.strangers = {n4, n5};
    Cluster cluster(setup);
    lead(cluster, n1);
    const Index before = last_index(cluster, n1);
    cluster.begin_turn(n1);
    REQUIRE(cluster.change(n1, adding(cluster, {n4, n5})));
    propose_many(cluster, n1, 5);
    cluster.end_turn(n1);
    propose_many(cluster, n1, 5);
    CHECK(members(cluster, n1) == "1 2 3 4 5 after 1 2 3");
    cluster.settle();
    converge(cluster);
    CHECK(members(cluster, n1) == "1 2 3 4 5");
    CHECK(cluster.count(n1, NoteKind::joint_left) == 1);
    CHECK(distance(before, last_index(cluster, n1)) == 12);
  });
}

// Would catch two changes at once: their majorities need not meet.
TEST_CASE("MB-03 MB-12 a second change is refused until the first one is complete",
          "[MB-03][MB-12][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.learners = {n4, n5};
    Cluster cluster(setup);
    lead(cluster, n1);
    REQUIRE(cluster.change(n1, promoting({n4})));
    CHECK(refusal(cluster.change(n1, promoting({n5}))) == Errc::conflict);
    exchange(cluster, n1, {n2, n3, n4});
    REQUIRE(members(cluster, n1) == "1 2 3 4 | 5 learner");  // Joint no more, yet uncommitted.
    CHECK(refusal(cluster.change(n1, promoting({n5}))) == Errc::conflict);
    REQUIRE(cluster.settle_until([&] { return has_replicated(cluster, n1); }));
    CHECK(cluster.change(n1, promoting({n5})));
    CHECK(cluster.settle_until([&] { return members(cluster, n1) == "1 2 3 4 5"; }));
  });
}

// Would catch a second change that is accepted because it adds no voter.
TEST_CASE("MB-12 a change of learners is a change like any other", "[MB-12][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.strangers = {n4, n5};
    Cluster cluster(setup);
    lead(cluster, n1);
    REQUIRE(cluster.change(n1, adding_learners(cluster, {n4})));
    CHECK(refusal(cluster.change(n1, adding_learners(cluster, {n5}))) == Errc::conflict);
    CHECK(refusal(cluster.change(n1, removing({n2}))) == Errc::conflict);
    REQUIRE(cluster.settle_until([&] { return has_replicated(cluster, n1); }));
    CHECK(cluster.change(n1, adding_learners(cluster, {n5})));
  });
}

// Would catch a change that only the leader which began it can finish.
TEST_CASE("MB-04 the leader is replaced, and the newcomer that took over finishes the change",
          "[MB-04][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.learners = {n4};
    Cluster cluster(setup);
    lead(cluster, n1);
    cluster.forget_notes();
    MembershipChange change = promoting({n4});
    change.remove = {n1};
    cluster.hold(n2, n1);
    cluster.hold(n3, n1);
    REQUIRE(cluster.change(n1, change));
    REQUIRE(cluster.transfer(n1, n4));
    exchange(cluster, n1, {n4});
    cluster.deliver(n1, n4);  // Now it has all, and is asked to go on.
    exchange(cluster, n4, {n2, n3});
    REQUIRE(cluster.leader() == n4);
    CHECK(cluster.settle_until([&] { return cluster.noted(n4, NoteKind::joint_left); }));
    CHECK_FALSE(cluster.noted(n1, NoteKind::joint_left));
    cluster.release(n2, n1);
    cluster.release(n3, n1);
    CHECK(cluster.run_until([&] { return is_complete(cluster, "2 3 4"); }));
    cluster.run_for(3s);
    CHECK(cluster.core(n1).removed());
    CHECK_FALSE(cluster.noted(n1, NoteKind::election_timeout));
  });
}

// Would catch a leader that counts itself in a membership it is not part of.
TEST_CASE("MB-05 a leader removes itself without counting itself, and steps down",
          "[MB-05][membership]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    REQUIRE(cluster.change(n1, removing({n1})));
    exchange(cluster, n1, {n2, n3});
    REQUIRE(members(cluster, n1) == "2 3");
    exchange(cluster, n1, {n2});
    CHECK(cluster.core(n1).commit() < last_index(cluster, n1));
    CHECK(cluster.core(n1).is_leader());
    exchange(cluster, n1, {n3});
    CHECK(cluster.core(n1).commit() == last_index(cluster, n1));
    CHECK_FALSE(cluster.core(n1).is_leader());
    CHECK(cluster.core(n1).removed());
    CHECK(cluster.noted(n1, NoteKind::stepped_down_removed));
    // It asked one of the others to go on, so nobody waits for a timeout.
    CHECK(cluster.settle_until([&] { return cluster.leader() > n1; }));
  });
}

// Would catch a removal of the leader that leaves clients without one.
TEST_CASE("MB-05 whoever leads removes itself, one after the other", "[MB-05][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.voters = {n1, n2, n3, n4, n5};
    Cluster cluster(setup);
    cluster.elect(n1);
    for (std::size_t left = 4; left >= 1; --left) {
      REQUIRE(cluster.run_until([&] { return bool(cluster.leader()); }));
      const NodeId leader = cluster.leader();
      REQUIRE(cluster.run_until([&] {
        if (cluster.core(leader).is_leader()) (void)cluster.change(leader, removing({leader}));
        return cluster.is_converged() && cluster.leader() != leader;
      }));
      const NodeId next = cluster.leader();
      CHECK(cluster.core(next).membership().membership->voters().size() == left);
      REQUIRE(cluster.propose(next, "x"));
      converge(cluster);
    }
  });
}

// Would catch a group that stays joint for ever because its leader died in between.
TEST_CASE("MB-06 a new leader finishes the joint membership that it inherits",
          "[MB-06][bug-34][membership]") {
  for_each_variant([](const Variant& variant) {
    for (const bool committed : {false, true}) {
      Setup setup = variant.apply();
      setup.learners = {n4};
      Cluster cluster(setup);
      lead(cluster, n1);
      REQUIRE(cluster.change(n1, promoting({n4})));
      cluster.deliver(n1, n2);
      if (committed) {
        cluster.deliver(n1, n3);
        cluster.deliver(n1, n4);
        for (const NodeId id : {n2, n3, n4}) cluster.deliver(id, n1);
        REQUIRE(cluster.noted(n1, NoteKind::joint_left));
      }
      cluster.crash(n1);
      cluster.drop_all();
      cluster.elect(n2);
      CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 4"); }));
      CHECK(cluster.noted(n2, NoteKind::joint_left));
      cluster.restart(n1);
      converge(cluster);
      CHECK(members(cluster, n1) == "1 2 3 4");
    }
  });
}

// Would catch a majority that is taken of the union of both halves.
TEST_CASE("MB-07 a group moves to other nodes, disjoint ones included", "[MB-07][membership]") {
  struct Move {
    std::vector<NodeId> from, to;
    std::vector<NodeId> fresh, gone;
    std::string result;
  };
  const std::vector<Move> moves{
      {{n1, n2}, {n3, n4}, {n3, n4}, {n1, n2}, "3 4"},
      {{n1, n2, n3}, {n3, n4, n5}, {n4, n5}, {n1, n2}, "3 4 5"},
      {{n1, n2, n3, n4, n5, n6}, {}, {n7, n8}, {n4, n5, n6}, "1 2 3 7 8"}};
  for (const Move& move : moves) {
    for_each_variant([&](const Variant& variant) {
      Setup setup = variant.apply();
      setup.voters = move.from;
      setup.learners = move.fresh;
      Cluster cluster(setup);
      cluster.elect(n1);
      propose_many(cluster, n1, 3);
      converge(cluster);
      MembershipChange change = promoting(move.fresh);
      change.remove = move.gone;
      change_until(cluster, change, move.result);
      for (const NodeId id : move.gone) cluster.crash(id);
      REQUIRE(cluster.run_until([&] { return bool(cluster.leader()); }));
      CHECK(cluster.run_until([&] { return bool(cluster.propose(cluster.leader(), "x")); }));
      converge(cluster);
    });
  }
}

// Would catch an election won with one half alone: the other half may elect somebody else.
TEST_CASE("MB-08 an election during a change needs both halves", "[MB-08][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.learners = {n4, n5};
    Cluster cluster(setup);
    lead(cluster, n1);
    MembershipChange change = promoting({n4, n5});
    change.remove = {n2, n3};
    REQUIRE(cluster.change(n1, change));
    for (const NodeId id : {n2, n3, n4, n5}) cluster.deliver(n1, id);
    cluster.crash(n1);
    cluster.drop_all();
    REQUIRE(members(cluster, n2) == "1 4 5 after 1 2 3");
    cluster.partition({{n2, n3}, {n4, n5}});
    cluster.run_for(5s);
    const auto has_tried = [&](NodeId id) { return cluster.noted(id, NoteKind::election_timeout); };
    CHECK((has_tried(n2) || has_tried(n3)));
    CHECK((has_tried(n4) || has_tried(n5)));
    for (const NodeId id : {n2, n3, n4, n5}) {
      CHECK_FALSE(cluster.noted(id, NoteKind::became_leader));
    }
    cluster.heal();
    CHECK(cluster.run_until([&] { return bool(cluster.leader()); }));
    cluster.restart(n1);
    CHECK(cluster.run_until([&] { return is_complete(cluster, "1 4 5"); }));
  });
}

// Would catch a node that goes on by a membership which no longer exists.
TEST_CASE("MB-09 an uncommitted membership that is truncated gives way to the one before",
          "[MB-09][membership]") {
  for_each_variant([](const Variant& variant) {
    for (const bool in_snapshot : {false, true}) {
      for (const bool restarted : {false, true}) {
        Setup setup = variant.apply();
        setup.strangers = {n4};
        Cluster cluster(setup);
        lead(cluster, n1);
        change_until(cluster, adding_learners(cluster, {n4}), "1 2 3 | 4 learner");
        if (in_snapshot) cluster.compact(n1);
        cluster.isolate(n1);
        REQUIRE(cluster.change(n1, promoting({n4})));
        CHECK(members(cluster, n1) == "1 2 3 4 after 1 2 3");
        if (restarted) cluster.restart(n1);
        CHECK(members(cluster, n1) == "1 2 3 4 after 1 2 3");
        cluster.elect(n2);
        cluster.heal();
        converge(cluster);
        CHECK(cluster.noted(n1, NoteKind::membership_rolled_back));
        CHECK(members(cluster, n1) == "1 2 3 | 4 learner");
      }
    }
  });
}

// Would catch the hole in single-server changes that Ongaro found in 2015: the changes of two
// leaders, neither of which knows of the other's, with majorities that do not meet.
TEST_CASE("MB-10 two leaders change the membership, and only one change survives",
          "[MB-10][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.voters = {n1, n2, n3, n4};
    setup.learners = {n5};
    Cluster cluster(setup);
    lead(cluster, n1);
    cluster.partition({{n1, n5}, {n2, n3, n4}});
    REQUIRE(cluster.change(n1, promoting({n5})));
    cluster.deliver(n1, n5);
    REQUIRE(members(cluster, n5) == "1 2 3 4 5 after 1 2 3 4");
    cluster.elect(n2);
    REQUIRE(
        cluster.settle_until([&] { return cluster.core(n2).commit() == last_index(cluster, n2); }));
    REQUIRE(cluster.change(n2, removing({n1})));
    cluster.run_for(3s);
    CHECK(members(cluster, n2) == "2 3 4 | 5 learner");
    CHECK(cluster.core(n1).commit() < cluster.core(n2).commit());
    cluster.heal();
    CHECK(cluster.run_until([&] { return is_complete(cluster, "2 3 4 | 5 learner"); }));
    CHECK(members(cluster, n5) == "2 3 4 | 5 learner");
    CHECK(cluster.run_until([&] { return cluster.core(n1).removed(); }));
  });
}

// Would catch a change by a leader that does not know yet what is committed.
TEST_CASE("MB-11 before an entry of its own term is committed a leader changes nothing",
          "[MB-11][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();

    setup.learners = {n4};
    Cluster cluster(setup);
    win(cluster, n1, {n2, n3});
    REQUIRE(cluster.core(n1).commit() == index(0));
    CHECK(refusal(cluster.change(n1, promoting({n4}))) == Errc::busy);
    CHECK(last_index(cluster, n1) == index(1));
    REQUIRE(cluster.settle_until([&] { return has_replicated(cluster, n1); }));
    CHECK(cluster.change(n1, promoting({n4})));
  });
}

// Would catch a node that goes by what its machine has seen instead of by its log.
TEST_CASE("MB-13 a membership counts in an election although the machine has not seen it",
          "[MB-13][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.learners = {n4};
    Cluster cluster(setup);
    lead(cluster, n1);
    for (const NodeId id : {n2, n3}) cluster.hold_machine(id);
    REQUIRE(cluster.change(n1, promoting({n4})));
    cluster.run_for(200ms);
    const auto is_known = [&] {
      return cluster.core(n2).commit() == index(3) && cluster.core(n3).commit() == index(3);
    };
    REQUIRE(cluster.settle_until(is_known));
    REQUIRE(cluster.applied(n2) < index(2));
    cluster.crash(n1);
    cluster.isolate(n4);
    cluster.run_for(5s);
    CHECK_FALSE(cluster.leader());  // Two of the old three, but not three of four.
    cluster.heal();
    CHECK(cluster.run_until([&] { return bool(cluster.leader()); }));
  });
}

// Would catch changes that no majority could ever undo.
TEST_CASE("MB-14 changes that cannot be are refused and leave no entry", "[MB-14][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.voters = {n1};
    setup.strangers = {n2, n3};
    Cluster cluster(setup);
    cluster.elect(n1);
    const Index before = last_index(cluster, n1);
    CHECK(refusal(cluster.change(n1, removing({n1}))) == Errc::invalid_argument);
    CHECK(refusal(cluster.change(n1, demoting({n1}))) == Errc::invalid_argument);
    CHECK(refusal(cluster.change(n1, promoting({n7}))) == Errc::invalid_argument);
    CHECK(refusal(cluster.change(n2, removing({n1}))) == Errc::not_leader);
    MembershipChange stale = adding_learners(cluster, {n2});
    stale.expected_index = before;
    CHECK(refusal(cluster.change(n1, stale)) == Errc::conflict);
    MembershipChange nobody = adding_learners(cluster, {n2});
    nobody.add_learners.front().instance = {};
    CHECK(refusal(cluster.change(n1, nobody)) == Errc::invalid_argument);
    CHECK(last_index(cluster, n1) == before);
  });
}

// Would catch an outcome that depends on the order in which operations are listed.
TEST_CASE("MB-15 contradictions are refused, repetitions change nothing", "[MB-15][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.learners = {n4};
    Cluster cluster(setup);
    lead(cluster, n1);
    MembershipChange contradiction = promoting({n4});
    contradiction.remove = {n4};
    CHECK(refusal(cluster.change(n1, contradiction)) == Errc::invalid_argument);
    change_until(cluster, promoting({n4}), "1 2 3 4");
    const Index complete = cluster.core(n1).membership().index;
    const auto again = cluster.change(n1, promoting({n4}));
    REQUIRE(again);
    CHECK(again->index == complete);
    CHECK(last_index(cluster, n1) == complete);
  });
}

// Would catch entries that wait for a majority which is no longer asked for.
TEST_CASE("MB-16 what the new majority has acknowledged is committed when the old one goes",
          "[MB-16][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.voters = {n1, n2, n3, n4};
    Cluster cluster(setup);
    lead(cluster, n1);
    cluster.isolate(n4);
    REQUIRE(cluster.change(n1, removing({n4})));
    exchange(cluster, n1, {n2});
    const auto behind = cluster.propose(n1, "x");
    REQUIRE(behind);
    exchange(cluster, n1, {n2});
    // n1 and n2 hold both: a majority of the new three, not of the old four.
    REQUIRE(cluster.core(n1).commit() == index(1));
    for (const Message& message : cluster.take(n1, n3)) {
      const auto& append = std::get<AppendRequest>(message.body);
      if (append.prev.index == index(1)) cluster.inject(message);
    }
    cluster.deliver(n3, n1);  // The joint membership alone.
    CHECK(progress(cluster, n1, n3).match == index(2));
    CHECK(members(cluster, n1) == "1 2 3");
    CHECK(cluster.core(n1).commit() == behind->index);
  });
}

// Would catch a removed node that unseats leaders for ever, or never learns why nobody listens.
TEST_CASE("MB-17 a node that missed its removal disturbs nobody and learns of it",
          "[MB-17][membership]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.isolate(n3);
    change_until(cluster, removing({n3}), "1 2");
    cluster.run_for(6s);
    REQUIRE(cluster.noted(n1, NoteKind::departing_released));
    REQUIRE_FALSE(cluster.core(n3).removed());
    const Term before = cluster.core(n1).term();
    cluster.heal();
    CHECK(cluster.run_until([&] { return cluster.core(n3).removed(); }, 5s));
    CHECK(cluster.core(n1).is_leader());
    CHECK(cluster.core(n1).term() == before);
    cluster.run_for(3s);
    CHECK(cluster.core(n3).role() == RoleNow::follower);
  });
}

// Would catch an old message, or one of a stale member, that makes a member leave.
TEST_CASE("MB-17 news of a removal is believed only if it is news", "[MB-17][membership]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    const Index in_force = cluster.core(n3).membership().index;
    cluster.inject({n2, n3, cluster.core(n1).term(), Removed{in_force}});
    CHECK_FALSE(cluster.core(n3).removed());
    cluster.run_for(3s);
    CHECK(cluster.leader() == n1);
  });
}

// Would catch a leader that forgets a departing peer before it was told.
TEST_CASE("MB-18 a node is removed while it is cut off, and told when it is back",
          "[MB-18][membership]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    converge(cluster);
    cluster.isolate(n3);
    change_until(cluster, removing({n3}), "1 2");
    propose_many(cluster, cluster.leader(), 3);
    cluster.heal();
    CHECK(cluster.run_until([&] { return cluster.core(n3).removed(); }, 10s));
    converge(cluster);
    CHECK(members(cluster, n1) == "1 2");
  });
}

// Would catch a node that is taken in again under its id and trusted with what its disk has lost.
TEST_CASE("MB-19 a node is removed and comes back with an empty disk",
          "[MB-19][bug-43][membership]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    propose_many(cluster, n1, 3);
    converge(cluster);
    cluster.restart_wiped(n3);
    CHECK(refusal(cluster.change(n1, adding(cluster, {n3}))) == Errc::id_taken);
    change_until(cluster, removing({n3}), "1 2");
    change_until(cluster, adding(cluster, {n3}), "1 2 3");
    CHECK(cluster.machine(n3) == "c0 c1 c2");
    CHECK(cluster.core(n1).membership().membership->names(n3, cluster.instance(n3)));
    cluster.crash(n2);
    CHECK(cluster.run_until([&] { return bool(cluster.leader()); }));
  });
}

// Would catch a change that its own members can never commit.
TEST_CASE("MB-20 a voter without which no majority is up is refused unless forced",
          "[MB-20][membership]") {
  for_each_variant([](const Variant& variant) {
    for (const bool forced : {false, true}) {
      Setup setup = variant.apply();
      setup.voters = {n1};
      setup.strangers = {n2};
      Cluster cluster(setup);
      cluster.elect(n1);
      cluster.crash(n2);
      MembershipChange change = adding(cluster, {n2});
      CHECK(refusal(cluster.change(n1, change)) == Errc::invalid_argument);
      CHECK(cluster.propose(n1, "x"));
      CHECK(cluster.core(n1).commit() == last_index(cluster, n1));
      if (forced) {  // Nothing is committed until the operator brings it up.
        change.force = true;
        REQUIRE(cluster.change(n1, change));
        cluster.restart(n2);
      } else {  // As a learner first.
        REQUIRE(cluster.change(n1, adding_learners(cluster, {n2})));
        CHECK(refusal(cluster.change(n1, promoting({n2}))) == Errc::invalid_argument);
        cluster.restart(n2);
        REQUIRE(cluster.run_until([&] { return has_replicated(cluster, n1); }));
        CHECK(cluster.change(n1, promoting({n2})));
      }
      CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2"); }));
    }
  });
}

// Would catch anything that is left over from a node's former lives.
TEST_CASE("MB-22 each node in turn is removed and taken in again, three times, under load",
          "[MB-22][membership]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    for (int round = 0; round < 3; ++round) {
      for (const NodeId id : {n1, n2, n3}) {
        REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
        for (int i = 0; i < 3; ++i) REQUIRE(cluster.propose(cluster.leader(), "c"));
        std::string others;
        for (const NodeId other : {n1, n2, n3}) {
          if (other != id) others += (others.empty() ? "" : " ") + to_string(other);
        }
        change_until(cluster, removing({id}), others);
        cluster.restart_wiped(id);
        change_until(cluster, adding(cluster, {id}), "1 2 3");
      }
    }
    for (const NodeId id : {n2, n3}) CHECK(cluster.machine(id) == cluster.machine(n1));
  });
}

// Would catch a change that enters a joint membership it has no reason to leave.
TEST_CASE("MB-23 a change to what is already so appends nothing", "[MB-23][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.learners = {n4};
    Cluster cluster(setup);
    lead(cluster, n1);
    const Index before = last_index(cluster, n1);
    for (const MembershipChange& change :
         {adding(cluster, {n2}), demoting({n4}), removing({n7}), MembershipChange{}}) {
      const auto result = cluster.change(n1, change);
      REQUIRE(result);
      CHECK(result->index == cluster.core(n1).membership().index);
    }
    CHECK(last_index(cluster, n1) == before);
    CHECK_FALSE(cluster.core(n1).membership().membership->is_joint());
  });
}

// Would catch a change that lives on although its entry is gone.
TEST_CASE("MB-24 a change that only its leader had vanishes with it", "[MB-24][membership]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.strangers = {n4, n5};
    Cluster cluster(setup);
    lead(cluster, n1);
    REQUIRE(cluster.change(n1, adding(cluster, {n4, n5})));
    cluster.deliver(n1, n4);  // A newcomer has heard of it, no old voter has.
    cluster.crash(n1);
    cluster.drop_all();
    cluster.elect(n2);
    REQUIRE(
        cluster.settle_until([&] { return cluster.core(n2).commit() == last_index(cluster, n2); }));
    CHECK(cluster.change(n2, adding_learners(cluster, {n5})));
    CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 | 5 learner"); }));
    cluster.restart(n1);
    converge(cluster);
    CHECK(members(cluster, n1) == "1 2 3 | 5 learner");
    CHECK(cluster.core(cluster.leader()).membership().membership->find(n4) == nullptr);
  });
}

}  // namespace raft::test
