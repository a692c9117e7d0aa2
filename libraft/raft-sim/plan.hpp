// What is to be run.
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
  bool prints_hashes = false;  ///< One line per seed and nothing else: seed, trace hash.
};

/// "5 nodes, 500 operations, all faults".
std::string describe(const raft::sim::Options& options);
/// The command that shows a seed, event by event.
std::string command_for(std::uint64_t seed, const raft::sim::Options& options);

}  // namespace raft_sim
