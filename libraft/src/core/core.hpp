// Raft for one group as a deterministic value machine. See README.md for the order of reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/membership.hpp>
#include <libraft/options.hpp>
#include "core/lease.hpp"
#include "core/log.hpp"
#include "core/progress.hpp"
#include "core/random.hpp"
#include "core/read_queue.hpp"
#include "core/ready.hpp"

namespace raft::core {

struct Options {
  NodeId id;
  InstanceId instance;
  BootNumber boot;
  std::uint64_t seed = 0;  ///< For election timeouts.
  Timing timing;
  Limits limits;
  bool pre_vote = true;
  bool check_quorum = true;
  bool lease_reads = false;
};

/// What the disk and the state machine gave back at the start.
struct Recovered {
  RecoveredLog log;
  Index applied;  ///< What the state machine has; at least the base, at most the last entry.
};

struct Follower {};

/// Asks whether it could win before it disturbs anyone (thesis 9.6).
struct PreCandidate {
  std::map<NodeId, bool> votes;
};

struct Candidate {
  std::map<NodeId, bool> votes;  ///< The own one only once it is on disk.
};

/// A leadership that is being handed over.
struct Transfer {
  NodeId target;
  Instant deadline;
  bool sent = false;  ///< TimeoutNow has left.
};

struct Leader {
  std::map<NodeId, Progress> peers;  ///< Everyone but this node, departing ones included.
  ReadQueue reads;
  Lease lease;
  std::optional<Transfer> transfer;
  Index term_start;  ///< Of this term's no-op: nothing is served before it committed.
  std::deque<std::pair<Index, std::size_t>> uncommitted;  ///< Commands of this term, with sizes.
  std::size_t uncommitted_bytes = 0;
  LogTime time_at_start;   ///< Log time continues from here ...
  Instant clock_at_start;  ///< ... by what has passed since.
};

/// A follower's reads on their way to the leader, one batch at a time.
struct ForwardedReads {
  struct UnderWay {
    std::uint64_t ticket = 0;
    std::uint64_t first_sequence = 0;  ///< Of the first time that it was asked.
    std::uint64_t sequence = 0;        ///< Of the last.
    bool lease = false;
    Instant asked{};
  };
  std::optional<UnderWay> under_way;
  std::optional<std::uint64_t> waiting;  ///< Ticket of the batch that goes next.
  bool waiting_lease = true;             ///< Whether a lease will do for all of it.
  std::uint64_t last_sequence = 0;
};

/// Inputs are methods, completions are inputs too, outputs are pulled with take_ready(). Time comes
/// in as a value and must not fall. The driver calls take_ready() at the end of each turn and
/// carries it out before the next; work of one Ready is carried out in any order but persist in
/// the order of numbers. Not thread-safe; touched by one thread at a time.
class Core {
 public:
  Core(const Options& options, Recovered recovered, Instant now);

  // --- inputs ---
  void tick(Instant now);
  void receive(const Message& message, Instant now);

  /// Leader only: not_leader, transferring, busy, too_large.
  Result<EntryId> propose(Command command, Instant now);
  /// Leader only. The result is the entry that begins the change; the change is complete when a
  /// membership that is not joint is applied at or after it. An empty change of what is already so
  /// gives the index of the membership in force.
  Result<EntryId> change_membership(const MembershipChange& change, Instant now);
  /// A ticket that comes back in a ReadGrant. On a follower it is asked of the leader.
  Result<std::uint64_t> request_read(bool lease, Instant now);
  /// Leader only. 0: the most up-to-date voter.
  Result<NodeId> transfer_leadership(NodeId target, Instant now);

  /// All batches up to `number` are on disk.
  void persisted(std::uint64_t number, Instant now);
  /// The machine has everything up to here, also after a restore.
  void applied(Index upto);
  /// Everything up to `base` has been erased from the log on disk; never above applied.
  void compacted(const SnapshotMeta& base);
  void fetched(const LogFetch& fetch, std::vector<EntryPtr> entries, Instant now);

  /// A snapshot for SnapshotSend::to is at hand; the core makes the offer.
  void offer_snapshot(NodeId to, const SnapshotInfo& snapshot, Instant now);
  /// There is none, or its transfer was given up. Tried again after a pause.
  void snapshot_failed(NodeId to, Instant now);
  /// A SnapshotWanted ended: the file is complete, verified and synced, or it was given up.
  void snapshot_received(const SnapshotWanted& wanted, bool complete, Instant now);

  /// The control connection came up or broke.
  void peer_connected(NodeId peer, Instant now);
  void peer_lost(NodeId peer, Instant now);

  // --- outputs ---
  bool has_ready() const;
  Ready take_ready(Instant now);

  // --- what it is now ---
  const Options& options() const { return options_; }
  NodeId id() const { return options_.id; }
  RoleNow role() const;
  bool is_leader() const { return std::holds_alternative<Leader>(role_); }
  const Leader* leader_state() const { return std::get_if<Leader>(&role_); }
  /// Of the current term, as far as known; it may be gone.
  NodeId leader() const { return leader_; }
  /// Who can be asked: 0 while the leader is unknown, or its connection broke and it was not heard
  /// of since. What is passed on then would be lost on the spot; to refuse it is the plain truth.
  NodeId leader_at_hand() const { return leader_lost_ ? NodeId{} : leader_; }
  const HardState& hard_state() const { return hard_; }
  const HardState& durable_hard_state() const { return durable_hard_; }
  /// The latest instant that it was told.
  Instant now() const { return now_; }
  Term term() const { return hard_.term; }
  Index commit() const { return hard_.commit; }
  Index applied_index() const { return applied_; }
  Index handed_out() const { return handed_out_; }
  const Log& log() const { return log_; }
  /// In force: the newest in the log, committed or not.
  const LoggedMembership& membership() const { return log_.membership(); }
  /// A committed membership does not name this node any more, and nothing in the log takes it in
  /// again.
  bool removed() const;
  /// A committed membership names this very directory, or once did.
  bool was_named() const { return named_by_.has_value(); }
  Instant election_deadline() const { return election_deadline_; }
  Instant last_leader_contact() const { return last_leader_contact_; }
  /// Nothing above this index may be erased: a snapshot being sent must stay useful.
  Index compaction_limit() const;
  /// The peers that hold it back.
  std::vector<NodeId> compaction_holders() const;
  /// No vote is granted before, because a lease was promised.
  Instant promised_until() const { return promised_until_; }
  bool has_lost_leader() const { return leader_lost_; }
  /// So often a lease has answered, without a round.
  std::uint64_t lease_reads() const { return lease_reads_; }

 private:
  // core.cpp
  void claim(NodeId to, MessageBody body);
  bool is_confirmed(const Message& message) const;
  void note(NoteKind kind, NodeId peer = {}, Index index = {});
  void deliver(const Message& message);
  void check_commit(const Message& message, Index before) const;
  void answer_stale_term(const Message& message);
  void stage_batch();
  void check_batch(const PersistWork& work) const;
  void hand_out_entries();

  // core_election.cpp: follower, candidates, votes
  void become_follower(Term term, NodeId leader);
  void become_leader();
  Duration draw(Duration low, Duration high);
  void reset_election_timer();
  void hurry_election();
  void forget_leader();
  void election_timeout();
  void campaign_for_pre_votes();
  void campaign(bool forced);
  template <class Request>
  void ask_for_votes(Request request);
  bool may_campaign() const;
  bool is_only_voter() const;
  bool is_sticky() const;
  std::optional<NoteKind> reason_to_refuse(EntryId candidate_last, bool forced,
                                           InstanceId voter) const;
  void on(const Message& message, const PreVoteRequest& request);
  void on(const Message& message, const PreVoteReply& reply);
  void on(const Message& message, const VoteRequest& request);
  void on(const Message& message, const VoteReply& reply);
  void count_pre_votes();
  void count_votes();
  void tell_if_removed(NodeId sender);
  void check_quorum();

  // core_replication.cpp: appends, heartbeats, commit
  Progress* answered(NodeId from, const PeerMark& mark);
  bool accept_leader(const Message& message, const LeaderMark& mark);
  PeerMark echo(const LeaderMark& mark) const;
  LeaderMark mark_for(Progress& peer, Index holds);
  void on(const Message& message, const AppendRequest& request);
  void on(const Message& message, const AppendAccepted& reply);
  void on(const Message& message, const AppendRejected& reply);
  void on(const Message& message, const Heartbeat& heartbeat);
  void on(const Message& message, const HeartbeatReply& reply);
  void reject_append(const Message& message, const AppendRequest& request, NoteKind why);
  void append_as_leader(EntryBody body);
  void send_appends();
  void send_appends_to(NodeId id, Progress& peer);
  void send_append(NodeId id, Progress& peer, std::vector<EntryPtr> entries);
  void send_heartbeat(NodeId id, Progress& peer);
  void matched(NodeId id, Progress& peer, Index match);
  void advance_commit();
  void raise_commit(Index commit);
  void heartbeat_if_due();

  // core_reads.cpp
  void on(const Message& message, const ReadRequest& request);
  void on(const Message& message, const ReadReply& reply);
  bool serves_reads() const;
  bool lease_serves() const;
  void begin_read_round();
  void confirm_read_round();
  void grant(const ReadBatch& batch, Index index);
  void fail_reads();
  void forward_reads();
  void retry_forwarded_reads();

  // core_membership.cpp
  EntryId append_membership(Membership membership);
  bool change_is_possible() const;
  void membership_in_force_changed();
  void memberships_committed_after(Index before);
  void membership_committed(const LoggedMembership& current);
  void leave_joint_if_due();
  void promote_learners();
  void update_catch_up(NodeId id, Progress& peer);
  void release_departing();
  Progress& add_peer(NodeId id);
  PeerSession fresh_session() { return {next_session_++}; }
  void on(const Message& message, const Removed& removed);

  // core_snapshot.cpp
  void request_snapshot(NodeId id, Progress& peer);
  void send_offer(NodeId id, Progress& peer);
  void repeat_offers();
  void on(const Message& message, const SnapshotOffer& offer);
  void on(const Message& message, const SnapshotDeclined& declined);
  void install(const SnapshotMeta& meta);

  // core_transfer.cpp
  void on(const Message& message, const TimeoutNow& request);
  NodeId best_successor() const;
  void send_timeout_now_if_ready();
  void abort_transfer();
  void check_transfer();
  void hand_over_if_disk_is_slow();

  Leader* leading() { return std::get_if<Leader>(&role_); }

  /// A batch that the driver has and the disk has not yet confirmed.
  struct Staged {
    std::uint64_t number;
    std::optional<HardState> hard_state;
    std::optional<SnapshotMeta> base;
    bool writes;
    Instant taken;
  };

  const Options options_;
  Random random_;
  Instant now_;

  HardState hard_;          ///< As it is now; `commit` is the commit index.
  HardState written_hard_;  ///< As of the last batch handed out.
  HardState durable_hard_;  ///< As of the last batch confirmed.
  Log log_;
  std::deque<Staged> staged_;
  std::uint64_t last_batch_ = 0;

  std::variant<Follower, PreCandidate, Candidate, Leader> role_;
  NodeId leader_;                ///< Of the current term, 0 while unknown.
  bool leader_lost_ = false;     ///< Its connection broke and nothing came from it since.
  Instant election_deadline_;    ///< Not used while leading.
  Instant last_leader_contact_;  ///< For stickiness; far back at the start.
  Instant promised_until_;       ///< A lease was promised until then.
  std::uint64_t next_session_ = 1;
  std::optional<Index> named_by_;    ///< The first committed membership known to name this node.
  std::optional<Index> removed_by_;  ///< The committed membership that does not name it any more.

  ForwardedReads forwarded_;
  std::uint64_t next_ticket_ = 1;
  std::uint64_t lease_reads_ = 0;  ///< Of this life.

  Index applied_;                                        ///< What the machine has.
  Index handed_out_;                                     ///< What it was given.
  std::deque<std::pair<Index, std::size_t>> unapplied_;  ///< Handed out, with sizes.
  std::size_t unapplied_bytes_ = 0;
  bool fetching_to_apply_ = false;
  std::optional<Index> restoring_;  ///< The machine is to be restored up to here first.

  std::optional<SnapshotWanted> receiving_;

  bool dirty_ = false;
  Ready ready_;
  std::vector<Message> claims_;  ///< Wait for this turn's batch.
  SoftState told_;               ///< The last soft state handed out.
};

}  // namespace raft::core
