// What a leader believes of its peers, and that nothing grows without bound (T1, T3, T4, D10).
#pragma once

#include "sim/checkers/ghost.hpp"

namespace raft::sim {

/// One peer as a leader sees it whose log ends at `last` and whose machine is at `applied`.
void check_peer(Report& report, const core::Progress& peer, const Limits& limits, Index last,
                Index applied);
/// Behind a turn no more of the log is in memory than allowed, but for what no disk has yet.
void check_cache(Ghost& ghost, const WatchedNode& node);
void check_peers(Ghost& ghost, const WatchedNode& node);
void check_limits(Ghost& ghost, const WatchedNode& node, const Sight& now);

}  // namespace raft::sim
