// A state of the whole cluster as a few numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "exhaustive/catalog.hpp"

namespace raft::exhaustive {

/// What has been used up of the bounds, and what stands between two nodes besides messages.
struct Spent {
  std::array<std::uint8_t, nodes_max> timeouts{};
  std::uint8_t proposals = 0;
  std::uint8_t crashes = 0;
  std::uint8_t changes = 0;
  std::uint8_t transfers = 0;
  std::uint8_t ticks = 0;
  /// A bit for each peer that has crashed, and this node has not noticed: what it sends is lost.
  std::array<std::uint8_t, nodes_max> sends_in_vain{};
  /// The id of the peer whose message is this node's next input, by a decision of Schedule; 0:
  /// open.
  std::array<std::uint8_t, nodes_max> waits_for{};

  bool operator==(const Spent&) const = default;
};

struct State {
  std::vector<NodeNumber> nodes;        ///< By id less one.
  std::vector<MessageNumber> messages;  ///< Under way, in the order that Moves gives them.
  Spent spent;

  /// What is remembered of it: README.md says how likely two share one.
  std::uint64_t fingerprint() const;
};

/// Something that happens to one node, or a decision on what its next input is to be.
struct Action {
  std::size_t node = 0;  ///< Its id less one.
  Input input;
  std::optional<std::size_t> waits_for;  ///< A peer; then there is no input yet.
};

}  // namespace raft::exhaustive
