#include "core/core.hpp"

#include <algorithm>
#include <type_traits>

#include "core/describe.hpp"
#include "core/invariants.hpp"
#include "util/assert.hpp"

namespace raft::core {

Core::Core(const Options& options, Recovered recovered, Instant now)
    : options_(options),
      random_(options.seed),
      now_(now),
      hard_(recovered.log.hard_state),
      log_(recovered.log),
      applied_(recovered.applied),
      handed_out_(recovered.applied) {
  RAFT_ASSERT(!options.lease_reads || options.check_quorum, "lease reads need check-quorum");
  RAFT_ASSERT(applied_ >= log_.base().last.index && applied_ <= log_.last_index());
  // All that was applied was committed, even if the commit index did not reach the disk.
  hard_.commit = std::max({hard_.commit, log_.base().last.index, applied_});
  written_hard_ = durable_hard_ = hard_;
  last_leader_contact_ = now - options_.timing.election_timeout;
  // A lease promised in an earlier life may still run.
  promised_until_ = now + hard_.lease_seen;
  // A node that was removed comes back only to hear it again.
  const LoggedMembership& committed = log_.membership_at(hard_.commit);
  if (log_.names(options_.id, options_.instance, hard_.commit)) named_by_ = committed.index;
  if (named_by_ && !committed.membership->names(options_.id, options_.instance)) {
    removed_by_ = committed.index;
  }
  reset_election_timer();
  dirty_ = true;
}

RoleNow Core::role() const {
  switch (role_.index()) {
    case 0:
      return RoleNow::follower;
    case 1:
      return RoleNow::pre_candidate;
    case 2:
      return RoleNow::candidate;
    default:
      return RoleNow::leader;
  }
}

void Core::tick(Instant now) {
  RAFT_ASSERT(now >= now_);
  now_ = now;
  dirty_ = true;
  if (!is_leader()) {
    retry_forwarded_reads();
    if (now_ >= election_deadline_) election_timeout();
    return;
  }
  check_quorum();
  if (!is_leader()) return;
  hand_over_if_disk_is_slow();
  check_transfer();
  heartbeat_if_due();
  repeat_offers();
  promote_learners();
  release_departing();
}

void Core::receive(const Message& message, Instant now) {
  RAFT_ASSERT(message.to == options_.id);
  RAFT_ASSERT(message.from != options_.id);
  now_ = std::max(now_, now);
  dirty_ = true;
  // Whoever grants a pre-vote may still be in an older term, and so may those who removed this
  // node.
  const bool is_of_any_term = std::holds_alternative<PreVoteReply>(message.body) ||
                              std::holds_alternative<Removed>(message.body);
  if (message.term < hard_.term && !is_of_any_term) {
    answer_stale_term(message);
    return;
  }
  if (message.term > hard_.term) {
    // A pre-vote changes nothing (thesis 9.6), and a vote that stickiness refuses must not raise
    // the term either, or one cut-off node could unseat a working leader (thesis 4.2.3).
    if (std::holds_alternative<PreVoteRequest>(message.body)) {
      deliver(message);
      return;
    }
    const auto* vote = std::get_if<VoteRequest>(&message.body);
    if (vote != nullptr && !vote->forced && is_sticky()) {
      note(NoteKind::vote_refused_sticky, message.from);
      tell_if_removed(message.from);
      claim(message.from, VoteReply{false});
      return;
    }
    note(NoteKind::term_adopted, message.from);
    become_follower(message.term, NodeId{});
  }
  deliver(message);
}

void Core::deliver(const Message& message) {
  const Index commit = hard_.commit;
  const bool led = is_leader();
  std::visit([&](const auto& body) { on(message, body); }, message.body);
  if (hard_.commit > commit && !led) check_commit(message, commit);
}

/// Whoever follows has committed no more than this message says and proves to match (C3). Were it
/// otherwise, an entry that the leader does not have would be applied.
void Core::check_commit(const Message& message, Index before) const {
  Index proven = before;
  if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
    const Index last{append->prev.index.value + append->entries.size()};
    proven = std::min(append->mark.commit, last);
  } else if (const auto* heartbeat = std::get_if<Heartbeat>(&message.body)) {
    proven = heartbeat->mark.commit;
  } else if (const auto* offer = std::get_if<SnapshotOffer>(&message.body)) {
    proven = offer->snapshot.meta.last.index;
  }
  RAFT_ASSERT(hard_.commit <= proven,
              "C3: commit " + to_string(hard_.commit) + " is not covered by " + describe(message));
}

// Only requests are answered, so that two nodes never answer each other's answers. A leader of an
// older term learns of ours and steps down. If the sender leads this term by now, the request comes
// from an earlier life of it: an answer that named the old session and round would confirm rounds
// that the new leader has not even begun, for sessions count from 1 in each life.
void Core::answer_stale_term(const Message& message) {
  note(NoteKind::stale_term_answered, message.from);
  const PeerMark no_mark{PeerSession{}, ReadRound{}, hard_.commit};
  if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
    claim(message.from, AppendRejected{no_mark, append->prev.index, log_.last()});
  } else if (std::holds_alternative<Heartbeat>(message.body)) {
    claim(message.from, HeartbeatReply{no_mark});
  } else if (const auto* offer = std::get_if<SnapshotOffer>(&message.body)) {
    claim(message.from, SnapshotDeclined{no_mark, offer->snapshot.meta.last.index});
  } else if (std::holds_alternative<VoteRequest>(message.body)) {
    claim(message.from, VoteReply{false});
    tell_if_removed(message.from);
  } else if (const auto* pre_vote = std::get_if<PreVoteRequest>(&message.body)) {
    on(message, *pre_vote);
  } else if (const auto* read = std::get_if<ReadRequest>(&message.body)) {
    claim(message.from, ReadReply{read->boot, read->sequence, false, Index{}});
  }
}

Result<EntryId> Core::propose(Command command, Instant now) {
  now_ = std::max(now_, now);
  Leader* leader = leading();
  if (leader == nullptr) return Errc::not_leader;
  if (command.bytes.size() > options_.limits.command_bytes_max) return Errc::too_large;
  if (leader->transfer) return Errc::transferring;
  if (leader->uncommitted_bytes >= options_.limits.uncommitted_bytes_max) {
    note(NoteKind::proposal_refused_busy);
    return Errc::busy;
  }
  append_as_leader(std::move(command));
  return log_.last();
}

void Core::persisted(std::uint64_t number, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  RAFT_ASSERT(number <= last_batch_);
  while (!staged_.empty() && staged_.front().number <= number) {
    const Staged& batch = staged_.front();
    if (batch.hard_state) durable_hard_ = *batch.hard_state;
    if (batch.base) ready_.restore = batch.base;
    staged_.pop_front();
  }
  log_.confirm(number);
  count_votes();
  advance_commit();
}

void Core::applied(Index upto) {
  dirty_ = true;
  RAFT_ASSERT(upto <= hard_.commit);
  if (restoring_) {
    if (upto < *restoring_) return;
    restoring_.reset();
  }
  applied_ = std::max(applied_, upto);
  while (!unapplied_.empty() && unapplied_.front().first <= upto) {
    unapplied_bytes_ -= unapplied_.front().second;
    unapplied_.pop_front();
  }
}

void Core::compacted(const SnapshotMeta& base) {
  dirty_ = true;
  RAFT_ASSERT(base.last.index <= applied_);
  log_.compact(base);
}

void Core::fetched(const LogFetch& fetch, std::vector<EntryPtr> entries, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  if (!fetch.peer) {
    fetching_to_apply_ = false;
    for (EntryPtr& entry : entries) {
      if (entry->index != handed_out_.next() || restoring_) continue;
      handed_out_ = entry->index;
      unapplied_.emplace_back(entry->index, size_of(*entry));
      unapplied_bytes_ += size_of(*entry);
      ready_.apply.push_back(std::move(entry));
    }
    return;
  }
  // Whatever changed meanwhile makes the answer useless: a new term, a new session, a rejection.
  Leader* leader = leading();
  if (leader == nullptr || fetch.term != hard_.term) return;
  const auto found = leader->peers.find(fetch.peer);
  if (found == leader->peers.end() || found->second.session != fetch.session) return;
  Progress& peer = found->second;
  if (!peer.fetching) return;
  peer.fetching = false;
  if (peer.next != fetch.first || peer.next <= log_.base().last.index) return;
  if (entries.empty()) {
    // Erased meanwhile, or unreadable: after the next heartbeat the base tells which.
    peer.paused = true;
    return;
  }
  send_append(fetch.peer, peer, std::move(entries));
}

void Core::peer_connected(NodeId id, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  if (id == leader_ && leader_lost_) {
    leader_lost_ = false;
    note(NoteKind::leader_found, id);
    reset_election_timer();
  }
  tell_if_removed(id);
  if (Leader* leader = leading()) {
    const auto peer = leader->peers.find(id);
    if (peer == leader->peers.end()) return;
    peer->second.restart(fresh_session());  // The probe that this turn sends says hello.
  }
}

void Core::peer_lost(NodeId id, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  if (id == leader_ && !is_leader()) {
    leader_lost_ = true;
    note(NoteKind::leader_lost, id);
    hurry_election();
  }
  if (Leader* leader = leading()) {
    const auto peer = leader->peers.find(id);
    if (peer != leader->peers.end()) peer->second.restart(fresh_session());
  }
}

bool Core::has_ready() const { return dirty_; }

Ready Core::take_ready(Instant now) {
  now_ = std::max(now_, now);
  if (is_leader()) {
    send_timeout_now_if_ready();
    begin_read_round();
    send_appends();
  } else {
    forward_reads();
  }
  hand_out_entries();
  stage_batch();
  log_.shrink(options_.limits.log_cache_bytes, std::min(log_.stable(), hard_.commit));
  const SoftState soft{role(), leader_at_hand(), removed()};
  if (soft != told_) ready_.soft_state = told_ = soft;
  dirty_ = false;
  return std::exchange(ready_, {});
}

/// Sends a message as soon as all that it claims is on disk.
void Core::claim(NodeId to, MessageBody body) {
  Message message{options_.id, to, hard_.term, std::move(body)};
  (is_confirmed(message) ? ready_.send : claims_).push_back(std::move(message));
}

bool Core::is_confirmed(const Message& message) const {
  // It asks for nothing but an opinion. Behind a disk that stands still, more and more would wait.
  if (std::holds_alternative<PreVoteRequest>(message.body)) return true;
  if (durable_hard_.term != message.term) return false;
  if (const auto* vote = std::get_if<VoteReply>(&message.body); vote != nullptr && vote->granted) {
    return durable_hard_.vote == message.to;
  }
  if (std::holds_alternative<VoteRequest>(message.body)) {
    return durable_hard_.vote == options_.id;
  }
  // Any answer to a round may be a promise not to elect anyone for a while.
  if (durable_hard_.lease_seen < hard_.lease_seen) return false;
  if (const auto* accepted = std::get_if<AppendAccepted>(&message.body)) {
    return accepted->match <= log_.stable();
  }
  return true;
}

// Hard state goes with its entries, in one batch. The commit index rides along and causes a batch
// of its own but once: when this node has become a member. Were that forgotten, a later life would
// take its removal for that of a newcomer whose entry was never committed.
void Core::stage_batch() {
  const bool must_write = hard_.term != written_hard_.term || hard_.vote != written_hard_.vote ||
                          hard_.lease_seen != written_hard_.lease_seen ||
                          (named_by_ && written_hard_.commit < *named_by_);
  if (!must_write && !log_.has_unstaged() && claims_.empty()) return;
  PersistWork work;
  work.number = ++last_batch_;
  log_.stage(work);
  if (must_write || (hard_ != written_hard_ && work.writes())) work.hard_state = hard_;
  check_batch(work);
  if (work.hard_state) written_hard_ = hard_;
  work.then_send = std::exchange(claims_, {});
  staged_.push_back({work.number, work.hard_state, work.base, work.writes(), now_});
  ready_.persist = std::move(work);
}

/// What the disk holds behind this batch is a state that this node was in (D4): whatever a power
/// cut leaves is the end of some batch.
void Core::check_batch(const PersistWork& work) const {
  const HardState& hard = work.hard_state ? *work.hard_state : written_hard_;
  RAFT_ASSERT(log_.last().term <= hard.term, "D4: an entry is newer than the term on disk");
  RAFT_ASSERT(hard.commit <= log_.last_index(), "D4: commit on disk is above the last entry");
  RAFT_ASSERT(hard.term >= written_hard_.term, "D4: the term on disk falls");
  RAFT_ASSERT(hard.commit >= written_hard_.commit, "D4: commit on disk falls");
  RAFT_ASSERT(
      hard.term > written_hard_.term || !written_hard_.vote || hard.vote == written_hard_.vote,
      "D4: the vote on disk changes within a term");
  RAFT_ASSERT(!work.base || hard.commit >= work.base->last.index,
              "D4: commit on disk is below the base");
}

// Committed is not enough: what is applied must also be on this disk, or a power cut would leave
// a machine ahead of its log.
void Core::hand_out_entries() {
  if (restoring_ || fetching_to_apply_) return;
  const Index end = std::min(hard_.commit, log_.stable());
  while (handed_out_ < end && unapplied_bytes_ < options_.limits.apply_bytes_max) {
    const std::size_t room = options_.limits.apply_bytes_max - unapplied_bytes_;
    const Index first = handed_out_.next();
    if (first < log_.memory_first()) {
      ready_.fetch.push_back({NodeId{}, first, std::min(end, log_.memory_first().prev()), room,
                              hard_.term, PeerSession{}});
      fetching_to_apply_ = true;
      return;
    }
    for (EntryPtr& entry : log_.slice(first, end, room)) {
      handed_out_ = entry->index;
      unapplied_.emplace_back(entry->index, size_of(*entry));
      unapplied_bytes_ += size_of(*entry);
      ready_.apply.push_back(std::move(entry));
    }
  }
}

void Core::note(NoteKind kind, NodeId peer, Index index) {
  ready_.notes.push_back({kind, peer, hard_.term, index});
}

}  // namespace raft::core
