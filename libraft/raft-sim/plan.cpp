#include "plan.hpp"

namespace raft_sim {
namespace {

using raft::sim::Fault;
using raft::sim::Options;

bool has_all_faults(const Options& options) { return options.faults == Options::every_fault(); }

std::string list_of(const std::set<Fault>& faults) {
  std::string list;
  for (const Fault fault : faults) {
    list += (list.empty() ? "" : ",") + std::string(raft::sim::to_string(fault));
  }
  return list;
}

}  // namespace

std::string describe(const Options& options) {
  return std::to_string(options.nodes) + " nodes, " + std::to_string(options.operations) +
         " operations, " +
         (has_all_faults(options) ? "all faults" : "faults " + list_of(options.faults));
}

std::string command_for(std::uint64_t seed, const Options& options) {
  std::string command = "raft-sim --seed " + std::to_string(seed) + " --nodes " +
                        std::to_string(options.nodes) + " --steps " +
                        std::to_string(options.operations);
  if (!has_all_faults(options)) command += " --only " + list_of(options.faults);
  return command + " --trace";
}

}  // namespace raft_sim
