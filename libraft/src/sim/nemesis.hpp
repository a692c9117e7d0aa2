// What goes wrong, and when: draws a schedule, and carries it out.
#pragma once

#include <cstdint>
#include <set>

#include "sim/action.hpp"
#include "sim/clients.hpp"
#include "sim/operator.hpp"
#include "sim/world.hpp"

namespace raft::sim {

/// So many actions, spread over the time that the clients will need, of the faults that the profile
/// has drawn.
Schedule draw_schedule(const Profile& profile);

class Nemesis {
 public:
  Nemesis(World& world, Operator& its_operator, Clients& clients)
      : world_(world), operator_(its_operator), clients_(clients) {}

  /// From now on.
  void follow(const Schedule& schedule);
  /// The faults stop: the network is whole, the disks work, everyone who can run does. Those who
  /// are abandoned keep what was done to them, and nobody starts them again.
  void stop(const std::set<NodeId>& abandoned = {});

 private:
  void perform(const Action& action);
  void set_rate(Fault fault, std::uint64_t permille);
  void block_between(std::uint64_t side, NodeId common);
  void fail_reads(NodeId id, Duration duration);
  void fill_disk(NodeId id, Duration duration);
  void start_later(NodeId id, Duration delay);
  /// Directories are lost only while the rest of the cluster can bear it.
  void lose(const Action& action, NodeId id);
  void take_directory(const Action& action, NodeId id);
  void roll_back(NodeId id);

  World& world_;
  Operator& operator_;
  Clients& clients_;
  std::set<NodeId> abandoned_;
  Duration truce_until_{0};
  bool has_stopped_ = false;
};

}  // namespace raft::sim
