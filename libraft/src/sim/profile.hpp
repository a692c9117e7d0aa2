// What one seed plays with: the kind of cluster, and which faults are about.
#pragma once

#include <cstdint>
#include <set>

#include <libraft/options.hpp>
#include <libraft/sim.hpp>

namespace raft::sim {

struct Profile {
  std::uint64_t seed = 1;
  std::uint64_t nodes = 5;
  std::uint64_t operations = 500;
  std::set<Fault> faults;  ///< Drawn for this run.

  GroupOptions group;
  bool is_durable = false;
  bool machine_blocks = true;
  bool writes_inline = true;  ///< A write may be done before its call returns.
  bool has_initial_members =
      false;                        ///< All start with the same list; else one founds, others join.
  std::int64_t drift_permille = 0;  ///< Clocks run up to so much fast or slow.
  std::uint64_t late_turns = 0;     ///< Permille of turns that take in several events.

  /// Directories are lost beyond what the cluster can bear: it need not come back.
  bool is_over_limit = false;
  // When the faults stop.
  bool only_core_recovers =
      false;                   ///< A majority comes back, the others stay as they are or worse.
  bool core_restarts = false;  ///< And loses its power once more.
  int calm = 8;                ///< So many election timeouts nothing may happen.
  bool hands_over = false;     ///< A transfer is asked for.
  bool isolates_one = false;   ///< Somebody who does not lead is cut off for a while.
  bool cuts_leader = false;
  bool takes_snapshots = false;  ///< Everywhere, to be compared.

  bool has(Fault fault) const { return faults.contains(fault); }
};

/// Draws about half of the faults allowed, and small values for limits, batches and timeouts: most
/// bugs live where something is full, and a seed with every fault at once hides as much as it
/// finds.
Profile draw_profile(std::uint64_t seed, const Options& options);

}  // namespace raft::sim
