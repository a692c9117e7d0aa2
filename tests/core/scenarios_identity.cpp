// Which data directory is meant: votes of newcomers and of directories under a used id, removals
// and returns. Each would let a directory speak for another one, or shut out one that belongs, if
// it failed.
#include "core/changes.hpp"
#include "core/scenario.hpp"

namespace raft::test {
namespace {

bool votes(Cluster& cluster, NodeId voter, const VoteRequest& request, std::uint64_t in_term) {
  cluster.inject({n1, voter, term(in_term), request});
  const auto replies = cluster.take(voter, n1);
  REQUIRE_FALSE(replies.empty());
  return std::get<VoteReply>(replies.back().body).granted;
}

/// n1 leads and removes n3, which gets the entries of that and never hears that they are committed.
Index remove_without_telling(Cluster& cluster) {
  cluster.elect(n1);
  converge(cluster);
  REQUIRE(cluster.change(n1, removing({n3})));
  cluster.deliver(n1, n3);
  cluster.deliver(n1, n2);
  cluster.deliver(n2, n1);
  cluster.deliver(n1, n3);
  const Index removal = cluster.core(n1).membership().index;
  REQUIRE(cluster.core(n3).membership().index == removal);
  REQUIRE(cluster.core(n3).commit() < removal);
  cluster.isolate(n3);
  cluster.run_for(100ms);
  REQUIRE(cluster.core(n1).commit() >= removal);
  return removal;
}

}  // namespace

// Would catch voters that wait for an entry which only the candidate has: the old voters alone are
// no majority of the new membership, so nobody could ever be elected.
TEST_CASE("voters that were just added elect whoever has the entry that names them",
          "[membership][election]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.strangers = {n4, n5};
    setup.drop_percent = 0;  // Who gets the entry is the point.
    Cluster cluster(setup);
    cluster.elect(n1);
    converge(cluster);
    REQUIRE(cluster.change(n1, adding(cluster, {n4, n5})));
    cluster.deliver(n1, n2);
    cluster.crash(n1);
    cluster.drop_all();
    REQUIRE(members(cluster, n3) == "1 2 3");
    REQUIRE(cluster.core(n4).membership().membership->members.empty());
    cluster.set_drop_percent(variant.drops ? 10 : 0);
    CHECK(cluster.run_until([&] { return cluster.leader() == n2; }));
    CHECK(cluster.run_until([&] { return is_complete(cluster, "1 2 3 4 5"); }));
  });
}

// Would catch a vote that is counted for a directory which did not give it: of two directories
// under one id each could vote for another candidate, in the same term.
TEST_CASE("a vote is given for the own directory only", "[election]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  const EntryId last = cluster.core(n3).log().last();
  const InstanceId own = cluster.instance(n3);
  const InstanceId other{own.high, own.low + 1};
  // Although its own log names it.
  CHECK_FALSE(votes(cluster, n3, {last, false, other}, 1));
  CHECK_FALSE(votes(cluster, n3, {last, true, other}, 2));
  CHECK_FALSE(votes(cluster, n3, {last, false, {}}, 3));
  CHECK(cluster.count(n3, NoteKind::vote_refused_no_member) == 3);
  CHECK(votes(cluster, n3, {last, false, own}, 4));
  // And although the own log names nobody.
  CHECK_FALSE(votes(cluster, n4, {last, false, other}, 1));
  CHECK(votes(cluster, n4, {last, false, cluster.instance(n4)}, 2));
}

// Would catch an empty disk that votes in a term in which the lost one may have voted.
TEST_CASE("an empty disk under an old id is asked for no vote", "[DU-07][bug-43][election]") {
  Cluster cluster;
  cluster.elect(n1);
  converge(cluster);
  cluster.restart_wiped(n3);
  cluster.crash(n1);
  cluster.run_for(5s);
  CHECK(cluster.noted(n3, NoteKind::vote_refused_no_member));
  CHECK_FALSE(cluster.leader());
  cluster.restart(n1);
  CHECK(cluster.run_until([&] { return bool(cluster.leader()); }));
}

// Would catch a new directory that reads of the old one under its id and campaigns in its place.
TEST_CASE("a directory does not campaign where the log names another one", "[election]") {
  const Cluster cluster;
  auto membership = std::make_shared<Membership>();
  membership->members = {cluster.member(n1), cluster.member(n2), cluster.member(n3)};
  AppendRequest founding;
  founding.mark.session = {1};
  founding.entries.push_back(
      std::make_shared<Entry>(Entry{term(1), index(1), {}, MembershipPtr(std::move(membership))}));
  core::Options options;
  options.id = n3;
  options.instance = cluster.instance(n3);
  ++options.instance.low;
  core::Recovered nothing;
  nothing.log.base.membership.membership = std::make_shared<Membership>();
  core::Core core(options, nothing, Instant{1h});
  core.receive({n1, n3, term(1), founding}, Instant{1h});
  REQUIRE(core.membership().membership->is_voter(n3));
  core.tick(Instant{2h});
  CHECK(core.role() == RoleNow::follower);
  core.receive({n1, n3, term(1), TimeoutNow{}}, Instant{2h});
  CHECK(core.role() == RoleNow::follower);
}

// --- removals ---

// Would catch a node that has the entry of its removal, never hears that it is committed, and takes
// the news for old.
TEST_CASE("who has the entry of its removal believes that it is committed", "[membership]") {
  Cluster cluster;
  const Index removal = remove_without_telling(cluster);
  cluster.heal();
  cluster.inject({n1, n3, term(1), Removed{removal.prev()}});
  CHECK_FALSE(cluster.core(n3).removed());
  cluster.inject({n1, n3, term(1), Removed{removal}});
  CHECK(cluster.core(n3).removed());
}

// Would catch a deposed leader that takes its own entry for the committed one at the same place.
TEST_CASE("who has another entry where it was removed believes the news", "[membership]") {
  Cluster cluster;
  cluster.elect(n3);
  converge(cluster);
  cluster.isolate(n3);
  propose_many(cluster, n3, 2);
  REQUIRE(cluster.change(n3, removing({n2})));
  REQUIRE(cluster.core(n3).membership().index == index(4));
  cluster.elect(n1);
  change_until(cluster, removing({n3}), "1 2");
  REQUIRE(cluster.core(n1).membership().index == index(4));
  cluster.run_for(6s);
  REQUIRE(cluster.noted(n1, NoteKind::departing_released));
  cluster.heal();
  CHECK(cluster.run_until([&] { return cluster.core(n3).removed(); }, 5s));
}

// Would catch a node that restarts with its removal in the log, hears of the commit, and stays.
TEST_CASE("a node that restarts before its removal is committed learns of it", "[membership]") {
  Cluster cluster;
  remove_without_telling(cluster);
  cluster.restart(n3);
  REQUIRE_FALSE(cluster.core(n3).removed());
  cluster.heal();
  cluster.disconnect(n1, n3);
  cluster.connect(n1, n3);
  CHECK(cluster.run_until([&] { return cluster.core(n3).removed(); }, 4s));
}

// Would catch a newcomer whose entry was replaced, and that is told to go before it has come: it is
// still asking to be taken in.
TEST_CASE("who was never taken in is not removed", "[membership]") {
  Setup setup;
  setup.strangers = {n4, n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  converge(cluster);
  REQUIRE(cluster.change(n1, adding(cluster, {n4})));
  cluster.deliver(n1, n4);
  cluster.deliver(n4, n1);  // It has nothing before.
  cluster.deliver(n1, n4);
  REQUIRE(members(cluster, n4) == "1 2 3 4 after 1 2 3");
  cluster.crash(n1);
  cluster.drop_all();
  cluster.elect(n2);
  change_until(cluster, adding_learners(cluster, {n5}), "1 2 3 | 5 learner");
  const Index news = cluster.core(n2).membership().index;
  REQUIRE(news > cluster.core(n4).membership().index);
  cluster.inject({n2, n4, term(2), Removed{news}});
  CHECK_FALSE(cluster.core(n4).removed());
  cluster.restart(n1);
  change_until(cluster, adding(cluster, {n4}), "1 2 3 4 | 5 learner");
}

// Would catch a member that forgets over a restart that it ever was one, and takes its removal for
// that of a newcomer.
TEST_CASE("that it became a member is written at once", "[membership]") {
  Setup setup;
  setup.strangers = {n4};
  Cluster cluster(setup);
  cluster.elect(n1);
  converge(cluster);
  REQUIRE(cluster.change(n1, adding_learners(cluster, {n4})));
  for (int round = 0; round < 2; ++round) {  // It has nothing before, says so, and gets it all.
    cluster.deliver(n1, n4);
    cluster.deliver(n4, n1);
  }
  const Index named = cluster.core(n4).membership().index;
  REQUIRE(cluster.disk(n4).last().index == named);
  REQUIRE(cluster.disk(n4).hard_state().commit < named);
  REQUIRE(cluster.run_until([&] { return is_complete(cluster, "1 2 3 | 4 learner"); }));
  cluster.crash(n4);
  CHECK(cluster.disk(n4).hard_state().commit >= named);
  change_until(cluster, removing({n4}), "1 2 3");
  cluster.restart(n4);
  cluster.inject({n1, n4, term(1), Removed{cluster.core(n1).membership().index}});
  CHECK(cluster.core(n4).removed());
}

// --- returns ---

// Would catch a node that is taken in again and never campaigns, because it once was removed.
TEST_CASE("a node that is taken in again in the same life serves as before", "[membership]") {
  for (const bool restarted : {false, true}) {
    Cluster cluster;
    cluster.elect(n1);
    change_until(cluster, removing({n3}), "1 2");
    REQUIRE(cluster.run_until([&] { return cluster.core(n3).removed(); }));
    change_until(cluster, adding(cluster, {n3}), "1 2 3");
    CHECK_FALSE(cluster.core(n3).removed());
    if (restarted) cluster.restart(n3);
    CHECK_FALSE(cluster.core(n3).removed());
    cluster.crash(n1);
    cluster.elect(n3);
    REQUIRE(cluster.propose(n3, "x"));
    converge(cluster);
    CHECK(cluster.machine(n2) == "x");
  }
}

// Would catch a return that outlives the entry it came with.
TEST_CASE("a return that is rolled back leaves the node removed", "[membership]") {
  Cluster cluster;
  cluster.elect(n1);
  change_until(cluster, removing({n3}), "1 2");
  REQUIRE(cluster.run_until([&] { return cluster.core(n3).removed(); }));
  REQUIRE(cluster.change(n1, adding(cluster, {n3})));
  cluster.cut(n1, n2);
  REQUIRE(cluster.run_until([&] { return !cluster.core(n3).removed(); }, 400ms));
  const Index returned = cluster.core(n3).membership().index;
  AppendRequest replaced;
  replaced.mark.session = {1};
  replaced.prev = {*cluster.core(n3).log().term_at(returned.prev()), returned.prev()};
  replaced.entries.push_back(std::make_shared<Entry>(Entry{term(2), returned, {}, Noop{}}));
  cluster.inject({n2, n3, term(2), replaced});
  CHECK(cluster.core(n3).removed());
}

}  // namespace raft::test
