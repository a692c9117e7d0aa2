// Everything that the cores of one group say to each other.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <libraft/membership.hpp>
#include <libraft/types.hpp>
#include "protocol/entry.hpp"

namespace raft {

/// Numbers one uninterrupted stretch of talk between a leader and one peer. Replies echo it, so
/// that none from an earlier connection or life of the peer is ever believed.
struct PeerSession {
  std::uint64_t value = 0;

  auto operator<=>(const PeerSession&) const = default;
};

/// Numbers a leader's confirmation rounds (thesis 6.4); they increase within its term.
struct ReadRound {
  std::uint64_t value = 0;

  auto operator<=>(const ReadRound&) const = default;
};

/// What every message of a leader to a peer carries besides its purpose.
struct LeaderMark {
  PeerSession session;
  ReadRound round;          ///< The newest begun.
  Index commit;             ///< Never above what the receiver is known or told to hold.
  Duration lease_asked{0};  ///< The election timeout to be promised; 0: none.

  bool operator==(const LeaderMark&) const = default;
};

/// The echo of a LeaderMark.
struct PeerMark {
  PeerSession session;
  ReadRound round;
  Index commit;  ///< Of the replying node.

  bool operator==(const PeerMark&) const = default;
};

struct PreVoteRequest {
  Term campaign;  ///< The term that the sender would campaign for; its own stays as it is.
  EntryId last;
  InstanceId voter{};  ///< Of the receiver, as the sender's membership names it.

  bool operator==(const PreVoteRequest&) const = default;
};

struct PreVoteReply {
  Term campaign;
  bool granted = false;

  bool operator==(const PreVoteReply&) const = default;
};

struct VoteRequest {
  EntryId last;
  bool forced = false;  ///< The leader asked for this election (thesis 3.10): stickiness is waived.
  InstanceId voter{};   ///< Of the receiver, as the sender's membership names it.

  bool operator==(const VoteRequest&) const = default;
};

struct VoteReply {
  bool granted = false;

  bool operator==(const VoteReply&) const = default;
};

struct AppendRequest {
  LeaderMark mark;
  EntryId prev;                   ///< The entry before the first of `entries`.
  std::vector<EntryPtr> entries;  ///< Contiguous from prev.index + 1, terms not falling.
};

struct AppendAccepted {
  PeerMark mark;
  Index match;  ///< The sender's log equals the leader's up to here, on disk.

  bool operator==(const AppendAccepted&) const = default;
};

struct AppendRejected {
  PeerMark mark;
  Index rejected;  ///< prev.index of the request.
  EntryId hint;    ///< The last entry of the sender that may match: all above can be skipped.

  bool operator==(const AppendRejected&) const = default;
};

struct Heartbeat {
  LeaderMark mark;

  bool operator==(const Heartbeat&) const = default;
};

struct HeartbeatReply {
  PeerMark mark;

  bool operator==(const HeartbeatReply&) const = default;
};

/// The state of a machine at one place in the log, and the membership in force there.
struct SnapshotMeta {
  EntryId last;  ///< The last entry that the snapshot covers.
  LogTime time;  ///< Of that entry.
  LoggedMembership membership;
};

/// A snapshot file as a whole.
struct SnapshotInfo {
  SnapshotMeta meta;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;  ///< CRC32C of all bytes.
};

struct SnapshotOffer {
  LeaderMark mark;
  SnapshotInfo snapshot;
};

/// The receiver gave the transfer up; the leader may offer again.
struct SnapshotDeclined {
  PeerMark mark;
  Index last;  ///< Of the snapshot offered.

  bool operator==(const SnapshotDeclined&) const = default;
};

/// A follower asks for a read index. One is under way at a time.
struct ReadRequest {
  BootNumber boot;
  std::uint64_t sequence = 0;
  bool lease = false;  ///< A lease will do.

  bool operator==(const ReadRequest&) const = default;
};

struct ReadReply {
  BootNumber boot;
  std::uint64_t sequence = 0;
  bool granted = false;
  Index index;

  bool operator==(const ReadReply&) const = default;
};

/// Campaign now (thesis 3.10).
struct TimeoutNow {
  bool operator==(const TimeoutNow&) const = default;
};

/// To a node that the committed membership set at `membership` does not name.
struct Removed {
  Index membership;

  bool operator==(const Removed&) const = default;
};

using MessageBody =
    std::variant<PreVoteRequest, PreVoteReply, VoteRequest, VoteReply, AppendRequest,
                 AppendAccepted, AppendRejected, Heartbeat, HeartbeatReply, SnapshotOffer,
                 SnapshotDeclined, ReadRequest, ReadReply, TimeoutNow, Removed>;

struct Message {
  NodeId from;
  NodeId to;
  Term term;  ///< The sender's current term.
  MessageBody body;
};

/// The name of the body's type: "append request".
const char* name_of(const MessageBody&);
/// One line for logs, scripts and traces.
std::string describe(const Message&);

}  // namespace raft
