#include "sim/checkers/ghost.hpp"

namespace raft::sim {

Sight look_at(const core::Core& core) {
  Sight sight;
  sight.term = core.term();
  sight.vote = core.hard_state().vote;
  sight.role = core.role();
  sight.leader = core.leader();
  sight.leader_lost = core.has_lost_leader();
  sight.commit = core.commit();
  sight.applied = core.applied_index();
  sight.handed_out = core.handed_out();
  sight.clock = core.now();
  sight.deadline = core.election_deadline();
  if (const core::Leader* leader = core.leader_state()) {
    sight.term_start = leader->term_start;
    sight.begun = leader->reads.newest();
    sight.confirmed = sight.begun;
    if (leader->reads.under_way()) --sight.confirmed.value;
  }
  return sight;
}

bool is_held(const Ghost& ghost, NodeId node, EntryId id) {
  const auto found = ghost.nodes.find(node);
  if (found == ghost.nodes.end()) return false;
  const WatchedNode& watched = found->second;
  if (watched.disk != nullptr && watched.disk->holds(id)) return true;
  return watched.forgotten && id.index <= watched.forgotten_upto;
}

std::string node_name(NodeId node) { return "node " + to_string(node); }

}  // namespace raft::sim
