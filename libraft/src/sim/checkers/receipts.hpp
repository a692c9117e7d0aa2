// What a message does to the node that receives it, compared with the moment before (E6, E9, E10,
// C3, P2, R4, R6, T1, T4, T5, T6).
#pragma once

#include <optional>

#include "core/progress.hpp"
#include "sim/checkers/ghost.hpp"

namespace raft::sim {

/// A node just before it receives a message.
struct Receipt {
  NodeId node;
  Sight before;
  EntryId last;
  EntryId base;
  std::uint64_t disk_version = 0;
  bool may_be_sticky = false;  ///< It leads, or has a leader and no reason to think it lost.

  /// What a leader knows of the message's sender.
  struct Peer {
    PeerSession session;
    core::Progress::State state;
    Index match;
    ReadRound acked_round;
    Instant last_heard;
  };
  std::optional<Peer> peer;
};

Receipt before_receipt(WatchedNode& node, const Message& message);
void check_receipt(Ghost& ghost, WatchedNode& node, const Receipt& receipt, const Message& message);

}  // namespace raft::sim
