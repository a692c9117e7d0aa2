// A seeded bug as it is written down: which fragment of the sources becomes what.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <libraft/sim.hpp>

namespace mutants {

enum class Kind {
  expression,   ///< Both fragments are values of one type.
  statement,    ///< Both are statements; nothing that the original declares is used behind it.
  declaration,  ///< What is added stands in front of the original, whichever mutant runs.
};

/// One place of one file.
struct Change {
  std::string file;  ///< Below libraft/src.
  Kind kind = Kind::expression;
  std::string original;
  std::string instead;
};

struct Mutant {
  std::string id;            ///< "04a": row 4 of the catalogue, its first variant.
  std::uint32_t number = 0;  ///< By which it is chosen at run time; never 0.
  std::string name;
  std::string expected;  ///< The invariants that should notice, as in docs/testing.md.
  std::vector<Change> changes;

  // The run that it needs, where the usual one would not show it.
  std::optional<std::uint64_t> nodes;
  std::optional<std::uint64_t> operations;
  std::set<raft::sim::Fault> faults;  ///< Empty: all.
};

/// Reads what README.md describes. Throws std::runtime_error that names the file and what is wrong.
Mutant read_mutant(const std::filesystem::path& file);

/// All in a folder, in the order of their numbers.
std::vector<Mutant> read_mutants(const std::filesystem::path& folder);

/// The mutants' options for the simulator.
raft::sim::Options options_for(const Mutant& mutant);

}  // namespace mutants
