#include "mutants/choice.hpp"

namespace mutants {
namespace {

std::uint32_t chosen = 0;

}  // namespace

bool is_on(std::uint32_t number) { return chosen == number; }

void choose(std::uint32_t number) { chosen = number; }

}  // namespace mutants
