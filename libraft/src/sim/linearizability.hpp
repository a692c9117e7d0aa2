// Whether a history can be explained by registers that change at one instant within each call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sim/history.hpp"

namespace raft::sim {

struct HistoryVerdict {
  enum Kind : std::uint8_t {
    linearizable,
    violated,
    unknown,  ///< The check could not decide; never to be taken for either of the others.
  };
  Kind kind = linearizable;
  std::string why;  ///< A few lines for people; empty if linearizable.
};

/// Believes the indexes and checks that the order by index explains every answer and never puts an
/// operation behind one that was called after it had returned. In O(n log n), for histories of any
/// length. What it finds linearizable is so; what it finds violated may also be a wrong index.
/// Unknown: an answer came without an index.
///
/// An operation of unknown outcome takes effect where it was located; if it was not, then just
/// before its value is first seen, if ever.
HistoryVerdict check_by_witness(const History& history);

/// Looks for any order, key by key, blind to the indexes, so that none of them can excuse a wrong
/// answer. Takes at most so many steps per key; beyond them it is unknown whether there is an
/// order. A violation comes with the fewest operations found that already are one.
HistoryVerdict check_by_search(const History& history, std::size_t steps_max);

}  // namespace raft::sim
