#include "sim/checkers/electable.hpp"

#include "core/quorum.hpp"

namespace raft::sim {
namespace {

// Whoever lacks some committed entry lacks all that follow, so the newest will do. Who would vote
// is what a voter decides by: the newest entry on its disk, and whether the candidate means its
// very directory. Forms that leave the logs out ("every majority of every membership holds the
// entry") are false of lagging nodes with old memberships.
void check(Ghost& ghost, const WatchedNode& node, EntryId last, const Membership& membership,
           const char* when) {
  const auto would_vote = [&](NodeId id) {
    const auto found = ghost.nodes.find(id);
    if (found == ghost.nodes.end()) return false;
    const WatchedNode& voter = found->second;
    if (voter.disk == nullptr || voter.is_forgotten()) return false;
    if (!membership.names(id, voter.instance)) return false;
    return id == node.id || last >= voter.disk->last();
  };
  if (!core::has_quorum(membership, would_vote)) return;
  ghost.report.violated("C2", node_name(node.id) + ", " + when + " with last entry " +
                                  to_string(last) + ", could be elected by " +
                                  to_string(membership) + " without the committed " +
                                  to_string(ghost.committed.last_id()));
}

}  // namespace

void check_electable_now(Ghost& ghost, const WatchedNode& node) {
  if (node.core == nullptr || node.is_forgotten() || ghost.committed.empty()) return;
  if (node.log.holds(ghost.committed.last_id())) return;
  check(ghost, node, node.log.last(), *node.log.membership().membership, "as it is");
}

void check_electable_after_power_cut(Ghost& ghost, const WatchedNode& node) {
  if (node.disk == nullptr || node.is_forgotten() || ghost.committed.empty()) return;
  if (node.disk->holds(ghost.committed.last_id())) return;
  check(ghost, node, node.disk->last(), *node.disk->membership().membership, "after a power cut");
}

void check_electable(Ghost& ghost) {
  for (const auto& [id, node] : ghost.nodes) {
    check_electable_now(ghost, node);
    check_electable_after_power_cut(ghost, node);
  }
}

}  // namespace raft::sim
