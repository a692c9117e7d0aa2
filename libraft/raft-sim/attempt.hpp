// One script, run in a process of its own.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include <libraft/sim.hpp>
#include "apart.hpp"

namespace raft_sim {

/// An end that the simulated code brings about is a violation like any other: an "assertion" that
/// names no invariant, a "crash", or "endless" if it hangs.
class Attempt {
 public:
  /// With `prints` every event goes to the standard output.
  explicit Attempt(const std::string& script, bool prints = false);

  /// That of the script; 0 if it says none.
  std::uint64_t seed() const { return seed_; }
  /// For poll().
  int file() const { return process_.file(); }
  /// Takes in what there is. False: it has ended.
  bool goes_on();
  /// Behind its end. Throws std::runtime_error if the script is none.
  raft::sim::Summary summary();

 private:
  const std::uint64_t seed_;
  Apart process_;
  std::string said_;
};

/// From its beginning to its end.
raft::sim::Summary attempt(const std::string& script, bool prints = false);

/// Of a script that fails: the last lines of its trace, and of what the process said.
std::string last_events(const std::string& script);

}  // namespace raft_sim
