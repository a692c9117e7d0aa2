// What is asked of a group, and what it answers.
#pragma once

#include <cstdint>

#include <libraft/types.hpp>

namespace raft {

enum class ReadLevel : std::uint8_t {
  linearizable,  ///< Sees every write acknowledged before the call, on any node.
  lease,         ///< The same without a network round while the leader's lease runs.
  stale,         ///< Whatever this node has applied.
};

/// What came of a proposal.
struct Applied {
  Bytes reply;  ///< From StateMachine::apply.
  EntryId id;   ///< Where in the log.
};

/// One attempt of a client that numbers its requests: however often it is proposed, it is executed
/// once and every attempt gets the same reply. Up to 64 requests of a client may overtake each
/// other; the very first must be answered before the next is sent.
///
/// That holds while the client is remembered: until it has been silent for an hour of the log's
/// clock, until more than 65,536 other clients have been heard from since, or until the names and
/// replies of those heard from more recently exceed 256 MiB. Afterwards its requests are
/// `session_expired`, except for number 1: that one begins a new session, and so is executed again.
/// Stop retrying it, or take a new name, in less than an hour.
struct Session {
  Bytes client;                ///< 1 to 64 bytes, unique per client.
  std::uint64_t sequence = 0;  ///< From 1, each request one higher.
};

struct ProposeOptions {
  Session session;       ///< An empty client: no session.
  Duration deadline{0};  ///< From now; then `unknown_outcome`. 0: none.
};

}  // namespace raft
