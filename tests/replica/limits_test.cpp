// What is accepted can also be sent: options, members and replies against the frame between nodes.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "protocol/limits.hpp"
#include "replica/hand_group.hpp"
#include "replica/options_check.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;

/// Why the options are refused; empty: they are not.
std::string objection(const GroupOptions& options) {
  const Result<void> checked = check(options);
  if (checked) return {};
  CHECK(checked.code() == Errc::invalid_argument);
  return checked.error().detail;
}

/// Answers any command with as many bytes as it says.
struct TalkativeMachine final : StateMachine {
  Bytes apply(const AppliedEntry& entry) override {
    ++applied;
    return Bytes(std::stoul(std::string(entry.command)), 'x');
  }
  std::unique_ptr<SnapshotReader> capture() override { return nullptr; }
  Result<void> restore(SnapshotReader&) override { return {}; }
  bool may_block() const override { return false; }

  int applied = 0;
};

MembershipChange updating(NodeId id, std::string address, Bytes attributes) {
  MembershipChange change;
  change.update.push_back({id, std::move(address), std::move(attributes)});
  return change;
}

}  // namespace

TEST_CASE("options that are as they come are fine", "[replica][limits]") {
  CHECK(objection({}).empty());
}

// An entry that fits no frame closes every connection it is tried on, for ever.
TEST_CASE("options that allow what no frame holds are refused by name", "[replica][limits]") {
  GroupOptions options;
  SECTION("command_bytes_max") { options.limits.command_bytes_max = frame_bytes_max; }
  SECTION("append_bytes_max") { options.limits.append_bytes_max = content_bytes_max + 1; }
  SECTION("inflight_bytes_max") { options.limits.inflight_bytes_max = send_queue_bytes_max; }
  SECTION("inflight_appends_max") { options.limits.inflight_appends_max = 0; }
  SECTION("attributes") { options.attributes.assign(attributes_bytes_max + 1, 'x'); }
  SECTION("initial_members") {
    options.founding.initial_members.push_back(
        {NodeId{1}, std::string(address_bytes_max + 1, 'x'), {}});
  }
  SECTION("timing") { options.timing.heartbeat = Duration{0}; }
  SECTION("lease_reads") {
    options.lease_reads = true;
    options.check_quorum = false;
  }
  CHECK_FALSE(objection(options).empty());
}

TEST_CASE("the objection to an option names it", "[replica][limits]") {
  GroupOptions options;
  options.limits.command_bytes_max = content_bytes_max;
  CHECK(objection(options).empty());
  ++options.limits.command_bytes_max;
  CHECK_THAT(objection(options), Catch::StartsWith("limits.command_bytes_max is "));
  options = {};
  options.founding.initial_members.push_back({NodeId{1}, "a:1", Bytes(5'000, 'x')});
  CHECK_THAT(objection(options), Catch::StartsWith("founding.initial_members: attributes"));
}

// A membership travels as a whole, in entries, offers and files: one member with a novel for an
// attribute would stop them all.
TEST_CASE("a change that is too large is refused wherever it is asked for, and never sent",
          "[replica][limits][membership]") {
  HandGroup group(3);
  const NodeId leader = group.leader();
  const NodeId follower = group.follower();
  const std::vector<MembershipChange> too_large{
      updating(follower, std::string(address_bytes_max + 1, 'x'), {}),
      updating(follower, "a:1", Bytes(attributes_bytes_max + 1, 'x'))};
  for (const NodeId asked : {leader, follower}) {
    for (const MembershipChange& change : too_large) {
      const auto told = HandGroup::nobody();
      const Index before = group.replica(leader).core().log().last_index();
      group.replica(asked).change_membership(change, HandGroup::tell(told));
      CHECK(group.node(asked).outbox.services.empty());
      group.settle();
      REQUIRE(told->has_value());
      CHECK((*told)->code() == Errc::too_large);
      CHECK(group.replica(leader).core().log().last_index() == before);
    }
    const auto told = HandGroup::nobody();
    group.replica(asked).change_membership(
        updating(follower, std::string(address_bytes_max, 'x'), Bytes(attributes_bytes_max, 'x')),
        HandGroup::tell(told));
    group.settle();
    REQUIRE(told->has_value());
    CHECK((*told)->has_value());
  }
}

// The connection that such a reply was put on would be closed, and with it everything else on it.
TEST_CASE("a reply that no frame holds leaves a caller on another node with an unknown outcome",
          "[replica][limits]") {
  std::map<NodeId, TalkativeMachine*> machines;
  HandGroup group(3, {}, [&](NodeId id) {
    auto made = std::make_unique<TalkativeMachine>();
    machines[id] = made.get();
    return made;
  });
  const NodeId leader = group.leader();
  const NodeId follower = group.follower();
  std::vector<std::string> told;
  const auto ask = [&](NodeId asked, std::size_t bytes) {
    group.replica(asked).propose(
        {{}, 0, std::to_string(bytes)}, never, [&](const Result<Applied>& result) {
          told.push_back(result ? std::to_string(result->reply.size()) : to_string(result.code()));
        });
    group.settle();
  };
  ask(follower, content_bytes_max);
  ask(follower, content_bytes_max + 1);
  ask(leader, content_bytes_max + 1);
  CHECK(told == std::vector<std::string>{std::to_string(content_bytes_max), "unknown_outcome",
                                         std::to_string(content_bytes_max + 1)});
  CHECK(machines[leader]->applied == 3);
}

}  // namespace raft::replica
