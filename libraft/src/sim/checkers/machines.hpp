// The users' state machines (C5, C6, C7, D6, D8, P3, P4).
#pragma once

#include "sim/checkers/ghost.hpp"

namespace raft::sim {

void check_applied(Ghost& ghost, WatchedNode& node, Index index, std::uint64_t command,
                   std::uint64_t reply);
void check_state(Ghost& ghost, const WatchedNode& node, Index index, std::uint64_t digest,
                 const char* invariant);
/// Of a machine's sessions and membership.
void check_meta(Ghost& ghost, NodeId node, Index index, std::uint64_t digest);
/// Made anywhere up to one entry, it is the same byte for byte.
void check_snapshot(Ghost& ghost, NodeId node, const SnapshotInfo& snapshot);
void check_restored(Ghost& ghost, WatchedNode& node, Index index, std::uint64_t digest);

}  // namespace raft::sim
