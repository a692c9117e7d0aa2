// Linearizable reads on a leader: requests join the next confirmation round (thesis 6.4).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <libraft/types.hpp>
#include "protocol/message.hpp"

namespace raft::core {

/// A read that a follower asked for.
struct RemoteRead {
  NodeId from;
  ReadRequest request;
};

/// Reads that are confirmed together.
struct ReadBatch {
  std::optional<std::uint64_t> ticket;  ///< Of this node's own reads.
  std::vector<RemoteRead> remote;

  bool empty() const { return !ticket && remote.empty(); }
};

/// A round begins after its reads came in, so each answer to it proves that this node led when
/// they did. One round is under way at a time; later reads join the next.
class ReadQueue {
 public:
  struct Round {
    ReadRound number;
    Index index;  ///< The commit index at its beginning.
    Instant begun;
    ReadBatch reads;
  };

  /// The ticket of the waiting batch, which all own reads share; `fresh` if it has none yet.
  std::uint64_t join(std::uint64_t fresh);
  void join(RemoteRead read);

  bool has_waiting() const { return !waiting_.empty(); }
  const std::optional<Round>& under_way() const { return under_way_; }
  /// The newest round begun; 0 before the first.
  ReadRound newest() const { return newest_; }

  void begin(Index commit, Instant now);
  /// The round under way is confirmed.
  Round confirm();
  /// Everything that waits, in a round or for one: leadership is lost.
  std::vector<ReadBatch> abandon();
  /// Reads of peers, waiting or in a round.
  std::size_t remote_count() const;

 private:
  ReadBatch waiting_;
  std::optional<Round> under_way_;
  ReadRound newest_;
};

}  // namespace raft::core
