// A few replicas over ports worked by hand. Everything is prompt and nothing gets lost; time passes
// when a test says so.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "history.hpp"
#include "replica/replica.hpp"

namespace raft::test {

/// One node: its disk, its machine and the life that runs on them.
struct HandNode {
  HandNode(NodeId with, std::unique_ptr<StateMachine> own) : id(with), machine(std::move(own)) {}

  const NodeId id;
  const InstanceId instance{id.value, 1};
  sim::Disk disk;
  storage::SnapshotFiles files{disk.files(), history_group};
  std::unique_ptr<StateMachine> machine;
  HandOutbox outbox;
  HandWorker worker;
  HandDriver driver;
  HandStorage storage{disk.engine(), history_group};
  std::unique_ptr<replica::Replica> replica;
};

/// Starts a life on what the node's disk holds; REQUIRE.
void open_replica(HandNode& node, const GroupOptions& options = {});

class HandGroup {
 public:
  using MakeMachine = std::function<std::unique_ptr<StateMachine>(NodeId)>;

  /// Nodes 1 to `count`, voters of a membership that all of them have and have committed.
  HandGroup(std::uint64_t count, const GroupOptions& options, const MakeMachine& make_machine);
  /// With registers in memory that never block.
  explicit HandGroup(std::uint64_t count);

  HandNode& node(NodeId id) { return *nodes_.at(id); }
  replica::Replica& replica(NodeId id) { return *node(id).replica; }
  std::vector<NodeId> ids() const;

  /// Turns, jobs and messages until nothing moves.
  void settle();
  void run_for(Duration duration);
  bool run_until(const std::function<bool()>& condition, Duration limit = std::chrono::seconds(10));
  /// The one that leads, waiting for it; REQUIRE.
  NodeId leader();
  NodeId follower();

  /// Whatever this node sends or is sent is lost.
  void isolate(NodeId id) { isolated_.insert(id); }
  void heal() { isolated_.clear(); }
  /// Its jobs wait for `worker.run_one()`.
  void hold_jobs(NodeId id) { held_.insert(id); }
  void release_jobs() { held_.clear(); }

  /// Proposes and waits until it is applied on the leader; REQUIRE.
  void propose(std::uint64_t number);
  /// Nothing yet, or the result.
  using Told = std::shared_ptr<std::optional<Result<void>>>;
  static replica::Done tell(const Told& told);
  static Told nobody() { return std::make_shared<std::optional<Result<void>>>(); }

 private:
  bool move(HandNode& node);
  void deliver(const Message& message);
  void deliver(const ServiceMessage& message);
  bool is_cut(NodeId from, NodeId to) const;

  NoWitness witness_;
  std::map<NodeId, std::unique_ptr<HandNode>> nodes_;
  std::set<NodeId> isolated_;
  std::set<NodeId> held_;
};

}  // namespace raft::test
