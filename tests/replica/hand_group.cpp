#include "replica/hand_group.hpp"

#include <catch2/catch.hpp>
#include <utility>

namespace raft::test {
namespace {

constexpr Duration step = std::chrono::milliseconds(10);

MembershipPtr voters(std::uint64_t count) {
  auto membership = std::make_shared<Membership>();
  for (std::uint64_t id = 1; id <= count; ++id) {
    membership->members.push_back(
        {NodeId{id}, InstanceId{id, 1}, "n" + std::to_string(id), Role::voter, false, {}});
  }
  return membership;
}

}  // namespace

void open_replica(HandNode& node, const GroupOptions& options) {
  GroupOptions own = options;
  if (own.group == GroupId{}) own.group = history_group;
  auto recovered = node.storage.store.recover();
  REQUIRE(recovered);
  auto opened = replica::Replica::open(
      {node.id, node.instance, BootNumber{1}, node.id.value}, own, *std::move(recovered),
      *node.machine, {node.outbox, node.storage, node.worker, node.driver, node.files, {}});
  REQUIRE(opened);
  node.replica = *std::move(opened);
}

HandGroup::HandGroup(std::uint64_t count, const GroupOptions& options,
                     const MakeMachine& make_machine) {
  const MembershipPtr membership = voters(count);
  for (std::uint64_t id = 1; id <= count; ++id) {
    auto& node = nodes_[NodeId{id}];
    node = std::make_unique<HandNode>(NodeId{id}, make_machine(NodeId{id}));
    storage::LogStore store(node->disk.engine(), history_group);
    REQUIRE(store.recover());
    PersistWork founding;
    founding.entries.push_back(
        std::make_shared<const Entry>(Entry{Term{1}, Index{1}, {}, membership}));
    founding.hard_state = HardState{Term{1}, NodeId{1}, Index{1}, Duration{0}};
    storage::KvBatch batch;
    store.stage(founding, batch);
    REQUIRE(node->disk.engine().write(batch, true));
    open_replica(*node, options);
  }
}

HandGroup::HandGroup(std::uint64_t count)
    : HandGroup(count, {}, [this](NodeId) {
        return std::make_unique<VolatileRegister>(witness_, MachineTraits{false, 0});
      }) {}

std::vector<NodeId> HandGroup::ids() const {
  std::vector<NodeId> ids;
  for (const auto& [id, node] : nodes_) ids.push_back(id);
  return ids;
}

bool HandGroup::move(HandNode& node) {
  bool moved = node.replica->core().has_ready() && !node.replica->failure();
  node.replica->pump();
  node.replica->run_completions();
  if (!node.worker.waiting.empty() && !held_.contains(node.id)) {
    node.worker.run_one();
    moved = true;
  }
  for (const Message& message : std::exchange(node.outbox.messages, {})) {
    deliver(message);
    moved = true;
  }
  for (const ServiceMessage& message : std::exchange(node.outbox.services, {})) {
    deliver(message);
    moved = true;
  }
  for (const ServiceMessage& message : std::exchange(node.outbox.bulk, {})) {
    deliver(message);
    moved = true;
  }
  return moved;
}

void HandGroup::settle() {
  for (bool moved = true; std::exchange(moved, false);) {
    for (auto& [id, node] : nodes_) moved = move(*node) || moved;
  }
}

bool HandGroup::is_cut(NodeId from, NodeId to) const {
  return !nodes_.contains(to) || isolated_.contains(from) || isolated_.contains(to);
}

void HandGroup::deliver(const Message& message) {
  if (!is_cut(message.from, message.to)) replica(message.to).receive(message);
}

void HandGroup::deliver(const ServiceMessage& message) {
  if (!is_cut(message.from, message.to)) replica(message.to).receive(message, {});
}

void HandGroup::run_for(Duration duration) {
  for (Duration passed{0}; passed < duration; passed += step) {
    for (auto& [id, node] : nodes_) {
      node->driver.time += step;
      node->replica->tick();
    }
    settle();
  }
}

bool HandGroup::run_until(const std::function<bool()>& condition, Duration limit) {
  settle();
  for (Duration passed{0}; passed < limit && !condition(); passed += step) run_for(step);
  return condition();
}

NodeId HandGroup::leader() {
  NodeId found;
  REQUIRE(run_until([&] {
    found = {};
    for (const auto& [id, node] : nodes_) {
      if (isolated_.contains(id) || !node->replica->core().is_leader()) continue;
      if (node->replica->core().leader_state()->term_start <= node->replica->core().commit()) {
        found = id;
      }
    }
    return bool(found);
  }));
  return found;
}

NodeId HandGroup::follower() {
  const NodeId leading = leader();
  for (const auto& [id, node] : nodes_) {
    if (id != leading) return id;
  }
  return {};
}

void HandGroup::propose(std::uint64_t number) {
  bool is_applied = false;
  Command command;
  command.bytes = encode(Operation{number, "k" + std::to_string(number % 5), "v"});
  replica(leader()).propose(std::move(command), replica::never,
                            [&](Result<Applied> result) { is_applied = result.has_value(); });
  REQUIRE(run_until([&] { return is_applied; }));
}

replica::Done HandGroup::tell(const Told& told) {
  return [told](Result<void> result) { *told = std::move(result); };
}

}  // namespace raft::test
