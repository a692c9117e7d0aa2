// Which membership may follow which (M3, M6, M8), and what a leader's log may hold of them (M2).
#pragma once

#include <libraft/membership.hpp>
#include "sim/checkers/ghost.hpp"

namespace raft::sim {

/// Two consecutive ones of a log: every change of voters is joint, is left once, and no id changes
/// hands without having been removed.
void check_succession(Report& report, const Membership& before, const Membership& after);

/// One change at a time, none before an entry of the leader's own term is committed.
void check_changes(Ghost& ghost, const WatchedNode& leader, const Sight& now);

/// A leader that knows what is committed leaves a committed joint membership at once (M6).
void check_leaving(Ghost& ghost, const WatchedNode& leader, const Sight& now);

/// Of the base that a node's log begins at, or that is offered (P1, M9).
void check_snapshot_meta(Ghost& ghost, NodeId node, const SnapshotMeta& meta);

}  // namespace raft::sim
