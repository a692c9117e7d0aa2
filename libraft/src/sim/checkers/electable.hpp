// C2, the strongest of all: nobody who lacks a committed entry could win an election now, even if
// every voter lost what it has not yet synced.
#pragma once

#include "sim/checkers/ghost.hpp"

namespace raft::sim {

/// The node as it is, if it is up.
void check_electable_now(Ghost& ghost, const WatchedNode& node);
/// The node as a power cut would leave it.
void check_electable_after_power_cut(Ghost& ghost, const WatchedNode& node);
/// Both of all nodes.
void check_electable(Ghost& ghost);

}  // namespace raft::sim
