// Makes a failing run small enough to be understood.
#pragma once

#include <cstdint>
#include <string>

#include <libraft/sim.hpp>
#include "sim/script.hpp"

namespace raft::sim {

/// Leaves out what the failure does not need, as long as the same invariant is violated: whole
/// kinds of actions; halves, quarters and so on of the schedule (delta debugging, Zeller 1999);
/// nodes, operations, and what the seed draws besides the schedule. Empty: the script does not
/// fail.
std::string shrink(Script script, const Trial& trial, std::uint64_t runs_max);

}  // namespace raft::sim
