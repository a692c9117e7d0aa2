// Bugs of this very implementation, above the core, that the simulator found; see
// tests/core/found_by_simulation.cpp for the others.
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "replica/beginning.hpp"
#include "replica/greeter.hpp"
#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;

/// The identity file of node 2, which fails once it is `broken`.
struct HandIdentity final : IdentityKeeper {
  HandIdentity() {
    kept.node = NodeId{2};
    kept.instance = {2, 1};
  }

  storage::Identity identity() const override { return kept; }
  Result<void> change_identity(const std::function<void(storage::Identity&)>& change) override {
    if (broken) return *broken;
    change(kept);
    return {};
  }
  std::optional<Error> final_error() const override { return broken; }

  storage::Identity kept;
  std::optional<Error> broken;
};

/// Nobody is there.
struct NobodyThere final : Introducer {
  void introduce(const std::string&, std::optional<ServiceBody>,
                 util::UniqueFunction<void(Result<Introduction>)>) override {}
};

MembershipPtr founder_and(NodeId newcomer, InstanceId instance) {
  auto membership = std::make_shared<Membership>();
  membership->members = {{NodeId{1}, {1, 1}, "n1", Role::voter, false, {}},
                         {newcomer, instance, "n2", Role::learner, false, {}}};
  return membership;
}

/// Node 1 takes node 2 in: both entries are committed.
Message taking_in(InstanceId instance) {
  AppendRequest append;
  append.mark.session = {1};
  append.mark.commit = Index{2};
  append.entries = {std::make_shared<const Entry>(Entry{Term{1}, Index{1}, {}, Noop{}}),
                    std::make_shared<const Entry>(
                        Entry{Term{1}, Index{2}, {}, founder_and(NodeId{2}, instance)})};
  return {NodeId{1}, NodeId{2}, Term{1}, append};
}

core::Core newcomer(const RecoveredLog& nothing) {
  core::Options options;
  options.id = NodeId{2};
  options.instance = {2, 1};
  return {options, core::Recovered{nothing, {}}, Instant{std::chrono::hours(1)}};
}

}  // namespace

// A node that can never start again: after a power cut it was neither a member nor joining, and
// asked its operator for one of the two, although the cluster counted on it.
TEST_CASE("found 6: a node joins until the entry that names it is on its disk",
          "[found-6][replica][joining]") {
  const Instant now{std::chrono::hours(1)};
  sim::Disk disk;
  storage::LogStore store(disk.engine(), GroupId{0});
  HandIdentity identity;
  NobodyThere nobody;
  HandDriver driver;
  GroupOptions options;
  options.founding.join = {"n1"};
  Beginning beginning(options, "n2", {identity, nobody, driver, store, disk.engine(), {}});
  const auto log = beginning.open();
  REQUIRE((log && *log));
  core::Core core = newcomer(**log);
  beginning.opened();
  core.receive(taking_in({2, 1}), now);
  REQUIRE(core.commit() == Index{2});
  beginning.tick(&core);
  CHECK_FALSE(identity.kept.joining.empty());  // A power cut here would take the entries.
  const auto batch = core.take_ready(now).persist;
  REQUIRE(batch);
  beginning.tick(&core);
  CHECK_FALSE(identity.kept.joining.empty());
  core.persisted(batch->number, now);
  beginning.tick(&core);
  CHECK(identity.kept.joining.empty());
}

// A node whose disk was replaced, removed and added again as the documents say, that stops for good
// because one member had not heard of the removal yet.
TEST_CASE("found 7: who is not named yet does not believe that its id is taken",
          "[found-7][replica][joining]") {
  NoWitness witness;
  HandNode node(NodeId{2}, std::make_unique<VolatileRegister>(witness, MachineTraits{false, 0}));
  open_replica(node);
  const Refused by_old_member{
      Refusal::id_taken, {}, Index{9}, "node 2 is a member with another disk"};
  node.replica->refused(by_old_member);
  CHECK_FALSE(node.replica->failure());
  node.replica->receive(taking_in(node.instance));
  node.replica->pump();
  REQUIRE(node.replica->core().was_named());
  node.replica->refused({Refusal::id_taken, {}, Index{1}, "a membership older than its own"});
  CHECK_FALSE(node.replica->failure());
  node.replica->refused(by_old_member);  // It is one no more: somebody else has its id.
  REQUIRE(node.replica->failure());
  CHECK(node.replica->failure()->code == Errc::id_taken);
}

// A healthy machine that is a voter and takes no part, for good and without a word: its disk failed
// while it wrote down which cluster had taken it in, and it refused everyone ever after.
TEST_CASE("found 12: a node that cannot write down its cluster says so and stops",
          "[found-12][replica][joining]") {
  sim::Disk disk;
  storage::LogStore store(disk.engine(), GroupId{0});
  HandIdentity identity;
  NobodyThere nobody;
  HandDriver driver;
  GroupOptions options;
  options.founding.join = {"n1"};
  Beginning beginning(options, "n2", {identity, nobody, driver, store, disk.engine(), {}});
  REQUIRE(beginning.open());
  beginning.opened();
  beginning.tick(nullptr);
  REQUIRE(driver.failures.empty());

  identity.broken = Error{Errc::storage_failed, "identity: I/O error"};
  Greeter greeter(identity);
  Hello by_leader;
  by_leader.cluster = {1, 2};
  by_leader.node = NodeId{1};
  by_leader.instance = {1, 1};
  by_leader.boot = {1};
  const std::optional<Refused> refused = greeter.judge(by_leader, {});
  REQUIRE(refused);
  CHECK(refused->detail == "this node cannot join: identity: I/O error");
  beginning.tick(nullptr);
  REQUIRE(driver.failures.size() == 1);
  CHECK(driver.failures.front().code == Errc::storage_failed);
}

}  // namespace raft::replica
