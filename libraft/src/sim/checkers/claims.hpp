// What a message claims as it leaves: nothing that a power cut could make untrue (D2), nothing that
// contradicts what was said before (E2 to E4, E10, T2, T7, T8, C3, D5, R4, R6, R7, P1, P6, M9).
#pragma once

#include "protocol/service.hpp"
#include "sim/checkers/ghost.hpp"

namespace raft::sim {

void check_claims(Ghost& ghost, WatchedNode& node, const Message& message);
/// Chunks of snapshots; other services claim nothing.
void check_claims(Ghost& ghost, const WatchedNode& node, const ServiceMessage& message);

}  // namespace raft::sim
