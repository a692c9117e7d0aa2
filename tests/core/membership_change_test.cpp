// From one membership to the next: tables of all that is allowed and all that is refused, and
// random chains against a twin (MB-14, MB-15, MB-21, MB-23).
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "core/membership_change.hpp"
#include "core/random.hpp"

namespace raft::core {
namespace {

Member member(std::uint64_t id) {
  return {NodeId{id}, {id, 1}, "node-" + std::to_string(id), Role::voter, false, {}};
}

std::vector<NodeId> nodes(const std::vector<std::uint64_t>& ids) {
  std::vector<NodeId> made;
  for (const std::uint64_t id : ids) made.push_back(NodeId{id});
  return made;
}

/// 1, 2 and 3 vote, 4 learns.
Membership start() {
  Membership made;
  for (std::uint64_t id = 1; id <= 4; ++id) made.members.push_back(member(id));
  made.members.back().role = Role::learner;
  return made;
}

struct Row {
  const char* what;
  MembershipChange change;
  const char* entered;
  const char* left;
};

MembershipChange change(std::vector<std::uint64_t> voters, std::vector<std::uint64_t> learners,
                        std::vector<std::uint64_t> promote, std::vector<std::uint64_t> demote,
                        std::vector<std::uint64_t> remove) {
  MembershipChange made;
  for (const std::uint64_t id : voters) made.add_voters.push_back(member(id));
  for (const std::uint64_t id : learners) made.add_learners.push_back(member(id));
  made.promote = nodes(promote);
  made.demote = nodes(demote);
  made.remove = nodes(remove);
  return made;
}

}  // namespace

// Would catch a change of voters that is not joint, and a change of others that is.
TEST_CASE("every change of voters is joint, every other is simple", "[membership]") {
  const std::vector<Row> table{
      {"add a voter", change({5}, {}, {}, {}, {}), "1 2 3 5 after 1 2 3 | 4 learner",
       "1 2 3 5 | 4 learner"},
      {"add in front", change({}, {9}, {4}, {}, {}), "1 2 3 4 after 1 2 3 | 9 learner",
       "1 2 3 4 | 9 learner"},
      {"replace a voter", change({5}, {}, {}, {}, {3}), "1 2 5 after 1 2 3 | 4 learner",
       "1 2 5 | 4 learner"},
      {"replace all", change({5, 6}, {}, {}, {}, {1, 2, 3, 4}), "5 6 after 1 2 3", "5 6"},
      {"remove a voter", change({}, {}, {}, {}, {1}), "2 3 after 1 2 3 | 4 learner",
       "2 3 | 4 learner"},
      {"promote", change({}, {}, {4}, {}, {}), "1 2 3 4 after 1 2 3", "1 2 3 4"},
      {"demote", change({}, {}, {}, {2}, {}), "1 3 after 1 2 3 | 2 learner, 4 learner",
       "1 3 | 2 learner, 4 learner"},
      {"swap roles", change({}, {}, {4}, {3}, {}), "1 2 4 after 1 2 3 | 3 learner",
       "1 2 4 | 3 learner"},
      {"add a learner", change({}, {5}, {}, {}, {}), "1 2 3 | 4 learner, 5 learner",
       "1 2 3 | 4 learner, 5 learner"},
      {"remove a learner", change({}, {}, {}, {}, {4}), "1 2 3", "1 2 3"},
      {"a learner added as voter", change({4}, {}, {}, {}, {}), "1 2 3 4 after 1 2 3", "1 2 3 4"}};
  for (const Row& row : table) {
    INFO(row.what);
    const Result<Membership> entered = enter(start(), row.change);
    REQUIRE(entered);
    CHECK(to_string(*entered) == row.entered);
    CHECK(to_string(leave(*entered)) == row.left);
  }
}

// Would catch a repeated request that begins a joint membership nobody asked for.
TEST_CASE("MB-23 a change to what is already so changes nothing", "[MB-23][membership]") {
  const std::vector<MembershipChange> repetitions{
      change({1}, {}, {}, {}, {}), change({}, {4}, {}, {}, {}),        change({}, {}, {2}, {}, {}),
      change({}, {}, {}, {4}, {}), change({}, {}, {}, {}, {9}),        change({}, {}, {}, {}, {}),
      change({}, {3}, {}, {}, {}), change({1, 2, 3}, {4}, {}, {}, {8})};
  for (const MembershipChange& repeated : repetitions) {
    const Result<Membership> entered = enter(start(), repeated);
    REQUIRE(entered);
    CHECK(*entered == start());
  }
}

// Would catch a cluster that loses its last voter, or a change that depends on the order of lists.
TEST_CASE("MB-14 MB-15 changes that make no sense are refused", "[MB-14][MB-15][membership]") {
  MembershipChange other_instance = change({2}, {}, {}, {}, {});
  other_instance.add_voters[0].instance = {7, 7};
  CHECK(enter(start(), other_instance).code() == Errc::id_taken);

  std::vector<MembershipChange> refused{
      change({}, {}, {}, {}, {1, 2, 3}),    change({}, {}, {}, {1, 2, 3}, {}),
      change({5, 5}, {}, {}, {}, {}),       change({5}, {5}, {}, {}, {}),
      change({5}, {}, {}, {}, {5}),         change({}, {}, {4}, {4}, {}),
      change({}, {}, {4}, {}, {4}),         change({}, {}, {}, {2}, {2}),
      change({}, {}, {9}, {}, {}),          change({}, {}, {}, {9}, {}),
      change({}, {}, {}, {}, {3, 3}),       change({0}, {}, {}, {}, {}),
      change({}, {}, {4}, {}, {1, 2, 3, 4})};
  MembershipChange without_instance = change({5}, {}, {}, {}, {});
  without_instance.add_voters[0].instance = {};
  refused.push_back(without_instance);
  MembershipChange without_address = change({}, {5}, {}, {}, {});
  without_address.add_learners[0].address.clear();
  refused.push_back(without_address);
  MembershipChange update;
  update.update = {{NodeId{9}, "a", std::nullopt}};
  refused.push_back(update);
  update.update = {{NodeId{1}, "", std::nullopt}};
  refused.push_back(update);
  update.update = {{NodeId{1}, "a", std::nullopt}, {NodeId{1}, "b", std::nullopt}};
  refused.push_back(update);
  for (const MembershipChange& each : refused) {
    const Result<Membership> entered = enter(start(), each);
    REQUIRE_FALSE(entered);
    CHECK(entered.code() == Errc::invalid_argument);
    CHECK_FALSE(entered.error().detail.empty());
  }
}

// Would catch an update that touches anything else, or a promotion that forgets its wish.
TEST_CASE("updates replace what they name and nothing else", "[membership]") {
  MembershipChange update;
  update.update = {{NodeId{2}, "elsewhere", std::nullopt}, {NodeId{3}, std::nullopt, Bytes("x")}};
  const Result<Membership> updated = enter(start(), update);
  REQUIRE(updated);
  Membership expected = start();
  expected.members[1].address = "elsewhere";
  expected.members[2].attributes = "x";
  CHECK(*updated == expected);

  MembershipChange joins = change({}, {5}, {}, {}, {});
  joins.add_learners[0].promote = true;
  const Result<Membership> joined = enter(start(), joins);
  REQUIRE(joined);
  CHECK(joined->find(NodeId{5})->promote);
  const Result<Membership> promoted = enter(*joined, change({}, {}, {5}, {}, {}));
  REQUIRE(promoted);
  CHECK_FALSE(promoted->find(NodeId{5})->promote);
}

// Would catch a leaver that no longer receives the log although it still counts.
TEST_CASE("old voters stay until the joint membership is left", "[membership]") {
  const Result<Membership> joint = enter(start(), change({5}, {}, {}, {2}, {3}));
  REQUIRE(joint);
  CHECK(joint->outgoing == nodes({1, 2, 3}));
  CHECK(joint->find(NodeId{3})->role == Role::leaving);
  CHECK(joint->find(NodeId{2})->role == Role::learner);
  CHECK(joint->is_voter(NodeId{2}));
  const Membership left = leave(*joint);
  CHECK(left.find(NodeId{3}) == nullptr);
  CHECK_FALSE(left.is_voter(NodeId{2}));
  CHECK(leave(left) == left);
}

namespace {

/// Everybody's role, as a person would keep it on paper.
using Twin = std::map<std::uint64_t, Role>;

Twin twin_of(const Membership& membership) {
  Twin twin;
  for (const Member& each : membership.members) twin[each.id.value] = each.role;
  return twin;
}

std::set<std::uint64_t> voters_of(const Twin& twin) {
  std::set<std::uint64_t> voters;
  for (const auto& [id, role] : twin) {
    if (role == Role::voter) voters.insert(id);
  }
  return voters;
}

/// One operation on each of a few different nodes, in the twin and as parts of one change.
std::vector<MembershipChange> random_operations(Random& random, Twin& twin) {
  std::vector<MembershipChange> operations;
  for (std::uint64_t id = 1; id <= 7; ++id) {
    if (random.between(0, 3) != 0) continue;
    const bool present = twin.contains(id);
    switch (random.between(0, 5)) {
      case 0:
        operations.push_back(change({id}, {}, {}, {}, {}));
        twin[id] = Role::voter;
        break;
      case 1:
        operations.push_back(change({}, {id}, {}, {}, {}));
        twin.emplace(id, Role::learner);  // A voter stays one.
        break;
      case 2:
        operations.push_back(change({}, {}, {}, {}, {id}));
        twin.erase(id);
        break;
      case 3:
        if (!present) break;
        operations.push_back(change({}, {}, {id}, {}, {}));
        twin[id] = Role::voter;
        break;
      default:
        if (!present) break;
        operations.push_back(change({}, {}, {}, {id}, {}));
        twin[id] = Role::learner;
        break;
    }
  }
  return operations;
}

void join(MembershipChange& all, const MembershipChange& one) {
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(all.add_voters, one.add_voters);
  append(all.add_learners, one.add_learners);
  append(all.promote, one.promote);
  append(all.demote, one.demote);
  append(all.remove, one.remove);
}

void check_entered(const Membership& before, const Membership& entered) {
  const bool same_voters = before.voters() == leave(entered).voters();
  CHECK(entered.is_joint() == !same_voters);
  if (entered.is_joint()) CHECK(entered.outgoing == before.voters());
  for (std::size_t i = 1; i < entered.members.size(); ++i) {
    CHECK(entered.members[i - 1].id < entered.members[i].id);
  }
  for (const NodeId id : entered.outgoing) CHECK(entered.find(id) != nullptr);
}

}  // namespace

// Would catch any change that ends elsewhere than where its parts, one after another, end.
TEST_CASE("MB-21 random chains of changes end where a twin ends, at once or step by step",
          "[MB-21][membership]") {
  Random random(4);
  Membership current = start();
  for (int round = 0; round < 50'000; ++round) {
    Twin twin = twin_of(current);
    const std::vector<MembershipChange> operations = random_operations(random, twin);
    MembershipChange all;
    for (const MembershipChange& each : operations) join(all, each);
    const Result<Membership> entered = enter(current, all);
    if (voters_of(twin).empty()) {
      REQUIRE_FALSE(entered);
      continue;
    }
    REQUIRE(entered);
    check_entered(current, *entered);
    const Membership next = leave(*entered);
    REQUIRE(twin_of(next) == twin);
    std::optional<Membership> stepped = current;
    for (const MembershipChange& each : operations) {
      if (!stepped) break;
      const Result<Membership> step = enter(*stepped, each);
      stepped = step ? std::optional(leave(*step)) : std::nullopt;  // No voter left in between.
    }
    if (stepped) REQUIRE(*stepped == next);
    current = next;
  }
}

}  // namespace raft::core
