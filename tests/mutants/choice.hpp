// Which mutant runs. Only generated copies of the sources ask, and only in tests.
#pragma once

#include <cstdint>

namespace mutants {

/// Whether the mutant of this number was chosen.
bool is_on(std::uint32_t number);

/// 0: none, and the sources do what they say. Once per process, before anything runs.
void choose(std::uint32_t number);

}  // namespace mutants
