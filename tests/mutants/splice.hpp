// Puts the mutants into a source text, where each becomes a choice at run time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mutants/mutant.hpp"

namespace mutants {

struct Edit {
  std::uint32_t mutant = 0;
  std::string name;  ///< For errors.
  Change change;
};

/// Each original must occur exactly once, white space aside. Mutants of one fragment exclude each
/// other; a fragment may lie within another. Throws std::runtime_error that names the mutant whose
/// fragment is not there, is there twice, or overlaps another's.
std::string splice(std::string_view source, const std::vector<Edit>& edits);

}  // namespace mutants
