// A cluster in one thread with virtual time. Everything that happens is an event; after each one
// the node that it concerns takes its turn and is judged.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <libraft/options.hpp>
#include <libraft/sim.hpp>
#include "core/random.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/effects.hpp"
#include "sim/events.hpp"
#include "sim/network.hpp"
#include "sim/node.hpp"
#include "sim/process.hpp"
#include "sim/profile.hpp"
#include "sim/trace.hpp"

namespace raft::sim {

class World {
 public:
  World(const Profile& profile, const Subject& subject, Trace& trace, Checkers& checkers,
        Effects& effects);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- time ---
  Duration now() const { return events_.now(); }
  /// Runs in a node's present life. The node takes its turn behind it.
  void on_node(NodeId id, Duration delay, Events::Function function);
  /// Runs whatever happens to the nodes.
  void later(Duration delay, Events::Function function) {
    events_.after(delay, std::move(function));
  }
  /// Both stop at the first violation.
  void run_for(Duration duration);
  bool run_until(const std::function<bool()>& is_so, Duration at_most);
  std::uint64_t steps() const { return steps_; }
  /// Of all lives so far.
  struct Totals {
    std::uint64_t elections = 0;
    std::uint64_t snapshots_installed = 0;
    std::uint64_t lease_reads = 0;
    std::uint64_t stores_set_back = 0;  ///< Durable machines that a power cut took something of.
  };
  Totals totals() const;

  // --- nodes ---
  NodeId add();
  /// An error, which explains itself, leaves it down.
  void start(NodeId id, const Founding& founding = {});
  /// The process and the power.
  void crash(NodeId id);
  /// In order; the disk keeps what was written.
  void stop(NodeId id);
  void pause(NodeId id, Duration duration);
  /// An empty directory under the same id.
  void wipe(NodeId id);
  /// The directory is as it was in an earlier life. False: there is no such copy.
  bool roll_back(NodeId id);
  void back_up(NodeId id);
  /// One bit of its disk turns while it is down: of its log, its identity or a snapshot. If its
  /// next start needs that bit, it must be refused, and the node is lost; else nothing may come of
  /// it.
  void rot(NodeId id);
  /// What its disk has of finished snapshots is complete, and the same as elsewhere.
  void check_files(NodeId id) { check_files(*nodes_.at(id)); }

  Node& node(NodeId id) { return *nodes_.at(id); }
  const Node& node(NodeId id) const { return *nodes_.at(id); }
  bool is_up(NodeId id) const;
  /// Up, and its replica has not failed.
  bool works(NodeId id) const;
  /// Null while down, or while it waits to found.
  replica::Replica* replica(NodeId id);
  const replica::Replica* replica(NodeId id) const;
  std::vector<NodeId> ids() const;
  std::vector<NodeId> up() const;
  /// Who won the newest term and still leads; 0: nobody. A leader that was deposed and does not
  /// know it is not meant: whoever went by its memberships could lose more than a majority stands.
  NodeId leader() const;
  /// Called after a life has ended: what was asked of it gets no answer.
  std::function<void(NodeId)> life_ended;

  // --- for the processes ---
  void on_node(NodeId id, std::uint64_t life, Duration delay, Events::Function function);
  void refused(NodeId host, const Hello& guest, const Refused& why);
  std::uint64_t seed_for(NodeId id, std::uint64_t life) const;
  const Profile& profile() const { return profile_; }
  const Subject& subject() const { return subject_; }
  Events& events() { return events_; }
  Network& network() { return network_; }
  Trace& trace() { return trace_; }
  Checkers& checkers() { return checkers_; }
  Effects& effects() { return effects_; }
  Executions& executions() { return executions_; }
  /// Where a command was executed, if it was.
  std::optional<Index> executed_at(BytesView command) const;
  core::Random& disk_random() { return disk_random_; }
  core::Random& job_random() { return job_random_; }

 private:
  struct Copy {
    BootNumber boot;
    Disk::Backup disk;
    DiskView view;
  };

  void run_next();
  void run_on(NodeId id, std::uint64_t life, Events::Function& function);
  void take_turn(Node& node);
  void judge_failure(Node& node);
  void end_life(Node& node);
  void check_files(const Node& node);
  void schedule_tick(NodeId id, bool is_first);
  void rot_record(Node& node);
  bool is_restored_from(const Node& node, const std::string& file) const;
  void judge_start(Node& node, const Result<void>& started);
  void count(const Node& node, Totals& totals) const;
  InstanceId fresh_instance() { return {profile_.seed, ++last_instance_}; }

  const Profile profile_;
  const Subject& subject_;
  Trace& trace_;
  Checkers& checkers_;
  Effects& effects_;

  Events events_;
  Network network_;
  core::Random disk_random_;
  core::Random job_random_;
  core::Random node_random_;

  Executions executions_;
  std::map<NodeId, std::unique_ptr<Node>> nodes_;
  std::map<NodeId, Copy> copies_;
  std::uint64_t last_instance_ = 0;
  std::uint64_t steps_ = 0;
  bool is_ending_ = false;
  Totals totals_;  ///< Of the lives that have ended.
};

}  // namespace raft::sim
