// Linearizable reads (R1 to R6, M4).
#pragma once

#include "sim/checkers/ghost.hpp"

namespace raft::sim {

/// The rounds that a leader has begun and believes confirmed.
void check_read_rounds(Ghost& ghost, const WatchedNode& node, const Sight& now);

/// No lease runs once another leads a later term, in true time.
void check_lease(Ghost& ghost, const WatchedNode& node, const Sight& now);

/// The answer to a client's read, which began when so much was committed.
void check_read(Ghost& ghost, NodeId node, Index committed, Index applied, Index read_index);

}  // namespace raft::sim
