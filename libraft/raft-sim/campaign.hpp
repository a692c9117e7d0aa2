// Many seeds, several at a time, that can be interrupted and gone on with.
#pragma once

#include <cstdint>
#include <string>

#include <libraft/sim.hpp>

namespace raft_sim {

struct Plan {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  std::uint64_t jobs = 1;
  raft::sim::Options options;
  std::string resume_file;     ///< Empty: none. Else what was done is kept there, and gone on with.
  std::string label;           ///< What runs, for the file and the report: a commit.
  bool prints_hashes = false;  ///< One line per seed, to the standard output: seed, trace hash.
};

/// Runs the seeds that are not done yet, with a line of progress on the standard error. Stops
/// early at violations. Throws std::runtime_error if the file is of another plan or unusable.
raft::sim::Summary run(const Plan& plan, const raft::sim::Subject& subject);

}  // namespace raft_sim
