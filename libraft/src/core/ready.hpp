// The outputs of the core: one value per turn, which its driver carries out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/status.hpp>
#include <libraft/types.hpp>
#include "protocol/durable.hpp"
#include "protocol/entry.hpp"
#include "protocol/message.hpp"

namespace raft::core {

/// Entries no longer in memory, wanted from the disk. Answered through Core::fetched().
struct LogFetch {
  NodeId peer;  ///< For whom; 0: to be applied here.
  Index first;
  Index last;
  std::size_t bytes_max = 0;  ///< At least one entry comes, however large.
  Term term;
  PeerSession session;
};

/// What came of the reads that joined a round.
struct ReadGrant {
  std::uint64_t ticket = 0;    ///< As request_read() gave it.
  std::optional<Index> index;  ///< Serve once this is applied; absent: ask again.
};

/// A snapshot is to be sent to a peer, and must reach at least up to `minimum`.
struct SnapshotSend {
  NodeId to;
  Index minimum;
};

/// An offer was accepted: fetch it from the leader.
struct SnapshotWanted {
  NodeId from;
  Term term;
  PeerSession session;
  SnapshotInfo snapshot;
};

struct SoftState {
  RoleNow role = RoleNow::follower;
  NodeId leader;
  bool removed = false;

  bool operator==(const SoftState&) const = default;
};

/// Why things happened.
enum class NoteKind : std::uint8_t {
  election_timeout,
  pre_campaign,
  campaign,
  became_leader,
  became_follower,
  stepped_down_without_quorum,
  stepped_down_removed,
  vote_granted,
  vote_refused_stale_log,
  vote_refused_already_voted,
  vote_refused_sticky,
  vote_refused_no_member,
  vote_refused_lease,
  term_adopted,
  stale_term_answered,
  log_truncated,
  append_gap_rejected,
  append_conflict_rejected,
  append_below_commit,
  stale_session_ignored,
  commit_advanced,
  commit_waits_for_own_term,
  membership_appended,
  membership_rolled_back,
  membership_committed,
  joint_left,
  learner_round,
  learner_promoted,
  departing_released,
  peer_probes,
  peer_replicates,
  peer_needs_snapshot,
  peer_fetches,
  inflight_full,
  proposal_refused_busy,
  read_round_started,
  read_round_confirmed,
  reads_failed,
  lease_extended,
  lease_dropped,
  transfer_started,
  transfer_sent,
  transfer_aborted,
  slow_disk_hands_over,
  snapshot_accepted,
  snapshot_below_commit,
  snapshot_matches_log,
  snapshot_installed,
  snapshot_failed,
  leader_lost,
  leader_found,
  removed,
  second_leader,
  count_  ///< Not a note.
};

const char* to_string(NoteKind);

struct Note {
  NoteKind kind;
  NodeId peer{};
  Term term{};
  Index index{};
};

struct Ready {
  std::vector<Message> send;  ///< May go now: the leader's appends overlap its own sync.
  std::optional<PersistWork> persist;
  std::optional<SnapshotMeta> restore;  ///< Installed: restore the machine, then applied().
  std::vector<EntryPtr> apply;          ///< Committed and durable here, in order, without a gap.
  std::vector<ReadGrant> reads;
  std::vector<LogFetch> fetch;
  std::vector<SnapshotSend> snapshot_to;
  std::optional<SnapshotWanted> snapshot_wanted;
  std::optional<SoftState> soft_state;  ///< When it changed.
  std::vector<Note> notes;
};

}  // namespace raft::core
