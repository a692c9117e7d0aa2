// Log replication: appends, heartbeats and the commit index (thesis 3.5, 3.6, 10.2.1).
#include <algorithm>

#include "core/core.hpp"
#include "core/quorum.hpp"
#include "util/assert.hpp"

namespace raft::core {

// --- the follower's side ---

/// False: somebody else leads this term. Election safety is broken somewhere, and nothing of this
/// sender may be believed.
bool Core::accept_leader(const Message& message, const LeaderMark& mark) {
  if (leader_ && leader_ != message.from) {
    note(NoteKind::second_leader, message.from);
    return false;
  }
  if (!std::holds_alternative<Follower>(role_) || leader_ != message.from) {
    become_follower(hard_.term, message.from);
  }
  if (leader_lost_) note(NoteKind::leader_found, message.from);
  leader_lost_ = false;
  last_leader_contact_ = now_;
  reset_election_timer();
  if (mark.lease_asked > Duration{0}) {
    const Duration promise = std::min(mark.lease_asked, lease_asked_max);
    promised_until_ = std::max(promised_until_, now_ + promise);
    hard_.lease_seen = std::max(hard_.lease_seen, promise);
  }
  return true;
}

PeerMark Core::echo(const LeaderMark& mark) const {
  return {mark.session, mark.round, hard_.commit};
}

void Core::on(const Message& message, const AppendRequest& request) {
  if (!accept_leader(message, request.mark)) return;
  EntryId prev = request.prev;
  auto entry = request.entries.begin();
  if (prev.index < hard_.commit) {
    // What is committed here is the same on every leader (thesis 3.6.3), known to match unseen.
    note(NoteKind::append_below_commit, message.from, prev.index);
    while (entry != request.entries.end() && (*entry)->index <= hard_.commit) ++entry;
    prev = {*log_.term_at(hard_.commit), hard_.commit};
  } else if (prev.index > log_.last_index()) {
    return reject_append(message, request, NoteKind::append_gap_rejected);
  } else if (!log_.matches(prev)) {
    return reject_append(message, request, NoteKind::append_conflict_rejected);
  }
  Index match = prev.index;
  for (; entry != request.entries.end(); ++entry) {
    match = (*entry)->index;
    if (log_.matches((*entry)->id())) continue;  // Never truncate for what is there already.
    if (match <= log_.last_index()) {
      RAFT_ASSERT(match > hard_.commit, "committed entry " + to_string(match) + " conflicts");
      note(NoteKind::log_truncated, message.from, match);
      if (log_.truncate_from(match)) {
        note(NoteKind::membership_rolled_back, {}, membership().index);
        membership_in_force_changed();
      }
    }
    log_.append(*entry);
    if ((*entry)->membership() != nullptr) membership_in_force_changed();
  }
  raise_commit(std::min(request.mark.commit, match));
  claim(message.from, AppendAccepted{echo(request.mark), match});
}

void Core::reject_append(const Message& message, const AppendRequest& request, NoteKind why) {
  note(why, message.from, request.prev.index);
  claim(message.from, AppendRejected{echo(request.mark), request.prev.index,
                                     log_.last_not_above({request.prev.term, request.prev.index})});
}

void Core::on(const Message& message, const Heartbeat& heartbeat) {
  if (!accept_leader(message, heartbeat.mark)) return;
  // The leader never tells more than it knows this log to hold.
  raise_commit(std::min(heartbeat.mark.commit, log_.last_index()));
  claim(message.from, HeartbeatReply{echo(heartbeat.mark)});
}

// --- the leader's side ---

/// The peer, if the answer belongs to the present stretch of talk with it.
Progress* Core::answered(NodeId from, const PeerMark& mark) {
  Leader* leader = leading();
  if (leader == nullptr) return nullptr;
  const auto found = leader->peers.find(from);
  if (found == leader->peers.end()) return nullptr;
  Progress& peer = found->second;
  if (peer.session != mark.session) {
    note(NoteKind::stale_session_ignored, from);
    return nullptr;
  }
  peer.last_heard = now_;
  peer.commit_known = std::max(peer.commit_known, mark.commit);
  if (mark.round > peer.acked_round) {
    peer.acked_round = mark.round;
    confirm_read_round();
  }
  return &peer;
}

void Core::on(const Message& message, const AppendAccepted& reply) {
  Progress* peer = answered(message.from, reply.mark);
  if (peer == nullptr) return;
  RAFT_ASSERT(reply.match <= log_.last_index());
  matched(message.from, *peer, reply.match);
}

void Core::matched(NodeId id, Progress& peer, Index match) {
  if (match > peer.match) {
    peer.match = match;
    peer.next = std::max(peer.next, match.next());
    // Something arrived after all, a snapshot that was given up perhaps: another may be tried.
    peer.snapshot_failures = 0;
    peer.no_snapshot_before.reset();
  }
  peer.inflight.acknowledged(peer.match, now_);
  if (peer.state == Progress::State::probe) {
    note(NoteKind::peer_replicates, id, peer.match);
    peer.become_replicate();
  } else if (peer.state == Progress::State::snapshot && peer.match >= log_.base().last.index &&
             (!peer.offered || peer.match >= peer.offered->meta.last.index)) {
    // The snapshot arrived, or the log reaches it after all.
    note(NoteKind::peer_replicates, id, peer.match);
    peer.become_replicate();
  } else if (peer.state == Progress::State::snapshot && peer.offered &&
             peer.match >= peer.offered->meta.last.index) {
    // It arrived, but the base has passed it meanwhile: it takes a newer one.
    peer.become_probe();
  }
  update_catch_up(id, peer);
  advance_commit();
}

void Core::on(const Message& message, const AppendRejected& reply) {
  Progress* peer = answered(message.from, reply.mark);
  if (peer == nullptr || peer->state == Progress::State::snapshot) return;
  // A rejection of something older than what is known to match is a late echo.
  if (reply.rejected <= peer->match) return;
  if (peer->state == Progress::State::probe && reply.rejected.next() != peer->next) return;
  const EntryId agreed = log_.last_not_above(reply.hint);
  peer->become_probe();
  // Always further down: at or below the base only a snapshot helps.
  const Index next = std::min({agreed.index.next(), reply.hint.index.next(), reply.rejected});
  peer->next = std::max(peer->match.next(), next);
  note(NoteKind::peer_probes, message.from, peer->next);
}

void Core::on(const Message& message, const HeartbeatReply& reply) {
  Progress* peer = answered(message.from, reply.mark);
  if (peer == nullptr) return;
  if (peer->heartbeat_sent) {
    const Duration sample = now_ - *peer->heartbeat_sent;
    peer->heartbeat_sent.reset();
    peer->round_trip =
        peer->round_trip == Duration{0} ? sample : (peer->round_trip * 7 + sample) / 8;
  }
  peer->paused = false;
  update_catch_up(message.from, *peer);  // With nothing to append, a round ends here.
  if (peer->state != Progress::State::replicate) return;
  // It is alive, yet something sent a while ago is unanswered: either its disk is slow or it got
  // lost. An append without entries behind the last one tells which, and costs next to nothing.
  // The window stays as it is: to a slow disk every further entry would be one too many.
  const std::optional<Instant> oldest = peer->inflight.oldest();
  if (!oldest || now_ - *oldest < options_.timing.heartbeat) return;
  if (peer->next <= log_.base().last.index) return request_snapshot(message.from, *peer);
  send_append(message.from, *peer, {});
}

void Core::append_as_leader(EntryBody body) {
  Leader& leader = *leading();
  const Duration passed = std::max(now_ - leader.clock_at_start, Duration{0});
  const LogTime time =
      std::max(log_.last_time(), LogTime{leader.time_at_start.since_founding + passed});
  auto entry =
      std::make_shared<Entry>(Entry{hard_.term, log_.last_index().next(), time, std::move(body)});
  if (entry->command() != nullptr) {
    // Only commands count: a no-op or a membership must always get through (etcd's rule too).
    leader.uncommitted.emplace_back(entry->index, size_of(*entry));
    leader.uncommitted_bytes += size_of(*entry);
  }
  log_.append(std::move(entry));
  dirty_ = true;
}

void Core::send_appends() {
  for (auto& [id, peer] : leading()->peers) send_appends_to(id, peer);
}

void Core::send_appends_to(NodeId id, Progress& peer) {
  while (!peer.fetching && peer.state != Progress::State::snapshot && !peer.paused) {
    if (peer.state == Progress::State::replicate) {
      if (peer.next > log_.last_index()) return;
      if (peer.inflight.is_full()) return note(NoteKind::inflight_full, id);
    }
    if (peer.next <= log_.base().last.index) return request_snapshot(id, peer);
    if (peer.next < log_.memory_first()) {
      note(NoteKind::peer_fetches, id, peer.next);
      peer.fetching = true;
      ready_.fetch.push_back({id, peer.next, log_.memory_first().prev(),
                              options_.limits.append_bytes_max, hard_.term, peer.session});
      return;
    }
    send_append(id, peer,
                log_.slice(peer.next, log_.last_index(), options_.limits.append_bytes_max));
  }
}

void Core::send_append(NodeId id, Progress& peer, std::vector<EntryPtr> entries) {
  AppendRequest request;
  request.prev = {*log_.term_at(peer.next.prev()), peer.next.prev()};
  const Index end = entries.empty() ? request.prev.index : entries.back()->index;
  request.mark = mark_for(peer, end);
  if (!entries.empty() && peer.state == Progress::State::replicate) {
    std::size_t bytes = 0;
    for (const EntryPtr& entry : entries) bytes += size_of(*entry);
    peer.inflight.sent(end, bytes, now_);
    peer.next = end.next();
  }
  if (peer.state == Progress::State::probe) peer.paused = true;
  peer.last_sent = now_;
  request.entries = std::move(entries);
  claim(id, std::move(request));
}

LeaderMark Core::mark_for(Progress& peer, Index holds) {
  const Index commit = std::min(hard_.commit, holds);
  peer.commit_sent = std::max(peer.commit_sent, commit);
  const Leader& leader = *leading();
  const bool asks_lease = options_.lease_reads && !leader.lease.is_given_up();
  return {peer.session, leader.reads.newest(), commit,
          asks_lease ? options_.timing.election_timeout : Duration{0}};
}

void Core::send_heartbeat(NodeId id, Progress& peer) {
  const LeaderMark mark = mark_for(peer, peer.match);
  if (!peer.heartbeat_sent) peer.heartbeat_sent = now_;
  peer.last_sent = now_;
  claim(id, Heartbeat{mark});
}

void Core::heartbeat_if_due() {
  Leader& leader = *leading();
  const bool renews_lease = options_.lease_reads && serves_reads() && !leader.reads.under_way() &&
                            !leader.lease.is_given_up();
  for (auto& [id, peer] : leader.peers) {
    const bool due = now_ - peer.last_sent >= options_.timing.heartbeat;
    if (due && renews_lease && !leader.reads.under_way()) leader.reads.begin(hard_.commit, now_);
    // News of a commit that no append carried is at most a tick late.
    const bool has_news = std::min(hard_.commit, peer.match) > peer.commit_sent;
    if (due || has_news) send_heartbeat(id, peer);
  }
}

// Thesis 3.6.2: only an entry of the own term is committed by counting, and everything before it
// with it. The own log counts as far as it is on disk.
void Core::advance_commit() {
  Leader* leader = leading();
  if (leader == nullptr) return;
  const Index reached = quorum_index(*membership().membership, [&](NodeId id) {
    if (id == options_.id) return log_.stable();
    const auto peer = leader->peers.find(id);
    return peer == leader->peers.end() ? Index{} : peer->second.match;
  });
  if (reached <= hard_.commit) return;
  if (log_.term_at(reached) != hard_.term) {
    note(NoteKind::commit_waits_for_own_term, {}, reached);
    return;
  }
  raise_commit(reached);
}

void Core::raise_commit(Index commit) {
  if (commit <= hard_.commit) return;
  RAFT_ASSERT(commit <= log_.last_index());
  const Index before = std::exchange(hard_.commit, commit);
  note(NoteKind::commit_advanced, {}, commit);
  if (Leader* leader = leading()) {
    while (!leader->uncommitted.empty() && leader->uncommitted.front().first <= commit) {
      leader->uncommitted_bytes -= leader->uncommitted.front().second;
      leader->uncommitted.pop_front();
    }
  }
  memberships_committed_after(before);
  leave_joint_if_due();
}

}  // namespace raft::core
