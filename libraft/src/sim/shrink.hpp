// Makes a failing run small enough to be understood.
#pragma once

#include <string>

#include <libraft/sim.hpp>
#include "sim/script.hpp"

namespace raft::sim {

/// Leaves out what the failure does not need, as long as the same invariant is violated: halves,
/// quarters and so on of the schedule (delta debugging, Zeller 1999), then operations. Empty: the
/// script does not fail.
std::string shrink(Script script, const Subject& subject);

}  // namespace raft::sim
