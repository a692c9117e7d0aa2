// Commit indexes (L5, L7, C1, C4, C6), from which the committed log is learnt.
#pragma once

#include "sim/checkers/ghost.hpp"

namespace raft::sim {

/// Takes in how far the node has committed since the last look.
void follow_commit(Ghost& ghost, WatchedNode& node, const Sight& now);

/// The order of the marks in one log, and that they never fall in one life.
void check_marks(Ghost& ghost, const WatchedNode& node, const Sight& now);

/// A leader commits what it may as soon as it may.
void check_commit_is_prompt(Ghost& ghost, const WatchedNode& node, const Sight& now);

}  // namespace raft::sim
