// Snapshots: offering them to peers that are too far behind, and installing them (thesis 5).
#include <algorithm>

#include "core/core.hpp"
#include "util/assert.hpp"

namespace raft::core {
namespace {

/// Of the pause after a failed snapshot: 32 election timeouts, a quarter of a minute by default.
constexpr std::uint32_t doublings_max = 5;

}  // namespace

// --- the leader's side ---

void Core::request_snapshot(NodeId id, Progress& peer) {
  if (peer.no_snapshot_before && now_ < *peer.no_snapshot_before) {
    // Heartbeats go on meanwhile; the next answer to one tries again.
    peer.paused = true;
    return;
  }
  note(NoteKind::peer_needs_snapshot, id, peer.next);
  peer.become_snapshot();
  ready_.snapshot_to.push_back({id, log_.base().last.index});
}

void Core::offer_snapshot(NodeId to, const SnapshotInfo& snapshot, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  Leader* leader = leading();
  if (leader == nullptr) return;
  const auto peer = leader->peers.find(to);
  if (peer == leader->peers.end() || peer->second.state != Progress::State::snapshot) return;
  // A file that was received may be on offer before the own machine has been restored from it.
  RAFT_ASSERT(snapshot.meta.last.index <= hard_.commit);
  if (snapshot.meta.last.index < log_.base().last.index) {
    ready_.snapshot_to.push_back({to, log_.base().last.index});  // Too old by now.
    return;
  }
  peer->second.offered = snapshot;
  send_offer(to, peer->second);
}

void Core::send_offer(NodeId id, Progress& peer) {
  peer.offer_again = now_ + options_.timing.election_timeout;
  claim(id, SnapshotOffer{mark_for(peer, peer.match), *peer.offered});
}

// An offer may get lost like anything else; whoever is fetching already ignores the repetition.
void Core::repeat_offers() {
  for (auto& [id, peer] : leading()->peers) {
    if (peer.offered && now_ >= peer.offer_again) send_offer(id, peer);
  }
}

void Core::snapshot_failed(NodeId to, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  Leader* leader = leading();
  if (leader == nullptr) return;
  const auto peer = leader->peers.find(to);
  if (peer == leader->peers.end() || peer->second.state != Progress::State::snapshot) return;
  note(NoteKind::snapshot_failed, to);
  // Whoever has no room for it, or whose link is too slow, is not asked all the time.
  const std::uint32_t doublings = std::min(peer->second.snapshot_failures++, doublings_max);
  peer->second.no_snapshot_before = now_ + options_.timing.election_timeout * (1u << doublings);
  peer->second.become_probe();
}

void Core::on(const Message& message, const SnapshotDeclined& declined) {
  const Progress* peer = answered(message.from, declined.mark);
  if (peer == nullptr || !peer->offered) return;
  if (peer->offered->meta.last.index == declined.last) snapshot_failed(message.from, now_);
}

Index Core::compaction_limit() const {
  Index limit = applied_;
  if (const Leader* leader = leader_state()) {
    for (const auto& [id, peer] : leader->peers) {
      if (peer.offered) limit = std::min(limit, peer.offered->meta.last.index);
    }
  }
  return limit;
}

std::vector<NodeId> Core::compaction_holders() const {
  std::vector<NodeId> holders;
  if (const Leader* leader = leader_state()) {
    for (const auto& [id, peer] : leader->peers) {
      if (peer.offered) holders.push_back(id);
    }
  }
  return holders;
}

// --- the follower's side ---

void Core::on(const Message& message, const SnapshotOffer& offer) {
  if (!accept_leader(message, offer.mark)) return;
  const SnapshotMeta& meta = offer.snapshot.meta;
  if (meta.last.index <= hard_.commit) {
    const auto term = log_.term_at(meta.last.index);
    RAFT_ASSERT(!term || *term == meta.last.term, "snapshot conflicts with a committed entry");
    note(NoteKind::snapshot_below_commit, message.from, meta.last.index);
    claim(message.from, AppendAccepted{echo(offer.mark), hard_.commit});
    return;
  }
  if (log_.matches(meta.last)) {
    // Everything up to there is here already; only that it is committed is news.
    note(NoteKind::snapshot_matches_log, message.from, meta.last.index);
    raise_commit(meta.last.index);
    claim(message.from, AppendAccepted{echo(offer.mark), meta.last.index});
    return;
  }
  if (receiving_ && receiving_->term == hard_.term && receiving_->from == message.from &&
      receiving_->session == offer.mark.session && receiving_->snapshot.meta.last == meta.last) {
    claim(message.from, HeartbeatReply{echo(offer.mark)});
    return;
  }
  note(NoteKind::snapshot_accepted, message.from, meta.last.index);
  receiving_ = SnapshotWanted{message.from, hard_.term, offer.mark.session, offer.snapshot};
  ready_.snapshot_wanted = receiving_;
  claim(message.from, HeartbeatReply{echo(offer.mark)});
}

void Core::snapshot_received(const SnapshotWanted& wanted, bool complete, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  const SnapshotMeta& meta = wanted.snapshot.meta;
  const bool is_current = receiving_ && receiving_->term == wanted.term &&
                          receiving_->session == wanted.session &&
                          receiving_->snapshot.meta.last == meta.last;
  if (is_current) receiving_.reset();
  const bool still_led = wanted.term == hard_.term && wanted.from == leader_;
  const PeerMark mark{wanted.session, ReadRound{}, hard_.commit};
  if (!complete) {
    if (still_led) claim(wanted.from, SnapshotDeclined{mark, meta.last.index});
    return;
  }
  // What a leader once offered was committed, whoever leads now.
  if (meta.last.index > hard_.commit && !is_leader()) {
    if (log_.matches(meta.last)) {
      raise_commit(meta.last.index);
    } else {
      install(meta);
    }
  }
  if (still_led) claim(wanted.from, AppendAccepted{mark, std::min(meta.last.index, hard_.commit)});
}

// The log disagrees with the snapshot or ends before it: all of it goes. Keeping a suffix behind
// a conflict would make the next append conflict again, for ever (hashicorp/raft #697).
void Core::install(const SnapshotMeta& meta) {
  note(NoteKind::snapshot_installed, {}, meta.last.index);
  if (!std::holds_alternative<Follower>(role_)) become_follower(hard_.term, NodeId{});
  log_.reset(meta);
  hard_.commit = meta.last.index;
  handed_out_ = meta.last.index;
  unapplied_.clear();
  unapplied_bytes_ = 0;
  fetching_to_apply_ = false;
  ready_.apply.clear();
  restoring_ = meta.last.index;
  membership_in_force_changed();
  membership_committed(meta.membership);
}

}  // namespace raft::core
