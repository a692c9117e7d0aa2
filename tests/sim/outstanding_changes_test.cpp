// What the membership may become of changes that were asked for: disks are lost by it.
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "sim/outstanding_changes.hpp"

namespace raft::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t call = 1;

Member member(std::uint64_t id, Role role) {
  Member member;
  member.id = NodeId{id};
  member.instance = {7, id};
  member.address = "node-" + std::to_string(id);
  member.role = role;
  return member;
}

Membership of_voters(std::uint64_t count) {
  Membership membership;
  for (std::uint64_t id = 1; id <= count; ++id) {
    membership.members.push_back(member(id, Role::voter));
  }
  return membership;
}

MembershipChange removal_of(std::uint64_t id) {
  MembershipChange change;
  change.remove = {NodeId{id}};
  return change;
}

std::size_t number_of_futures(OutstandingChanges& changes, Duration now = 0s) {
  return changes.futures_of({of_voters(5)}, now).size();
}

TEST_CASE("a change on its way may have come to pass or not") {
  OutstandingChanges changes;
  changes.asked(call, removal_of(5), 0s);
  const std::vector<Membership> futures = changes.futures_of({of_voters(5)}, 0s);
  REQUIRE(futures.size() == 2);
  CHECK(futures[0] == of_voters(5));
  CHECK(futures[1].is_joint());
  CHECK(futures[1].voters() == of_voters(4).voters());
}

TEST_CASE("changes on their way may all come to pass") {
  OutstandingChanges changes;
  changes.asked(call, removal_of(5), 0s);
  changes.asked(call + 1, removal_of(4), 0s);
  const std::vector<Membership> futures = changes.futures_of({of_voters(5)}, 0s);
  REQUIRE(futures.size() == 4);
  CHECK(futures.back().voters() == of_voters(3).voters());
}

TEST_CASE("a change that was answered has no other future, unless its outcome is unknown") {
  OutstandingChanges changes;
  changes.asked(call, removal_of(5), 0s);
  SECTION("done") {
    changes.answered(call, {});
    CHECK(number_of_futures(changes) == 1);
  }
  SECTION("refused") {
    changes.answered(call, Errc::conflict);
    CHECK(number_of_futures(changes) == 1);
  }
  SECTION("unknown") {
    changes.answered(call, Errc::unknown_outcome);
    CHECK(number_of_futures(changes) == 2);
    CHECK(number_of_futures(changes, 10s) == 2);
    CHECK(number_of_futures(changes, 11s) == 1);
  }
}

TEST_CASE("a change that is through already, or cannot be, has no future of its own") {
  OutstandingChanges changes;
  changes.asked(call, removal_of(6), 0s);
  MembershipChange promotion;
  promotion.promote = {NodeId{7}};
  changes.asked(call + 1, promotion, 0s);
  CHECK(number_of_futures(changes) == 1);
}

TEST_CASE("a leader promotes learners without being asked") {
  OutstandingChanges changes;
  Membership present = of_voters(3);
  present.members.push_back(member(4, Role::learner));
  CHECK(changes.futures_of({present}, 0s).size() == 1);
  present.members.back().promote = true;
  const std::vector<Membership> futures = changes.futures_of({present}, 0s);
  REQUIRE(futures.size() == 2);
  CHECK(futures[1].is_voter(NodeId{4}));
}

}  // namespace
}  // namespace raft::sim
