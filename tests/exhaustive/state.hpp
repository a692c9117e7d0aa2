// A state of the whole cluster as a few numbers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "exhaustive/catalog.hpp"

namespace raft::exhaustive {

/// What has been used up of the bounds, and which crashes have not been noticed everywhere.
struct Spent {
  std::array<std::uint8_t, nodes_max> timeouts{};
  std::uint8_t proposals = 0;
  std::uint8_t crashes = 0;
  std::uint8_t changes = 0;
  std::uint8_t transfers = 0;
  std::uint8_t ticks = 0;
  /// A bit for each peer whose broken connection a node is yet to notice, and for each whose new
  /// one it is; the first comes first.
  std::array<std::uint8_t, nodes_max> to_lose{};
  std::array<std::uint8_t, nodes_max> to_connect{};

  bool operator==(const Spent&) const = default;
};

struct State {
  std::vector<NodeNumber> nodes;        ///< By id less one.
  std::vector<MessageNumber> messages;  ///< Under way, in the order that Moves gives them.
  Spent spent;

  Fingerprint fingerprint() const;
};

/// Something that happens to one node.
struct Action {
  std::size_t node = 0;  ///< Its id less one.
  Input input;
};

}  // namespace raft::exhaustive
