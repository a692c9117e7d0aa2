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

/// Node 2 on its disk, told to begin in some way. Nobody is there.
struct Newcomer {
  Result<std::optional<RecoveredLog>> begin(Founding founding) {
    GroupOptions options;
    options.founding = std::move(founding);
    beginning.emplace(options, "n2",
                      Beginning::Ports{identity, nobody, driver, store, disk.engine(), {}});
    auto log = beginning->open();
    if (log) beginning->opened();
    return log;
  }
  Result<std::optional<RecoveredLog>> join() {
    Founding founding;
    founding.join = {"n1"};
    return begin(founding);
  }

  sim::Disk disk;
  storage::LogStore store{disk.engine(), GroupId{0}};
  HandIdentity identity;
  NobodyThere nobody;
  HandDriver driver;
  std::optional<Beginning> beginning;
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
  Newcomer node;
  const auto log = node.join();
  REQUIRE((log && *log));
  core::Core core = newcomer(**log);
  core.receive(taking_in({2, 1}), now);
  REQUIRE(core.commit() == Index{2});
  node.beginning->tick(&core);
  CHECK_FALSE(node.identity.kept.joining.empty());  // A power cut here would take the entries.
  const auto batch = core.take_ready(now).persist;
  REQUIRE(batch);
  node.beginning->tick(&core);
  CHECK_FALSE(node.identity.kept.joining.empty());
  core.persisted(batch->number, now);
  node.beginning->tick(&core);
  CHECK(node.identity.kept.joining.empty());
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
  Newcomer node;
  REQUIRE(node.join());
  node.beginning->tick(nullptr);
  REQUIRE(node.driver.failures.empty());

  node.identity.broken = Error{Errc::storage_failed, "identity: I/O error"};
  Greeter greeter(node.identity);
  Hello by_leader;
  by_leader.cluster = {1, 2};
  by_leader.node = NodeId{1};
  by_leader.instance = {1, 1};
  by_leader.boot = {1};
  const std::optional<Refused> refused = greeter.judge(by_leader, {});
  REQUIRE(refused);
  CHECK(refused->detail == "this node cannot join: identity: I/O error");
  node.beginning->tick(nullptr);
  REQUIRE(node.driver.failures.size() == 1);
  CHECK(node.driver.failures.front().code == Errc::storage_failed);
}

// A node that nobody takes in any more, although it is told whom to ask: it had voted for a leader
// that was about to add it, and took that vote on its disk for a membership. So it did later with
// the log of such a leader, whose change came to nothing.
TEST_CASE("found 13: a node that is no member yet asks whom it is told to ask",
          "[found-13][found-20][replica][joining]") {
  Newcomer node;
  Founding wait;
  wait.wait_to_be_added = true;
  REQUIRE(node.begin(wait));
  node.identity.kept.cluster = {1, 2};  // As whoever asked for the vote has said.
  PersistWork left_behind;
  left_behind.hard_state = HardState{Term{4}, NodeId{1}, Index{}};
  const bool has_log = GENERATE(false, true);
  if (has_log) left_behind.entries = {std::make_shared<const Entry>(Entry{{4}, {1}, {}, Noop{}})};
  storage::KvBatch batch;
  node.store.stage(left_behind, batch);
  REQUIRE(node.disk.engine().write(batch, true));

  const auto log = node.join();
  REQUIRE((log && *log));
  CHECK((*log)->hard_state.term == Term{4});  // What it promised stays.
  CHECK((*log)->last == Index{has_log ? 1u : 0u});
  CHECK(node.identity.kept.joining.at(GroupId{0}) == std::vector<std::string>{"n1"});
}

}  // namespace raft::replica
