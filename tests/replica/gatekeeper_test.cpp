// Who may talk to a node: the table of hellos and verdicts.
#include "replica/gatekeeper.hpp"

#include <catch2/catch.hpp>
#include <optional>

#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;

constexpr ClusterId cluster{7, 7};

/// Three members that have agreed on something.
struct Members {
  HandGroup group{3};
  Gatekeeper gatekeeper;

  Members() {
    for (std::uint64_t number = 1; number <= 3; ++number) group.propose(number);
    group.settle();
  }

  NodeId host(bool is_leader) { return is_leader ? group.leader() : group.follower(); }
  NodeId guest(NodeId host) { return host == NodeId{1} ? NodeId{2} : NodeId{1}; }

  OwnIdentity identity(NodeId id) { return {id, group.node(id).instance, BootNumber{1}, cluster}; }
  /// As the node itself would say it.
  Hello hello(NodeId id) {
    Hello hello;
    hello.cluster = cluster;
    hello.node = id;
    hello.instance = group.node(id).instance;
    hello.boot = BootNumber{5};
    hello.standings.push_back(group.replica(id).standing());
    return hello;
  }
  std::optional<Refusal> judge(NodeId host, const Hello& hello) {
    const auto refused = gatekeeper.judge(hello, identity(host), {&group.replica(host)});
    if (!refused) return std::nullopt;
    CHECK_FALSE(refused->detail.empty());
    return refused->reason;
  }
  Index membership(NodeId host) { return group.replica(host).core().membership().index; }
};

/// Takes a node out of a group and waits until that is done.
void remove(Members& from, NodeId host, NodeId guest) {
  MembershipChange change;
  change.remove.push_back(guest);
  const auto told = HandGroup::nobody();
  from.group.replica(host).change_membership(change, HandGroup::tell(told));
  REQUIRE(from.group.run_until([&] { return told->has_value(); }));
  REQUIRE((*told)->has_value());
}

}  // namespace

TEST_CASE("a member is welcome, again and again", "[replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(true);
  const Hello hello = members.hello(members.guest(host));
  CHECK_FALSE(members.judge(host, hello));
  CHECK_FALSE(members.judge(host, hello));
}

TEST_CASE("a node does not talk to itself, nor to its twin", "[replica][gatekeeper]") {
  Members members;
  const NodeId host{1};
  Hello hello = members.hello(host);
  CHECK(members.judge(host, hello) == Refusal::self);
  hello.instance.low += 100;
  CHECK(members.judge(host, hello) == Refusal::id_taken);
}

// Two clusters on one network must never mix, whatever their ids are.
TEST_CASE("another cluster is refused, even before any membership is looked at",
          "[DU-09][bug-36][replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(true);
  Hello hello = members.hello(members.guest(host));
  hello.cluster = {8, 8};
  CHECK(members.judge(host, hello) == Refusal::wrong_cluster);
  hello.cluster = {};
  CHECK(members.judge(host, hello) == Refusal::wrong_cluster);
  hello.purpose = Purpose::introduce;
  CHECK_FALSE(members.judge(host, hello));
}

// The leader dials whoever it takes in before that one has heard that it is taken in.
TEST_CASE("a newcomer is welcome before it knows its cluster, by its instance and with nothing",
          "[replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(false);
  Hello hello = members.hello(members.guest(host));
  hello.cluster = {};
  hello.standings = {{members.group.replica(host).group(), {}, {}, {}}};
  CHECK_FALSE(members.judge(host, hello));
  hello.standings.clear();
  CHECK_FALSE(members.judge(host, hello));
  hello.instance.low += 100;
  CHECK(members.judge(host, hello) == Refusal::wrong_cluster);
  hello.node = NodeId{9};
  CHECK(members.judge(host, hello) == Refusal::wrong_cluster);
}

TEST_CASE("who belongs to no cluster yet takes in whoever asks", "[replica][gatekeeper]") {
  Members members;
  Gatekeeper newcomer;
  const OwnIdentity own{NodeId{9}, InstanceId{9, 9}, BootNumber{1}, ClusterId{}};
  CHECK_FALSE(newcomer.judge(members.hello(NodeId{1}), own, {}));
}

// Whoever knows the cluster's id may come with ever new instances; but a member that was restored
// from an old copy must be known however many came since.
TEST_CASE("strangers are forgotten before they fill the memory, members are not",
          "[DU-08][replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(true);
  Hello member = members.hello(members.guest(host));
  REQUIRE_FALSE(members.judge(host, member));
  Hello stranger = member;
  stranger.node = NodeId{9};
  stranger.standings.clear();
  for (std::uint64_t number = 0; number <= Gatekeeper::strangers_max; ++number) {
    stranger.instance = {9, number};
    REQUIRE_FALSE(members.judge(host, stranger));
  }
  stranger.instance = {9, 0};
  --stranger.boot.value;
  CHECK_FALSE(members.judge(host, stranger));
  --member.boot.value;
  CHECK(members.judge(host, member) == Refusal::rolled_back);
}

// A wiped disk has forgotten whom it voted for: under its old id it could vote twice.
TEST_CASE("another instance of a member is refused and told what to do",
          "[DU-07][MB-19][bug-43][replica][gatekeeper]") {
  Members members;
  for (const bool is_leader : {true, false}) {
    const NodeId host = members.host(is_leader);
    Hello hello = members.hello(members.guest(host));
    hello.instance.low += 100;
    hello.standings.clear();
    CHECK(members.judge(host, hello) == Refusal::id_taken);
    const auto refused =
        Gatekeeper().judge(hello, members.identity(host), {&members.group.replica(host)});
    REQUIRE(refused);
    CHECK(refused->membership == members.membership(host));
    CHECK(refused->detail.find("remove node") != std::string::npos);
  }
}

// The host may be the one that was away: the newcomer was named by an entry that it does not have.
TEST_CASE("an instance that was named later than the host knows is welcome",
          "[replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(false);
  Hello hello = members.hello(members.guest(host));
  hello.instance.low += 100;
  hello.standings.front().named_at = members.membership(host);
  CHECK(members.judge(host, hello) == Refusal::id_taken);
  hello.standings.front().named_at = members.membership(host).next();
  CHECK_FALSE(members.judge(host, hello));
}

// A hello has room for the lowest groups only. A follower that was away must not lock out, for what
// it is not shown, the very node that would tell it.
TEST_CASE("a follower does not judge by a group that the hello has no room for",
          "[found-17][replica][gatekeeper]") {
  Members members;
  for (const bool is_leader : {true, false}) {
    const NodeId host = members.host(is_leader);
    Hello hello = members.hello(members.guest(host));
    hello.instance.low += 100;
    hello.standings.clear();
    for (std::uint64_t group = 100; hello.standings.size() < standings_max; ++group) {
      hello.standings.push_back({GroupId{group}, Index{1}, Term{1}, Index{1}});
    }
    const std::optional<Refusal> verdict = members.judge(host, hello);
    CHECK(verdict.has_value() == is_leader);
  }
}

TEST_CASE("a directory with an older boot number was rolled back",
          "[DU-08][bug-43][replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(false);
  Hello hello = members.hello(members.guest(host));
  CHECK_FALSE(members.judge(host, hello));
  hello.boot = BootNumber{4};
  CHECK(members.judge(host, hello) == Refusal::rolled_back);
  hello.boot = BootNumber{6};
  CHECK_FALSE(members.judge(host, hello));
}

// The leader counted what this disk acknowledged; a disk that ends before it has lost it.
TEST_CASE("a new life with less log than it acknowledged was rolled back",
          "[DU-08][bug-43][replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(true);
  const NodeId guest = members.guest(host);
  const Index match = members.group.replica(host).core().leader_state()->peers.at(guest).match;
  REQUIRE(match > Index{1});
  Hello hello = members.hello(guest);
  hello.standings.front().durable = match.prev();
  CHECK(members.judge(host, hello) == Refusal::rolled_back);
  // Refused once, it does not become welcome by trying again.
  CHECK(members.judge(host, hello) == Refusal::rolled_back);
  hello.standings.front().durable = match;
  CHECK_FALSE(members.judge(host, hello));
}

// A leader that slept through its deposition counts what its successor has cut off since: it must
// not have a healthy node taken out of service.
TEST_CASE("a log that a later leader has cut is not taken for an old copy",
          "[found-8][replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(true);
  const core::Core& leader = members.group.replica(host).core();
  Hello hello = members.hello(members.guest(host));
  hello.standings.front().durable = Index{1};
  hello.standings.front().term = leader.term().next();
  CHECK_FALSE(members.judge(host, hello));
  hello.boot.value += 1;
  hello.standings.front().term = leader.term();
  CHECK(members.judge(host, hello) == Refusal::rolled_back);
}

// A node starts its groups one by one, and greets before all of them run.
TEST_CASE("who does not show a group yet is not taken for an old copy of it",
          "[replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(true);
  Hello hello = members.hello(members.guest(host));
  hello.standings.clear();
  CHECK_FALSE(members.judge(host, hello));
}

// Later hellos of one life cross with acknowledgements that are already counted: a reconnecting
// follower whose hello is a moment old must not be thrown out.
TEST_CASE("a later hello of the same life may show less than was acknowledged meanwhile",
          "[replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(true);
  Hello hello = members.hello(members.guest(host));
  CHECK_FALSE(members.judge(host, hello));
  hello.standings.front().durable = Index{1};
  CHECK_FALSE(members.judge(host, hello));
  hello.boot.value += 1;
  CHECK(members.judge(host, hello) == Refusal::rolled_back);
}

// Nobody replicates to it any more: without this answer it would go on asking for votes for ever.
TEST_CASE("a member that was removed is told so, and only that one", "[replica][gatekeeper]") {
  Members members;
  const NodeId host = members.host(true);
  const NodeId guest = members.guest(host);
  Hello hello = members.hello(guest);
  remove(members, host, guest);
  CHECK(members.judge(host, hello) == Refusal::removed);
  const Index named_at = hello.standings.front().named_at;
  // Never named, it is on its way in; named later than the host knows, it is back already.
  hello.standings.front().named_at = Index{};
  CHECK_FALSE(members.judge(host, hello));
  hello.standings.front().named_at = members.membership(host).next();
  CHECK_FALSE(members.judge(host, hello));
  hello.standings.front().named_at = named_at;
  CHECK(members.judge(host, hello) == Refusal::removed);
}

// A node that leaves one group would lose the link, and with it the service, of all others.
TEST_CASE("removal from one group costs no link that another group needs",
          "[replica][gatekeeper][groups]") {
  Members first;
  GroupOptions other;
  other.group = GroupId{9};
  NoWitness witness;
  HandGroup second(3, other, [&](NodeId) {
    return std::make_unique<VolatileRegister>(witness, MachineTraits{false, 0});
  });
  second.settle();
  const NodeId host = first.host(true);
  const NodeId guest = first.guest(host);
  Hello hello = first.hello(guest);
  hello.standings.push_back(second.replica(guest).standing());
  remove(first, host, guest);
  const std::vector<const Replica*> both{&first.group.replica(host), &second.replica(host)};
  CHECK_FALSE(Gatekeeper().judge(hello, first.identity(host), both));
  // Its groups may start one by one: the membership speaks for the one that it does not show yet.
  hello.standings.pop_back();
  CHECK_FALSE(Gatekeeper().judge(hello, first.identity(host), both));
  const auto alone = Gatekeeper().judge(hello, first.identity(host), {both.front()});
  REQUIRE(alone);
  CHECK(alone->reason == Refusal::removed);
  CHECK(concerns(*alone, first.group.replica(host).group()));
  CHECK_FALSE(concerns(*alone, other.group));
}

// Whom no membership names yet may be on its way in; what it lacks is not held against it.
TEST_CASE("a stranger of the same cluster is welcome", "[replica][gatekeeper]") {
  Members members;
  Hello hello;
  hello.cluster = cluster;
  hello.node = NodeId{9};
  hello.instance = {9, 9};
  hello.boot = BootNumber{1};
  for (const bool is_leader : {true, false})
    CHECK_FALSE(members.judge(members.host(is_leader), hello));
}

}  // namespace raft::replica
