// A run as text: what script_of() and shrink() make and replay() reads.
//
//   seed 42
//   nodes 5
//   operations 120
//   faults crash drop          left out: all
//   0.310000 crash 2 0 300     any number of actions: time, kind, node, other, amount
//   calm                       there are no actions; without either they are drawn from the seed
//   violates C2                what came of it; not read
//   # or any other words       not read
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <libraft/error.hpp>
#include <libraft/sim.hpp>
#include "sim/action.hpp"

namespace raft::sim {

struct Script {
  std::uint64_t seed = 1;
  std::uint64_t nodes = 5;
  std::uint64_t operations = 500;
  std::set<Fault> faults = Options::every_fault();
  std::optional<Schedule> schedule;  ///< None: as drawn from the seed.
};

std::string to_string(const Script& script);
/// Errors: invalid_argument names the line.
Result<Script> script_from(std::string_view text);

}  // namespace raft::sim
