// Whoever runs the cluster: adds and removes members, replaces lost disks, hands leadership over.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "sim/calls.hpp"
#include "sim/outstanding_changes.hpp"
#include "sim/world.hpp"

namespace raft::sim {

class Operator {
 public:
  Operator(World& world, Calls& calls)
      : world_(world), calls_(calls), random_(world.profile().seed * 16 + 6) {}

  /// Founds the cluster as the profile says and brings every node in. False: it does not come up.
  bool set_up();

  /// With what its directory holds, or to join.
  void start(NodeId id);
  void join_new();
  void remove(NodeId id);
  void replace(NodeId id);
  /// How several members change in one step.
  enum class Regroup : std::uint8_t {
    add,       ///< Two or three newcomers.
    remove,    ///< Two voters, but not the node.
    exchange,  ///< All voters, by as many newcomers as there are.
    shrink,    ///< All voters but the node; the others are brought in anew by and by.
    count_     ///< None.
  };
  void regroup(NodeId id, Regroup how);
  void demote(NodeId id);
  void promote(NodeId id);
  void update(NodeId id);
  void transfer(NodeId target);
  void take_snapshot(NodeId id);
  /// A node of another cluster comes to the address of one of ours, and must not be let in.
  void call_as_stranger(NodeId id);

  /// Whether the cluster can bear that this node's data are gone, whatever becomes of the changes
  /// that were asked for.
  bool can_lose(NodeId id);

  /// What an operator does by and by: starts what is down, brings in anew whose disk is lost or who
  /// was removed. To be called now and then.
  void tend();
  /// Nobody is down, lost or left out any more who could be back.
  bool is_done() const;
  std::uint64_t changes_done() const { return changes_done_; }

 private:
  Founding to_join(NodeId id) const;
  NodeId anyone();
  bool can_spare(const Membership& members, NodeId id) const;
  bool has_data(const Membership& members, NodeId member) const;
  /// Nodes that are up and were never a member; so many are started, if there is room for them.
  std::vector<Member> newcomers(const Membership& members, std::size_t wanted);
  void change(MembershipChange change);
  void bring_in_anew(NodeId id);
  void remove_lost(NodeId id);
  /// Null while nobody leads.
  MembershipPtr committed() const;

  World& world_;
  Calls& calls_;
  core::Random random_;
  OutstandingChanges outstanding_;
  std::uint64_t changes_done_ = 0;
  bool is_removing_ = false;  ///< A removal of somebody lost is under way.
  std::set<NodeId> waiting_;  ///< Started to be added by a change, and not to ask for it.
};

}  // namespace raft::sim
