// What clients are told (D1, D6, D7).
#pragma once

#include "protocol/entry.hpp"
#include "sim/checkers/ghost.hpp"

namespace raft::sim {

void check_acknowledged(Ghost& ghost, std::uint64_t request, EntryId id, std::uint64_t reply);
void check_refused(Ghost& ghost, std::uint64_t request);

}  // namespace raft::sim
