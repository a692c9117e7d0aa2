// What a replica keeps to while its machine is slow or full, and when it is told to go.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// One node with a durable machine, and what is on its disk.
struct Durable {
  NoWitness witness;
  RegisterStore store;
  DurableRegister* machine = nullptr;
  HandGroup group{1, {}, [this](NodeId) {
                    auto made = std::make_unique<DurableRegister>(witness, MachineTraits{}, store);
                    machine = made.get();
                    return made;
                  }};
  Replica& replica = group.replica(NodeId{1});
  std::vector<std::string> told;

  void propose(std::uint64_t number) {
    Command command;
    command.bytes = encode(Operation{number, "k", "v"});
    replica.propose(std::move(command), never, [this, number](const Result<Applied>& result) {
      told.push_back(std::to_string(number) +
                     (result ? " done" : std::string(" ") + to_string(result.code())));
    });
  }
};

using Lines = std::vector<std::string>;

/// Never blocks, and knows whether a worker runs it.
struct WatchedRegister final : StateMachine {
  explicit WatchedRegister(NoWitness& witness) : registers(witness, {false, 0}) {}

  Bytes apply(const AppliedEntry& entry) override {
    applied_on_worker += on_worker();
    return registers.apply(entry);
  }
  std::unique_ptr<SnapshotReader> capture() override { return registers.capture(); }
  Result<void> restore(SnapshotReader& snapshot) override {
    ++restores;
    restored_on_worker += on_worker();
    return registers.restore(snapshot);
  }
  bool may_block() const override { return false; }
  bool on_worker() const { return worker != nullptr && worker->is_running; }

  VolatileRegister registers;
  const HandWorker* worker = nullptr;
  int restores = 0;
  int restored_on_worker = 0;
  int applied_on_worker = 0;
};

/// Has no space for what is captured.
struct FullCapture final : SnapshotReader {
  Result<Bytes> read(std::size_t) override { return Error{Errc::storage_full, "no space"}; }
};

/// Whose snapshots fail while they are to.
struct Uncapturable final : StateMachine {
  explicit Uncapturable(NoWitness& witness) : registers(witness, {false, 0}) {}

  Bytes apply(const AppliedEntry& entry) override { return registers.apply(entry); }
  std::unique_ptr<SnapshotReader> capture() override {
    ++captures;
    if (fails) return std::make_unique<FullCapture>();
    return registers.capture();
  }
  Result<void> restore(SnapshotReader& snapshot) override { return registers.restore(snapshot); }
  bool may_block() const override { return false; }

  VolatileRegister registers;
  bool fails = true;
  int captures = 0;
};

MembershipPtr members(std::vector<std::uint64_t> ids) {
  auto membership = std::make_shared<Membership>();
  for (const std::uint64_t id : ids) {
    membership->members.push_back(
        {NodeId{id}, InstanceId{id, 1}, "n" + std::to_string(id), Role::voter, false, {}});
  }
  return membership;
}

/// Node 2, to which node 1 is sending what it has.
struct Newcomer {
  NoWitness witness;
  HandNode node{NodeId{2}, std::make_unique<VolatileRegister>(witness, MachineTraits{false, 0})};

  Newcomer() { open_replica(node); }
  /// As the leader of term 1: entries that set these memberships, one behind the other.
  void receive(const std::vector<MembershipPtr>& memberships, std::uint64_t commit) {
    AppendRequest append;
    append.mark.session = {1};
    append.mark.commit = Index{commit};
    for (const MembershipPtr& membership : memberships) {
      const Index index{append.entries.size() + 1};
      append.entries.push_back(
          std::make_shared<const Entry>(Entry{Term{1}, index, {}, membership}));
    }
    receive(append);
  }
  void receive(const MessageBody& body) {
    node.replica->receive({NodeId{1}, NodeId{2}, Term{1}, body});
    node.replica->pump();
  }
  std::optional<Errc> failure() const {
    if (!node.replica->failure()) return std::nullopt;
    return node.replica->failure()->code;
  }
};

}  // namespace

// --- a snapshot on request ---

// Saying so when the flush was only asked for would let an operator cut the power too early.
TEST_CASE("a durable machine's snapshot is done once what was applied is durable",
          "[replica][snapshot][durable]") {
  Durable node;
  node.group.leader();
  node.propose(1);
  node.group.settle();
  REQUIRE(node.told == Lines{"1 done"});
  const auto told = HandGroup::nobody();
  node.replica.take_snapshot(HandGroup::tell(told));
  node.group.run_for(seconds(1));
  CHECK_FALSE(told->has_value());
  CHECK(node.machine->take_flush_wanted());
  // It goes on being asked for: a flush may fail and be forgotten.
  node.group.run_for(seconds(1));
  CHECK(node.machine->take_flush_wanted());
  node.store.flush();
  node.propose(2);  // Later entries are not waited for.
  REQUIRE(node.group.run_until([&] { return told->has_value(); }, seconds(1)));
  CHECK((*told)->has_value());
  CHECK(node.machine->durable_index() < node.replica.status().applied);
  node.group.run_for(seconds(1));
  CHECK_FALSE(node.machine->take_flush_wanted());
}

TEST_CASE("who waits for a durable machine is told when the replica ends",
          "[replica][snapshot][durable]") {
  Durable node;
  node.group.leader();
  const auto told = HandGroup::nobody();
  node.replica.take_snapshot(HandGroup::tell(told));
  node.group.settle();
  REQUIRE_FALSE(told->has_value());
  node.replica.stop();
  node.replica.run_completions();
  REQUIRE(told->has_value());
  CHECK((*told)->code() == Errc::stopped);
}

// Each try writes until the disk is full, and so takes the space that the log waits for.
TEST_CASE("a snapshot that fails is tried again less and less often",
          "[DU-14][replica][snapshot][space]") {
  NoWitness witness;
  Uncapturable* machine = nullptr;
  GroupOptions options;
  options.retention.snapshot_log_entries = 1;
  HandGroup group(1, options, [&](NodeId) {
    auto made = std::make_unique<Uncapturable>(witness);
    machine = made.get();
    return made;
  });
  group.propose(1);
  group.run_for(seconds(60));
  CHECK(machine->captures >= 5);
  CHECK(machine->captures <= 7);
  const int before = machine->captures;
  const auto told = HandGroup::nobody();
  group.replica(NodeId{1}).take_snapshot(HandGroup::tell(told));  // Whoever asks need not wait.
  group.settle();
  REQUIRE(told->has_value());
  CHECK((*told)->code() == Errc::storage_full);
  CHECK(machine->captures == before + 1);
  machine->fails = false;
  CHECK(group.run_until(
      [&] { return group.replica(NodeId{1}).status().counters.snapshots_taken == 1; },
      seconds(62)));
  // What succeeds is forgiven.
  machine->fails = true;
  const int after_success = machine->captures;
  group.propose(2);
  group.propose(3);
  group.run_for(milliseconds(2'500));
  CHECK(machine->captures == after_success + 2);
}

// --- no space for the machine ---

// Would stop a node for good, or lose replies, because its disk was full for a while.
TEST_CASE("a machine without space pauses and goes on", "[DU-14][replica][durable][space]") {
  Durable node;
  node.group.leader();
  node.propose(1);
  node.group.settle();
  const Index before = node.replica.status().applied;
  node.store.set_full(true);
  node.propose(2);
  node.group.settle();
  node.propose(3);
  node.group.run_for(seconds(2));
  CHECK(node.told == Lines{"1 done", "3 storage_full"});
  CHECK(node.replica.status().applied == before);
  CHECK_FALSE(node.replica.failure());
  CHECK(node.replica.core().is_leader());
  node.store.set_full(false);
  REQUIRE(node.group.run_until([&] { return node.told.size() == 3; }, seconds(1)));
  CHECK(node.told.back() == "2 done");
  node.propose(4);
  node.group.settle();
  CHECK(node.told.back() == "4 done");
  CHECK(node.witness.twice == 0);
  CHECK(node.store.newest().applied == node.replica.status().applied);
}

// What was proposed in one turn is applied in several runs: all of them wait, in their order.
TEST_CASE("a machine without space keeps the order of its entries", "[replica][durable][space]") {
  Durable node;
  node.group.leader();
  node.store.set_full(true);
  for (std::uint64_t number = 1; number <= 20; ++number) {
    node.propose(number);
    node.replica.pump();
  }
  node.group.run_for(milliseconds(500));
  CHECK(node.told.empty());
  node.store.set_full(false);
  REQUIRE(node.group.run_until([&] { return node.told.size() == 20; }, seconds(1)));
  for (std::uint64_t number = 1; number <= 20; ++number) {
    CHECK(node.told[number - 1] == std::to_string(number) + " done");
  }
  CHECK(node.machine->state().executed.size() == 20);
}

// The log's database is closed for a while to get out of a full disk. Would end a node for good
// that has entries to read back just then.
TEST_CASE("a log that cannot be read for want of space is read later", "[DU-14][replica][space]") {
  HandGroup group(1);
  group.propose(1);
  HandNode& node = group.node(NodeId{1});
  node.replica.reset();
  NoWitness witness;
  node.machine = std::make_unique<VolatileRegister>(witness, MachineTraits{false, 0});
  node.storage.unreadable = Error{Errc::storage_full, "finds no space to be opened again"};
  open_replica(node);
  group.run_for(seconds(3));
  CHECK_FALSE(node.replica->failure());
  CHECK(node.replica->core().is_leader());
  CHECK(node.replica->status().applied == Index{});
  SECTION("there is space again") {
    node.storage.unreadable.reset();
    group.run_for(milliseconds(300));
    CHECK(node.replica->status().applied == node.replica->status().commit);
  }
  SECTION("any other error is final") {
    node.storage.unreadable = Error{Errc::corrupt, "a rotten entry"};
    group.run_for(milliseconds(300));
    REQUIRE(node.replica->failure());
    CHECK(node.replica->failure()->code == Errc::corrupt);
  }
}

// --- restoring ---

// However quick its applies are, a machine of a gigabyte takes seconds to restore: on the replica's
// thread that would end every leadership and every session of this process.
TEST_CASE("a restore runs on a worker, and applies wait for it", "[replica][snapshot]") {
  NoWitness witness;
  std::map<NodeId, WatchedRegister*> machines;
  GroupOptions options;
  options.retention.trailing_entries = 0;
  options.retention.snapshot_log_bytes = 1;
  HandGroup group(3, options, [&](NodeId id) {
    auto made = std::make_unique<WatchedRegister>(witness);
    machines[id] = made.get();
    return made;
  });
  for (const NodeId id : group.ids()) machines[id]->worker = &group.node(id).worker;
  const NodeId behind = group.follower();
  group.isolate(behind);
  for (std::uint64_t number = 1; number <= 20; ++number) group.propose(number);
  group.run_for(seconds(1));
  REQUIRE(group.replica(group.leader()).core().log().base().last.index > Index{10});
  group.hold_jobs(behind);
  group.heal();
  HandNode& node = group.node(behind);
  const auto is_installed = [&] {
    return node.replica->core().log().base().last.index > Index{10};
  };
  REQUIRE(group.run_until([&] {
    while (!node.worker.waiting.empty() && !is_installed()) node.worker.run_one();
    return is_installed();
  }));
  // Its log has the new base; the machine waits for a worker, and entries behind it for the
  // machine.
  group.propose(21);
  CHECK(machines[behind]->restores == 0);
  CHECK(machines[behind]->registers.state().executed.empty());
  CHECK(node.replica->status().applied < node.replica->core().log().base().last.index);
  group.release_jobs();
  REQUIRE(
      group.run_until([&] { return machines[behind]->registers.state().executed.size() == 21; }));
  CHECK(machines[behind]->restores == 1);
  CHECK(machines[behind]->restored_on_worker == 1);
  CHECK(machines[behind]->applied_on_worker == 0);
  CHECK(machines[behind]->registers.state().hash ==
        machines[group.leader()]->registers.state().hash);
}

// --- removed ---

// Would end a newcomer for good although it is still asking to be taken in: the entry that took it
// in was never committed.
TEST_CASE("only who was a member believes that it was removed", "[replica][membership]") {
  const Refused news{Refusal::removed, {}, Index{25}, "removed"};
  Newcomer newcomer;
  newcomer.receive({members({1}), members({1, 2})}, 1);
  REQUIRE(newcomer.node.replica->status().is_member);
  newcomer.node.replica->refused(news);
  newcomer.receive(Removed{Index{25}});
  CHECK_FALSE(newcomer.failure());
  newcomer.receive({members({1}), members({1, 2})}, 2);
  SECTION("by a refusal") { newcomer.node.replica->refused(news); }
  SECTION("by a message") { newcomer.receive(Removed{Index{25}}); }
  CHECK(newcomer.failure() == Errc::removed);
}

TEST_CASE("old news of a removal is not believed", "[replica][membership]") {
  Newcomer member;
  member.receive({members({1}), members({1, 2})}, 2);
  member.node.replica->refused({Refusal::removed, {}, Index{1}, "removed"});
  member.receive(Removed{Index{1}});
  CHECK_FALSE(member.failure());
}

// Would wait for ever to apply an entry whose commit it never hears of.
TEST_CASE("who has the uncommitted entry of its removal goes when it is told",
          "[replica][membership]") {
  Newcomer member;
  member.receive({members({1}), members({1, 2}), members({1})}, 2);
  REQUIRE_FALSE(member.failure());
  member.receive(Removed{Index{3}});
  CHECK(member.failure() == Errc::removed);
}

// A leader of an earlier term that does not know of its end yet would take the shorter log for an
// old copy of the disk, and the node would be told to leave.
TEST_CASE("who cuts its log for a later term shows that term at once", "[found-18][replica]") {
  Newcomer member;
  member.receive({members({1, 2}), members({1, 2}), members({1, 2})}, 1);
  REQUIRE(member.node.replica->standing().durable == Index{3});
  member.node.storage.is_stalled = true;
  AppendRequest append;
  append.mark.session = {1};
  append.prev = {Term{1}, Index{1}};
  append.entries.push_back(std::make_shared<const Entry>(Entry{Term{2}, Index{2}, {}, {}}));
  member.node.replica->receive({NodeId{1}, NodeId{2}, Term{2}, append});
  member.node.replica->pump();
  const Standing cut = member.node.replica->standing();
  CHECK(cut.durable == Index{1});
  CHECK(cut.term == Term{2});
}

}  // namespace raft::replica
