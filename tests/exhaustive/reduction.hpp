// Of the orders of steps that do not affect each other, one: whose turn it is. README.md says why
// nothing is missed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "exhaustive/bounds.hpp"
#include "exhaustive/catalog.hpp"
#include "exhaustive/state.hpp"

namespace raft::exhaustive {

/// What is under way and who may do something, as sets: a bit for each node.
struct Traffic {
  std::array<std::uint8_t, nodes_max> senders{};  ///< To a node, of what has not arrived.
  std::array<std::uint8_t, nodes_max> unread{};   ///< So many messages.
  std::uint8_t has_inputs = 0;                    ///< Besides messages.
  std::uint8_t speaks_first = 0;  ///< Not followers; or told to campaign, once that arrives.
  /// Some leader may tell another node to campaign: it hands over, or was removed.
  bool may_hand_over = false;
};

/// Its has_inputs and may_hand_over are left to the caller.
Traffic traffic_of(const State& state, const Catalog& catalog);

/// The nodes that may send something to one that nothing happens to meanwhile. A follower speaks
/// only to whom it is spoken to, unless something else than a message happens to it.
std::uint8_t senders_to(std::size_t still, const State& state, const Traffic& traffic);

/// Checks just that.
void check_speaks(const Catalog& catalog, const State& state, const Action& action,
                  const Outcome& outcome);

}  // namespace raft::exhaustive
