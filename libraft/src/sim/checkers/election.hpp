// Terms, roles and timers of one node after each step (E1, E2, E5, E7, E8, E11, E12, E13, M5, M7).
#pragma once

#include "sim/checkers/ghost.hpp"

namespace raft::sim {

void check_election(Ghost& ghost, WatchedNode& node, const Sight& now);

/// The node speaks or acts as the leader of a term: nobody else ever does (E1).
void claims_term(Ghost& ghost, NodeId node, Term term);

/// At the start of a life: what was promised in earlier ones is kept (E5, D3).
void check_promises_kept(Ghost& ghost, const WatchedNode& node);

}  // namespace raft::sim
