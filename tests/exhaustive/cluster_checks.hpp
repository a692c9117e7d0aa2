// What must hold between nodes. Ids as in docs/testing.md and tests/core/safety.hpp.
#pragma once

#include <cstddef>

#include "exhaustive/catalog.hpp"
#include "exhaustive/state.hpp"

namespace raft::exhaustive {

/// A state by itself: E1, E13, L1, L4, L7 (with it C5), C2. Throws Violation.
void check_state(const Catalog& catalog, const State& state);

/// A move of one node: C1, C3, T2. Throws Violation.
void check_move(const Catalog& catalog, const State& before, const State& after, std::size_t node,
                const Outcome& outcome);

}  // namespace raft::exhaustive
