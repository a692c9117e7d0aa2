#include <catch2/catch.hpp>

#include <libraft/membership.hpp>

namespace raft {
namespace {

Member member(std::uint64_t id, Role role) {
  Member made;
  made.id = {id};
  made.instance = {0, id * 10};
  made.role = role;
  return made;
}

// 1 stays, 2 becomes a learner, 3 leaves, 4 joins as a voter, 5 has always listened.
Membership joint() {
  return {{member(1, Role::voter), member(2, Role::learner), member(3, Role::leaving),
           member(4, Role::voter), member(5, Role::learner)},
          {{1}, {2}, {3}}};
}

}  // namespace

TEST_CASE("the voters are those of the incoming half", "[protocol][membership][thesis-4.3]") {
  CHECK(joint().voters() == std::vector<NodeId>{{1}, {4}});
  CHECK(Membership{}.voters().empty());
}

// Catches a node of the outgoing half that is no longer asked: two leaders could then be elected.
TEST_CASE("whoever is in either half counts", "[protocol][membership][thesis-4.3]") {
  const Membership membership = joint();
  CHECK(membership.is_joint());
  for (const std::uint64_t id : {1u, 2u, 3u, 4u}) CHECK(membership.is_voter({id}));
  CHECK_FALSE(membership.is_voter({5}));
  CHECK_FALSE(membership.is_voter({6}));
  CHECK_FALSE(Membership{{member(1, Role::voter)}, {}}.is_joint());
}

// Catches a wiped disk under an old id that passes for the member it no longer is.
TEST_CASE("a member is named by id and instance together", "[protocol][membership]") {
  const Membership membership = joint();
  CHECK(membership.names({5}, {0, 50}));
  CHECK_FALSE(membership.names({5}, {0, 51}));
  CHECK_FALSE(membership.names({6}, {0, 60}));
  REQUIRE(membership.find({3}) != nullptr);
  CHECK(membership.find({3})->role == Role::leaving);
  CHECK(membership.find({6}) == nullptr);
}

TEST_CASE("a membership is written as people read it", "[protocol][membership]") {
  CHECK(to_string(Membership{}).empty());
  CHECK(to_string(Membership{{member(1, Role::voter), member(2, Role::voter)}, {}}) == "1 2");
  CHECK(to_string(Membership{{member(1, Role::voter), member(4, Role::learner)}, {}}) ==
        "1 | 4 learner");
  CHECK(to_string(joint()) == "1 4 after 1 2 3 | 2 learner, 5 learner");
}

}  // namespace raft
