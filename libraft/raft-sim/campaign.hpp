// Many seeds, several at a time, that can be interrupted and gone on with.
#pragma once

#include <vector>

#include <libraft/sim.hpp>
#include "plan.hpp"
#include "record.hpp"

namespace raft_sim {

struct Outcome {
  Record record;  ///< With what earlier campaigns have left in the file.
  std::vector<raft::sim::Summary::Violation> found;  ///< By this one.
};

/// Runs the seeds that are not done yet, with a line of progress every second on the standard
/// error. Stops at the tenth violation that it finds itself. Throws std::runtime_error if the file
/// is of another configuration or unusable.
Outcome run(const Plan& plan);

}  // namespace raft_sim
