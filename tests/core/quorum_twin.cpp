// Majorities against a twin that is too slow and too simple to be wrong (CM-10).
#include <catch2/catch.hpp>
#include <set>

#include "core/quorum.hpp"
#include "core/random.hpp"

namespace raft::core {
namespace {

constexpr int cases = 50'000;
constexpr std::uint64_t ids = 7;

struct Case {
  Membership membership;
  std::map<NodeId, Index> matches;
  std::map<NodeId, bool> votes;
};

std::vector<NodeId> some_ids(Random& random) {
  std::vector<NodeId> chosen;
  while (chosen.empty()) {
    for (std::uint64_t id = 1; id <= ids; ++id) {
      if (random.between(0, 2) == 0) chosen.push_back(NodeId{id});
    }
  }
  return chosen;
}

Case random_case(Random& random) {
  Case made;
  const std::vector<NodeId> incoming = some_ids(random);
  if (random.between(0, 2) == 0) made.membership.outgoing = some_ids(random);
  const auto has = [](const std::vector<NodeId>& half, NodeId id) {
    return std::find(half.begin(), half.end(), id) != half.end();
  };
  for (std::uint64_t value = 1; value <= ids; ++value) {
    const NodeId id{value};
    Role role = Role::learner;
    if (has(made.membership.outgoing, id)) role = Role::leaving;
    if (has(incoming, id)) role = Role::voter;
    made.membership.members.push_back({id, {value, 1}, "a", role, false, {}});
    made.matches[id] = Index{random.between(0, 6)};
    const std::uint64_t vote = random.between(0, 3);
    if (vote < 2) made.votes[id] = vote == 1;
  }
  return made;
}

/// The halves as sets, the way a person would write them down.
std::vector<std::set<NodeId>> halves(const Membership& membership) {
  std::vector<std::set<NodeId>> found(1);
  for (const Member& member : membership.members) {
    if (member.role == Role::voter) found[0].insert(member.id);
  }
  if (!membership.outgoing.empty()) {
    found.emplace_back(membership.outgoing.begin(), membership.outgoing.end());
  }
  return found;
}

bool twin_has_quorum(const Membership& membership, const std::set<NodeId>& who) {
  for (const std::set<NodeId>& half : halves(membership)) {
    std::size_t count = 0;
    for (const NodeId id : half) count += who.contains(id) ? 1 : 0;
    if (count * 2 <= half.size()) return false;
  }
  return true;
}

/// Tries every index, from above.
Index twin_quorum_index(const Case& one) {
  for (std::uint64_t index = 10; index > 0; --index) {
    std::set<NodeId> who;
    for (const auto& [id, match] : one.matches) {
      if (match.value >= index) who.insert(id);
    }
    if (twin_has_quorum(one.membership, who)) return {index};
  }
  return {};
}

/// Tries every way in which the votes that are still open could be cast.
Verdict twin_tally(const Case& one) {
  std::vector<NodeId> open;
  std::set<NodeId> granted;
  for (std::uint64_t id = 1; id <= ids; ++id) {
    const auto vote = one.votes.find(NodeId{id});
    if (vote == one.votes.end()) open.push_back(NodeId{id});
    if (vote != one.votes.end() && vote->second) granted.insert(NodeId{id});
  }
  std::size_t wins = 0;
  const std::size_t ways = std::size_t{1} << open.size();
  for (std::size_t way = 0; way < ways; ++way) {
    std::set<NodeId> who = granted;
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (way >> i & 1) who.insert(open[i]);
    }
    if (twin_has_quorum(one.membership, who)) ++wins;
  }
  if (wins == ways) return Verdict::won;
  return wins == 0 ? Verdict::lost : Verdict::pending;
}

}  // namespace

// Would catch an index committed by a minority, or by one half of a joint membership.
TEST_CASE("CM-10 the quorum index equals the twin's in simple and joint memberships",
          "[CM-10][quorum]") {
  Random random(1);
  for (int i = 0; i < cases; ++i) {
    const Case one = random_case(random);
    const Index index = quorum_index(one.membership, [&](NodeId id) { return one.matches.at(id); });
    INFO(to_string(one.membership));
    REQUIRE(index == twin_quorum_index(one));
  }
}

// Would catch an election decided too early, or one that never ends.
TEST_CASE("CM-10 the tally of votes equals the twin's", "[CM-10][quorum]") {
  Random random(2);
  for (int i = 0; i < cases; ++i) {
    const Case one = random_case(random);
    INFO(to_string(one.membership));
    REQUIRE(tally(one.membership, one.votes) == twin_tally(one));
  }
}

// Would catch a half that is forgotten, or a majority that is half.
TEST_CASE("CM-10 having a quorum equals the twin's answer", "[CM-10][quorum]") {
  Random random(3);
  for (int i = 0; i < cases; ++i) {
    const Case one = random_case(random);
    std::set<NodeId> who;
    for (const auto& [id, match] : one.matches) {
      if (match.value >= 3) who.insert(id);
    }
    INFO(to_string(one.membership));
    const bool has = has_quorum(one.membership, [&](NodeId id) { return who.contains(id); });
    REQUIRE(has == twin_has_quorum(one.membership, who));
  }
}

// Would catch a node without any membership that elects itself.
TEST_CASE("CM-10 without voters there is never a quorum", "[CM-10][quorum]") {
  Membership nobody;
  nobody.members.push_back({NodeId{1}, {1, 1}, "a", Role::learner, false, {}});
  CHECK_FALSE(has_quorum(nobody, [](NodeId) { return true; }));
  CHECK(quorum_index(nobody, [](NodeId) { return Index{5}; }) == Index{});
  CHECK(tally(nobody, {{NodeId{1}, true}}) == Verdict::lost);
}

}  // namespace raft::core
