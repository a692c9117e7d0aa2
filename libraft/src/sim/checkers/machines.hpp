// The users' state machines (C5, C6, C7, D6, D8, P3, P4).
#pragma once

#include "sim/checkers/ghost.hpp"

namespace raft::sim {

void check_applied(Ghost& ghost, WatchedNode& node, Index index, std::uint64_t command,
                   std::uint64_t reply);
void check_state(Ghost& ghost, const WatchedNode& node, Index index, std::uint64_t digest,
                 const char* invariant);
void check_restored(Ghost& ghost, WatchedNode& node, Index index, std::uint64_t digest);

}  // namespace raft::sim
