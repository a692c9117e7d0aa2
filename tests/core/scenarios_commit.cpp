// What is committed, and when (CM). Each would acknowledge what can still be lost if it failed.
#include "core/scenario.hpp"

namespace raft::test {
namespace {

/// n1 leads term 4 and has replicated an entry of term 2 to three of five, but not yet its own
/// no-op (figure 3.7 of the thesis, state c).
Setup figure_8(const Variant& variant) {
  Setup setup = variant.apply();
  setup.voters = {n1, n2, n3, n4, n5};
  setup.limits.append_bytes_max = 1;  // One entry per append.
  setup.logs = {{n1, {1, 2}}, {n2, {1, 2}}, {n3, {1}}, {n4, {1}}, {n5, {1, 3}}};
  setup.terms = {{n1, 3}, {n2, 3}, {n3, 3}, {n4, 3}};
  return setup;
}

void reach_figure_8(Cluster& cluster) {
  cluster.partition({{n1, n2, n3}, {n4}, {n5}});
  win(cluster, n1, {n2, n3});
  cluster.deliver(n1, n2);
  cluster.deliver(n2, n1);  // The no-op is on n2.
  cluster.deliver(n1, n3);
  cluster.deliver(n3, n1);  // n3 rejected it: the entry of term 2 goes first.
  cluster.deliver(n1, n3);
  cluster.deliver(n3, n1);  // Three of five hold it.
}

}  // namespace

// Would catch entries of older terms committed by counting: the next leader may still erase them.
TEST_CASE("CM-01 an entry of an older term is not committed by a majority alone",
          "[CM-01][bug-2][commit]") {
  for_each_variant([](const Variant& variant) {
    for (const bool crashes : {false, true}) {
      Cluster cluster(figure_8(variant));
      reach_figure_8(cluster);
      REQUIRE(cluster.core(n1).is_leader());
      REQUIRE(cluster.log_terms(n3) == "1 2");
      CHECK(cluster.core(n1).commit() == index(0));
      CHECK(cluster.noted(n1, NoteKind::commit_waits_for_own_term));
      if (!crashes) {  // Its own no-op commits it ...
        CHECK(cluster.settle_until([&] { return cluster.core(n1).commit() == index(3); }));
        continue;
      }
      cluster.crash(n1);  // ... or another leader erases it.
      cluster.drop_all();
      cluster.heal();
      cluster.elect(n5);
      CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
      CHECK(cluster.log_terms(n3) == "1 3 " + to_string(cluster.core(n5).term()));
    }
  });
}

// Would catch a commit index that stops at the first entry of the own term.
TEST_CASE("CM-02 an entry of the own term commits everything before it", "[CM-02][commit]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    for (const NodeId id : setup.voters) setup.logs[id] = {1, 1, 2};
    Cluster cluster(setup);
    cluster.elect(n1);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    CHECK(cluster.core(n1).commit() == index(4));
    CHECK(cluster.machine(n3) == "1/1 1/2 2/3");
  });
}

// Would catch a follower that commits entries it has not compared with the leader's.
TEST_CASE("CM-03 a follower commits no further than what it is known to share", "[CM-03][commit]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.logs = {{n1, {1}}, {n2, {1}}, {n3, {1, 1, 1}}};
    Cluster cluster(setup);
    cluster.isolate(n3);
    cluster.elect(n1);
    for (const char* command : {"x", "y"}) REQUIRE(cluster.propose(n1, command));
    REQUIRE(cluster.settle_until([&] { return cluster.core(n1).commit() == index(4); }));
    // Behind what this append shares, n3 has entries that will never be committed.
    AppendRequest append;
    append.mark = {{1}, {}, index(4), {}};
    append.prev = {term(1), index(1)};
    cluster.heal();
    cluster.inject({n1, n3, cluster.core(n1).term(), append});
    CHECK(cluster.core(n3).commit() == index(1));
    CHECK(cluster.log_terms(n3) == "1 1 1");
    append.entries = {cluster.disk(n1).entry(index(2))};
    cluster.inject({n1, n3, cluster.core(n1).term(), append});
    CHECK(cluster.core(n3).commit() == index(2));
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  });
}

// Would catch a majority that is off by one, or only one half of a joint membership counted.
TEST_CASE("CM-04 an entry is committed once a majority of each half has it", "[CM-04][commit]") {
  for_each_variant([](const Variant& variant) {
    for (std::uint64_t size = 1; size <= 5; ++size) {
      for (std::uint64_t reached = 0; reached < size; ++reached) {
        Setup setup = variant.apply();
        setup.voters.clear();
        for (std::uint64_t id = 1; id <= size; ++id) setup.voters.push_back(NodeId{id});
        Cluster cluster(setup);
        lead(cluster, n1);
        for (std::uint64_t id = reached + 2; id <= size; ++id) cluster.isolate(NodeId{id});
        REQUIRE(cluster.propose(n1, "x"));
        const auto is_committed = [&] { return cluster.core(n1).commit() == index(2); };
        if (reached + 1 > size / 2) {
          CHECK(cluster.settle_until(is_committed));
        } else {
          cluster.settle();
          CHECK_FALSE(is_committed());
        }
      }
    }
    struct Joint {
      std::vector<NodeId> reached;
      bool committed;
    };
    const std::vector<Joint> table{{{n2}, false},     {{n4}, false},       {{n2, n4}, true},
                                   {{n2, n3}, false}, {{n4, n5}, false},   {{n3, n5}, true},
                                   {{}, false},       {{n2, n3, n4}, true}};
    for (const Joint& each : table) {
      Setup setup = variant.apply();
      setup.strangers = {n4, n5};
      Cluster cluster(setup);
      lead(cluster, n1);
      MembershipChange change;
      change.add_voters = {cluster.member(n4), cluster.member(n5)};
      change.remove = {n2, n3};
      change.force = true;
      for (const NodeId id : {n2, n3, n4, n5}) {
        if (std::count(each.reached.begin(), each.reached.end(), id) == 0) cluster.isolate(id);
      }
      REQUIRE(cluster.change(n1, change));
      const auto is_committed = [&] { return cluster.core(n1).commit() >= index(2); };
      if (each.committed) {
        CHECK(cluster.settle_until(is_committed));
      } else {
        cluster.settle();
        CHECK_FALSE(is_committed());
      }
    }
  });
}

// Would catch a leader that waits for its own disk, or one that applies ahead of it.
TEST_CASE(
    "CM-05 two synced followers commit without the leader's disk, and its crash loses nothing",
    "[CM-05][commit]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.hold_disk(n1);
    REQUIRE(cluster.propose(n1, "x"));
    CHECK(cluster.settle_until([&] { return cluster.core(n1).commit() == index(2); }));
    CHECK(cluster.applied(n1) == index(1));
    cluster.crash(n1);
    cluster.elect(n2);
    cluster.restart(n1);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    for (const NodeId id : cluster.ids()) CHECK(cluster.machine(id) == "x");
  });
}

// Would catch a group of one that acknowledges before its own sync (etcd #14370).
TEST_CASE("CM-06 a single voter commits only what is on its disk", "[CM-06][bug-9][commit]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.voters = {n1};
    Cluster cluster(setup);
    cluster.elect(n1);
    cluster.hold_disk(n1);
    REQUIRE(cluster.propose(n1, "x"));
    cluster.settle();
    CHECK(cluster.core(n1).commit() == index(1));
    CHECK(cluster.machine(n1).empty());
    cluster.release_disk(n1);
    CHECK(cluster.core(n1).commit() == index(2));
    CHECK(cluster.machine(n1) == "x");
  });
}

// Would catch a follower that commits its own conflicting entry because a heartbeat said so.
TEST_CASE("CM-07 a heartbeat tells no commit above what its receiver is known to hold",
          "[CM-07][bug-19][commit]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.isolate(n3);
    for (const char* command : {"x", "y"}) REQUIRE(cluster.propose(n1, command));
    REQUIRE(cluster.settle_until([&] { return cluster.core(n1).commit() == index(3); }));
    cluster.heal();
    cluster.tick(n1, 100ms);
    std::size_t heartbeats = 0;
    for (const Message& message : cluster.in_flight(n1, n3)) {
      const auto* heartbeat = std::get_if<Heartbeat>(&message.body);
      if (heartbeat == nullptr) continue;
      ++heartbeats;
      CHECK(heartbeat->mark.commit == index(1));
    }
    CHECK(heartbeats > 0);
  });
}

// Would catch a follower that waits for the next proposal to learn of the last commit.
TEST_CASE("CM-08 a lost answer or a lost piece of news holds a follower up for a heartbeat only",
          "[CM-08][commit]") {
  for_each_variant([](const Variant& variant) {
    for (const bool loses_answer : {true, false}) {
      Cluster cluster(variant.apply());
      lead(cluster, n1);
      cluster.run_for(100ms);
      REQUIRE(cluster.propose(n1, "x"));
      cluster.deliver(n1, n3);
      if (loses_answer) {
        cluster.cut(n3, n1);
        cluster.drop(n3, n1);
      } else {  // The heartbeat that tells of the commit is.
        cluster.deliver(n3, n1);
        cluster.cut(n1, n3);
        cluster.run_for(10ms);
      }
      REQUIRE(cluster.settle_until([&] { return cluster.core(n1).commit() == index(2); }));
      REQUIRE(cluster.core(n3).commit() == index(1));
      cluster.heal();
      cluster.run_for(120ms);
      CHECK(cluster.settle_until([&] { return cluster.core(n3).commit() == index(2); }));
    }
  });
}

// Would catch a new leader that answers from a log of which it does not know what is committed.
TEST_CASE("CM-09 a new leader serves nothing before its no-op is committed", "[CM-09][commit]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    REQUIRE(cluster.propose(n1, "x"));
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    cluster.set_drop_percent(0);
    while (!cluster.core(n2).is_leader()) {
      if (!cluster.deliver_one()) cluster.campaign(n2);
    }
    cluster.hold(n2, n1);
    cluster.hold(n2, n3);
    const auto ticket = cluster.read(n2);
    REQUIRE(ticket);
    cluster.settle();
    CHECK(cluster.core(n2).commit() < cluster.core(n2).leader_state()->term_start);
    CHECK(cluster.grants(n2).empty());
    cluster.release(n2, n3);
    cluster.settle();
    REQUIRE(cluster.grants(n2).contains(*ticket));
    CHECK(cluster.grants(n2).at(*ticket) >= cluster.core(n2).leader_state()->term_start);
  });
}

}  // namespace raft::test
