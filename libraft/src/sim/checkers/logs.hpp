// A node's log, followed entry by entry (L1 to L4, L6, M1, P1, P2, M9).
#pragma once

#include "sim/checkers/ghost.hpp"

namespace raft::sim {

/// At the start of a life: all entries are read from the disk and compared with what they were.
void reread_log(Ghost& ghost, WatchedNode& node);

/// Takes in what has changed since the last look, which is nothing most times. Whether something
/// has.
bool follow_log(Ghost& ghost, WatchedNode& node);

/// The membership in force is the newest in the log, else that of its base.
void check_membership_in_force(Ghost& ghost, WatchedNode& node);

}  // namespace raft::sim
