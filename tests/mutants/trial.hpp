// One seed of one mutant, in a process of its own.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "mutants/mutant.hpp"

namespace mutants {

/// What noticed a mutant.
struct Noticed {
  std::string invariant;  ///< "C2", "assertion", "crash" or "endless".
  std::string what;
};

/// Simulates the seed with the mutant, or without any, with the mutant's options. A mutant may end
/// the process that it runs in, or never end: an abort and a run that takes a hundred times as long
/// as others count as noticed. Throws std::runtime_error if there is no process to be had.
std::optional<Noticed> try_seed(const Mutant& mutant, bool is_mutated, std::uint64_t seed);

/// Prints every event. In this very process.
void trace_seed(const Mutant& mutant, std::uint64_t seed, std::ostream& out);

}  // namespace mutants
