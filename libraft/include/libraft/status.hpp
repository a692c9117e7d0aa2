// What a group says about itself: one value, taken at one moment.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/membership.hpp>
#include <libraft/types.hpp>

namespace raft {

enum class RoleNow : std::uint8_t { follower, pre_candidate, candidate, leader };

/// "follower", "pre-candidate", ...
const char* to_string(RoleNow);

/// Counts by upper bound, four buckets per power of two; values in any one unit.
class Histogram {
 public:
  void record(std::uint64_t value);
  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }
  /// How many recorded values are at most `bound` (rounded up to a bucket's bound).
  std::uint64_t at_most(std::uint64_t bound) const;

 private:
  std::array<std::uint64_t, 160> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
};

/// What the leader knows of a peer.
struct PeerStatus {
  NodeId id;
  Index match;  ///< Known to be on its disk.
  Duration since_contact{0};
  Duration round_trip{0};  ///< Smoothed, of heartbeats only: appends wait for the peer's disk.
  bool receiving_snapshot = false;
  std::uint64_t snapshot_bytes_sent = 0;
  std::uint64_t snapshot_bytes_total = 0;
};

struct Counters {
  std::uint64_t elections_started = 0;
  std::uint64_t elections_won = 0;
  std::uint64_t snapshots_taken = 0;
  std::uint64_t snapshots_sent = 0;  ///< Whose receiver then held all of it.
  std::uint64_t snapshots_installed = 0;
  std::uint64_t absurd_terms = 0;  ///< Messages ignored for a term 2^32 or more above this node's.
  std::uint64_t lease_reads = 0;   ///< Granted as the leader without asking anyone.
  std::array<std::uint64_t, errc_count> proposals{};  ///< By Errc; [0] counts the applied ones.
  Histogram propose_to_applied_us;
  Histogram apply_us;  ///< One run of entries.
  Histogram sync_us;   ///< One write of the log, synced.
  Histogram batch_entries;
};

struct Status {
  NodeId id;
  GroupId group;
  RoleNow role = RoleNow::follower;
  Term term;
  NodeId leader;  ///< 0 while unknown.
  Index commit;
  Index applied;
  Index first_index;  ///< Of the oldest entry still in the log.
  Index last_index;
  /// In force; never null, empty before this node is told.
  LoggedMembership membership{{}, std::make_shared<const Membership>()};
  bool is_member = false;  ///< Named by the membership in force.
  bool is_removed = false;
  bool storage_full = false;  ///< The log or the state machine waits for space, or soon will.
  std::optional<Error> failure;
  std::size_t pending_proposals = 0;
  std::size_t pending_reads = 0;
  Duration since_leader_contact{0};   ///< On a follower.
  std::vector<PeerStatus> peers;      ///< On the leader.
  std::uint64_t receiving_bytes = 0;  ///< Of a snapshot on its way to this node.
  std::uint64_t receiving_bytes_total = 0;
  Counters counters;
};

}  // namespace raft
