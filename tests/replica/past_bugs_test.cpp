// Bugs that other implementations had above the core; see tests/core/past_bugs.cpp.
#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/random.hpp"
#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using std::chrono::seconds;

Command command(std::uint64_t number) {
  Command made;
  made.bytes = encode(Operation{number, "k" + std::to_string(number % 5), "v"});
  return made;
}

/// Many proposals at one node, each of whose answers makes the next.
struct Insistence {
  Insistence(HandGroup& the_group, NodeId node) : group(the_group), at(node) {}

  void ask() {
    ++asked;
    const Instant deadline = group.node(at).driver.time + seconds(5);
    group.replica(at).propose(command(asked), deadline, [this](const Result<Applied>&) {
      ++answered;
      is_nested |= is_answering;
      is_answering = true;
      if (asked < asked_max) ask();
      is_answering = false;
    });
  }

  static constexpr std::uint64_t asked_max = 400;
  HandGroup& group;
  const NodeId at;
  std::uint64_t asked = 0;
  std::uint64_t answered = 0;
  bool is_answering = false;
  bool is_nested = false;  ///< An answer came from within a call or another answer.
};

/// A disk that takes its time: batches are written when a test says so.
struct SlowStorage final : Storage {
  explicit SlowStorage(HandStorage& with) : storage(with) {}

  void write(const PersistWork& work, bool, Done done) override {
    waiting.emplace_back();
    storage.store.stage(work, waiting.back().first);
    waiting.back().second = std::move(done);
  }
  void write_one() {
    auto [batch, done] = std::move(waiting.front());
    waiting.pop_front();
    done({storage.engine.write(batch, true), {}});
  }
  void compact(const SnapshotMeta& base, Done done) override {
    storage.compact(base, std::move(done));
  }
  Result<std::vector<EntryPtr>> read(Index first, Index last,
                                     std::size_t bytes_max) const override {
    return storage.read(first, last, bytes_max);
  }
  bool is_full() const override { return false; }

  HandStorage& storage;
  std::deque<std::pair<storage::KvBatch, Done>> waiting;
};

/// Node 3 of three, on a slow disk that has the membership, and leaders that the test plays.
struct Follower {
  NoWitness witness;
  HandNode node{NodeId{3}, std::make_unique<VolatileRegister>(witness, MachineTraits{false, 0})};
  SlowStorage storage{node.storage};

  Follower() {
    REQUIRE(node.storage.store.recover());
    PersistWork founding;
    founding.entries = {std::make_shared<const Entry>(Entry{Term{1}, Index{1}, {}, voters()})};
    founding.hard_state = HardState{Term{1}, NodeId{1}, Index{1}, Duration{0}};
    node.storage.write(founding, false, [](const Storage::Written&) {});
    auto recovered = node.storage.store.recover();
    REQUIRE(recovered);
    GroupOptions options;
    options.group = history_group;
    auto opened = Replica::open({node.id, node.instance, BootNumber{1}, 1}, options,
                                *std::move(recovered), *node.machine,
                                {node.outbox, storage, node.worker, node.driver, node.files, {}});
    REQUIRE(opened);
    node.replica = *std::move(opened);
  }
  static MembershipPtr voters() {
    auto membership = std::make_shared<Membership>();
    for (std::uint64_t id = 1; id <= 3; ++id) {
      membership->members.push_back({NodeId{id}, {id, 1}, "n", Role::voter, false, {}});
    }
    return membership;
  }
  /// Entries of this term behind the first.
  void receive(NodeId from, std::uint64_t term, std::uint64_t entries) {
    AppendRequest append;
    append.mark.session = {1};
    append.prev = {Term{1}, Index{1}};
    for (std::uint64_t at = 0; at < entries; ++at) {
      append.entries.push_back(std::make_shared<const Entry>(
          Entry{Term{term}, Index{2 + at}, {}, command(10 * term + at)}));
    }
    node.replica->receive({from, NodeId{3}, Term{term}, append});
    node.replica->pump();
  }
  /// The terms of the entries that the next life finds.
  std::string terms_after_power_cut(std::uint64_t seed) {
    node.replica.reset();
    node.disk.faults().power_off();
    core::Random random(seed);
    node.disk.power_on(random);
    storage::LogStore store(node.disk.engine(), history_group);
    const auto log = store.recover();
    REQUIRE(log);
    const auto entries = store.read(Index{1}, log->last, 1'000'000);
    REQUIRE(entries);
    std::string terms;
    for (const EntryPtr& entry : *entries) terms += std::to_string(entry->term.value);
    return terms;
  }
};

/// The answer to a request to be taken in; nothing yet.
using Joined = std::shared_ptr<std::optional<ServiceReply>>;

/// Node 4 with one of its data directories asks a member.
Joined ask_to_join(Replica& member, NodeId at, InstanceId instance) {
  auto joined = std::make_shared<std::optional<ServiceReply>>();
  JoinRequest request;
  request.id = {BootNumber{1}, 1};
  request.member = {NodeId{4}, instance, "n4", Role::learner, false, {}};
  member.receive({NodeId{4}, at, std::move(request)}, [joined](ServiceMessage message) {
    *joined = std::get<ServiceReply>(std::move(message.body));
  });
  return joined;
}

Errc error_of(const Joined& joined) {
  REQUIRE(joined->has_value());
  return static_cast<Errc>((*joined)->error);
}

constexpr InstanceId one_disk{4, 1};
constexpr InstanceId other_disk{4, 2};
constexpr Errc none{};

}  // namespace

// canonical/raft #450, cowsql commits 525aba2 and cc30f15: entries that were cut off while their
// write was under way counted as written. Here the disk fails at one of the two writes.
TEST_CASE("past bug 20: a disk fails while a truncation waits behind what it cuts off",
          "[bug-20][past-bugs][replica]") {
  for (const std::uint64_t failing : {0u, 1u}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Follower follower;
      follower.receive(NodeId{1}, 2, 3);
      follower.receive(NodeId{2}, 3, 1);
      REQUIRE(follower.storage.waiting.size() == 2);
      follower.node.disk.faults().fail_sync_after(failing);
      while (!follower.storage.waiting.empty()) follower.storage.write_one();
      follower.node.replica->pump();
      REQUIRE(follower.node.replica->failure());
      CHECK(follower.node.replica->failure()->code == Errc::storage_failed);
      CHECK(follower.node.driver.failures.size() == 1);
      // Neither what was cut off nor what replaced it is claimed, now or when asked again.
      follower.receive(NodeId{2}, 3, 1);
      follower.node.driver.time += seconds(5);
      follower.node.replica->tick();
      follower.node.replica->pump();
      for (const Message& message : follower.node.outbox.messages) {
        CHECK_FALSE(std::holds_alternative<AppendAccepted>(message.body));
      }
      CHECK(follower.node.replica->core().log().stable() <= Index{failing == 0 ? 1u : 4u});
      const std::string terms = follower.terms_after_power_cut(seed);
      INFO("the disk has " << terms);
      CHECK((failing == 0 ? terms == "1" || terms == "1222" || terms == "13"
                          : terms == "1222" || terms == "13"));
    }
  }
}

// NuRaft PRs 629 and 640: two requests to join under way at once were both let in. Two data
// directories of one id would count as one voter with two memories.
TEST_CASE("past bug 36: two disks of one node ask to join in the same turn",
          "[bug-36][past-bugs][replica][joining]") {
  HandGroup group(3);
  const NodeId leader = group.leader();
  Replica& replica = group.replica(leader);
  const Joined first = ask_to_join(replica, leader, one_disk);
  const Joined second = ask_to_join(replica, leader, other_disk);
  const Joined first_again = ask_to_join(replica, leader, one_disk);
  group.settle();
  CHECK(error_of(first) == none);
  CHECK(error_of(second) == Errc::id_taken);
  CHECK(error_of(first_again) == Errc::conflict);  // Its entry was not committed by then.
  group.run_for(seconds(1));
  const Joined at_last = ask_to_join(replica, leader, one_disk);
  group.settle();
  CHECK(error_of(at_last) == none);
  for (const NodeId id : group.ids()) {
    const Membership& membership = *group.replica(id).core().membership().membership;
    REQUIRE(membership.find(NodeId{4}) != nullptr);
    CHECK(membership.find(NodeId{4})->instance == one_disk);
    CHECK(membership.members.size() == 4);
  }
}

// The same through two leaders, of which one does not know yet that it is none.
TEST_CASE("past bug 36: two disks of one node ask two leaders",
          "[bug-36][past-bugs][replica][joining]") {
  HandGroup group(3);
  const NodeId old = group.leader();
  group.isolate(old);
  const Joined first = ask_to_join(group.replica(old), old, one_disk);
  group.settle();
  CHECK_FALSE(first->has_value());
  const NodeId next = group.leader();
  REQUIRE(next != old);
  const Joined second = ask_to_join(group.replica(next), next, other_disk);
  REQUIRE(group.run_until([&] { return second->has_value(); }));
  CHECK(error_of(second) == none);
  group.heal();
  REQUIRE(group.run_until([&] { return first->has_value(); }));
  CHECK(error_of(first) == Errc::dropped);
  group.run_for(seconds(1));
  for (const NodeId id : group.ids()) {
    const Membership& membership = *group.replica(id).core().membership().membership;
    REQUIRE(membership.find(NodeId{4}) != nullptr);
    CHECK(membership.find(NodeId{4})->instance == other_disk);
  }
  const Joined again = ask_to_join(group.replica(next), next, one_disk);
  group.settle();
  CHECK(error_of(again) == Errc::id_taken);
}

// braft #531: a leader that stepped down under load ran its callbacks with its lock held, and they
// asked it for something.
TEST_CASE("past bug 37: a leader is deposed under load while every answer asks for more",
          "[bug-37][past-bugs][replica]") {
  HandGroup group(3);
  const NodeId old = group.leader();
  Insistence clients(group, old);
  for (int i = 0; i < 100; ++i) clients.ask();
  group.isolate(old);
  REQUIRE(group.run_until([&] { return !group.replica(old).core().is_leader(); }));
  const NodeId next = group.leader();
  REQUIRE(next != old);
  group.heal();
  const auto all_answered = [&] { return clients.answered == Insistence::asked_max; };
  CHECK(group.run_until(all_answered, seconds(60)));
  CHECK(clients.asked == Insistence::asked_max);
  CHECK_FALSE(clients.is_nested);
  group.propose(1000);
}

// RedisLabs/redisraft #13: a follower passed a command on to whom it took for the leader, who did
// the same, and so on; or it passed it on twice.
TEST_CASE("past bug 42: a command is passed on by one node only, and once",
          "[bug-42][past-bugs][replica]") {
  HandGroup group(3);
  const NodeId leader = group.leader();
  const NodeId asked = group.follower();
  const NodeId third{6 - leader.value - asked.value};
  int answers = 0;
  Errc told{};
  group.replica(asked).propose(command(1), never, [&](const Result<Applied>& result) {
    ++answers;
    if (!result) told = result.code();
  });
  group.replica(asked).pump();
  auto& sent = group.node(asked).outbox.services;
  REQUIRE(sent.size() == 1);
  REQUIRE(std::holds_alternative<ProposeRequest>(sent.front().body));
  CHECK(sent.front().to == leader);
  sent.front().to = third;  // As if the third had led when it was sent.
  group.node(third).outbox.services.clear();
  group.replica(third).receive(std::exchange(sent, {}).front(), {});
  group.replica(third).pump();
  group.replica(third).run_completions();
  const auto& replies = group.node(third).outbox.services;
  REQUIRE(replies.size() == 1);
  CHECK(replies.front().to == asked);
  REQUIRE(std::holds_alternative<ProposeReply>(replies.front().body));
  group.run_for(seconds(3));
  CHECK(answers == 1);
  CHECK(told == Errc::not_leader);
  for (const NodeId id : group.ids())
    CHECK(group.replica(id).core().log().last_index() == Index{2});
}

}  // namespace raft::replica
