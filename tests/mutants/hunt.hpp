// Looks for the seed that gives each mutant away, and remembers it.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mutants/trial.hpp"

namespace mutants {

/// The seed that killed a mutant, and what noticed it.
struct Kill {
  std::uint64_t seed = 0;
  Noticed by;
};

/// Tries the seeds 1 to `seeds_max`. A seed that fails without the mutant too proves nothing, and
/// is passed over with a word on the standard error.
std::optional<Kill> hunt(const Mutant& mutant, std::uint64_t seeds_max);

/// One killing seed per mutant, by id. Lines "id seed invariant"; '#' begins a comment.
using Killers = std::map<std::string, Kill>;
/// An absent file is empty. Throws std::runtime_error.
Killers load_killers(const std::string& path);
void save_killers(const std::string& path, const Killers& killers);

/// The table of docs/testing.md.
void print_table(std::ostream& out, const std::vector<Mutant>& mutants, const Killers& killers);

}  // namespace mutants
