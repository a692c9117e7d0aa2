// A node as bytes: equal bytes, equal futures.
//
// The core's own fields come through its public view. The few that nobody can see are followed
// from outside (Mirror). Instants count as ages, up to what any rule compares them with. What
// decides nothing is left out: the random generator and the election deadline, for a timeout may
// come at any time here; round trips, which are for the status; the boot number, which is for
// reads; how far a peer's commit index is known, but for a departing one; since when a batch is on
// its way to the disk, but for a leader, who has none from before its election. A mistake in this
// file would let two different nodes pass for one and hide what only one of them does; so Catalog
// keeps a second node of each digest and compares what both do.
#include <algorithm>

#include "exhaustive/node_model.hpp"
#include "protocol/encoding.hpp"
#include "util/bytes.hpp"
#include "wire/codec.hpp"

namespace raft::exhaustive {
namespace {

class Digest {
 public:
  explicit Digest(Bytes& out) : out_(out), writer_(out) {}

  void add(std::uint64_t value) { writer_.u64(value); }
  void add(bool value) { writer_.boolean(value); }
  void add(Term term) { writer_.u64(term.value); }
  void add(Index index) { writer_.u64(index.value); }
  void add(NodeId id) { writer_.u64(id.value); }
  void add(Duration duration) { writer_.u64(static_cast<std::uint64_t>(duration.count())); }
  void add(EntryId id) {
    add(id.term);
    add(id.index);
  }
  void add(const HardState& state) {
    add(state.term);
    add(state.vote);
    add(state.commit);
    add(state.lease_seen);
  }
  void add(const LoggedMembership& logged) {
    add(logged.index);
    encode(*logged.membership, writer_);
  }
  void add(const Entry& entry) { encode(entry, writer_); }
  void add(const Message& message) { wire::encode(message, out_); }

  template <class T>
  void add(const std::optional<T>& value) {
    add(value.has_value());
    if (value) add(*value);
  }

 private:
  Bytes& out_;
  util::Writer writer_;
};

/// No rule compares an age with more than two election timeouts.
Duration age(Instant since, Instant now, const Timing& timing) {
  return std::min(now - since, 2 * timing.election_timeout);
}

std::optional<Duration> age(std::optional<Instant> since, Instant now, const Timing& timing) {
  return since ? std::optional(age(*since, now, timing)) : std::nullopt;
}

void add_log(Digest& digest, const core::Log& log) {
  digest.add(log.base().last);
  digest.add(log.base().membership);
  digest.add(log.last_index());
  digest.add(log.memory_first());
  digest.add(log.stable());
  for (Index at = log.first_index(); at <= log.last_index(); at = at.next()) {
    if (at < log.memory_first()) {
      digest.add(*log.term_at(at));
    } else {
      digest.add(*log.entry(at));
    }
  }
  digest.add(std::uint64_t{log.memberships().size()});
  for (const LoggedMembership& logged : log.memberships()) digest.add(logged);
}

void add_disk(Digest& digest, const test::ModelDisk& disk) {
  digest.add(disk.hard_state());
  digest.add(disk.last());
  for (Index at = disk.base().last.index.next(); at <= disk.last().index; at = at.next()) {
    digest.add(*disk.entry(at));
  }
}

void add_peer(Digest& digest, const core::Progress& peer, Instant now, const Timing& timing) {
  digest.add(peer.session.value);
  digest.add(std::uint64_t{static_cast<std::uint8_t>(peer.state)});
  digest.add(peer.match);
  digest.add(peer.next);
  digest.add(peer.paused);
  digest.add(peer.fetching);
  digest.add(std::uint64_t{peer.inflight.appends()});
  digest.add(std::uint64_t{peer.inflight.bytes()});
  digest.add(std::uint64_t{peer.inflight.window()});
  digest.add(age(peer.inflight.oldest(), now, timing));
  digest.add(age(peer.last_heard, now, timing));
  digest.add(age(peer.last_sent, now, timing));
  digest.add(peer.commit_sent);
  digest.add(peer.acked_round.value);
  digest.add(peer.departing.has_value());
  if (peer.departing) {
    digest.add(peer.departing->membership);
    digest.add(peer.commit_known >= peer.departing->membership);
    digest.add(peer.departing->deadline - now);
  }
}

void add_leader(Digest& digest, const core::Leader& leader, Instant now, const Timing& timing) {
  digest.add(std::uint64_t{leader.peers.size()});
  for (const auto& [id, peer] : leader.peers) {
    digest.add(id);
    add_peer(digest, peer, now, timing);
  }
  digest.add(leader.transfer.has_value());
  if (leader.transfer) {
    digest.add(leader.transfer->target);
    digest.add(leader.transfer->deadline - now);
    digest.add(leader.transfer->sent);
  }
  digest.add(leader.lease.is_given_up());
  digest.add(leader.term_start);
  digest.add(std::uint64_t{leader.uncommitted.size()});
  for (const auto& [index, size] : leader.uncommitted) digest.add(index);
  digest.add(std::uint64_t{leader.uncommitted_bytes});
  digest.add(leader.time_at_start.since_founding + (now - leader.clock_at_start));
}

}  // namespace

Bytes NodeModel::digest() const {
  Bytes bytes;
  Digest digest(bytes);
  const core::Core& core = *core_;
  digest.add(options_.id);
  digest.add(core.hard_state());
  digest.add(core.durable_hard_state());
  digest.add(std::uint64_t{static_cast<std::uint8_t>(core.role())});
  digest.add(core.leader());
  digest.add(core.has_lost_leader());
  digest.add(core.was_named());
  digest.add(core.removed());
  digest.add(hears_leader());
  digest.add(std::max(core.promised_until() - now_, Duration{0}));
  digest.add(core.applied_index());
  digest.add(core.handed_out());
  add_log(digest, core.log());
  if (const core::Leader* leader = core.leader_state()) {
    add_leader(digest, *leader, now_, options_.timing);
  }

  digest.add(mirror_.handed_out);
  digest.add(mirror_.last_session);
  digest.add(mirror_.removed_by);
  digest.add(std::uint64_t{mirror_.votes.size()});
  for (const auto& [id, granted] : mirror_.votes) {
    digest.add(id);
    digest.add(granted);
  }
  digest.add(std::uint64_t{mirror_.inflight.size()});
  for (const auto& [id, ends] : mirror_.inflight) {
    digest.add(id);
    digest.add(std::uint64_t{ends.size()});
    for (const auto& [end, sent] : ends) {
      digest.add(end);
      digest.add(age(sent, now_, options_.timing));
    }
  }

  add_disk(digest, disk_);
  digest.add(std::uint64_t{batches_.size()});
  for (const Batch& batch : batches_) {
    digest.add(core.is_leader() ? age(batch.taken, now_, options_.timing) : Duration{});
    digest.add(batch.work.hard_state);
    digest.add(std::uint64_t{batch.work.entries.size()});
    for (const EntryPtr& entry : batch.work.entries) digest.add(*entry);
    digest.add(std::uint64_t{batch.work.then_send.size()});
    for (const Message& message : batch.work.then_send) digest.add(message);
  }

  digest.add(std::uint64_t{led_.size()});
  for (const Led& led : led_) {
    digest.add(led.term);
    digest.add(std::uint64_t{led.log.size()});
    for (const EntryPtr& entry : led.log) digest.add(*entry);
  }
  digest.add(std::uint64_t{witnessed_.size()});
  for (const Witnessed& known : witnessed_) {
    digest.add(*known.entry);
    digest.add(known.seen_in);
  }
  digest.add(promised_.term);
  digest.add(promised_.vote);
  return bytes;
}

// --- the mirror ---

void NodeModel::follow(const core::Note& note) {
  switch (note.kind) {
    case core::NoteKind::pre_campaign:
    case core::NoteKind::campaign:
      mirror_.votes.clear();
      break;
    case core::NoteKind::removed:
      mirror_.removed_by = note.index;
      break;
    case core::NoteKind::membership_committed: {
      const core::Log& log = core_->log();
      const Membership& membership = *log.membership_at(note.index).membership;
      if (membership.names(id(), options_.instance) || membership.is_joint()) break;
      if (log.names(id(), options_.instance, note.index)) mirror_.removed_by = note.index;
      break;
    }
    default:
      break;
  }
}

/// Before it is delivered: if it ends the campaign, the next note or step clears the votes.
void NodeModel::follow(const Message& message) {
  const RoleNow role = core_->role();
  if (const auto* reply = std::get_if<PreVoteReply>(&message.body)) {
    if (role == RoleNow::pre_candidate && reply->campaign == core_->term().next()) {
      mirror_.votes.emplace(message.from, reply->granted);
    }
  } else if (const auto* vote = std::get_if<VoteReply>(&message.body)) {
    if (role == RoleNow::candidate && message.term == core_->term()) {
      mirror_.votes.emplace(message.from, vote->granted);
    }
  }
}

/// After a step.
void NodeModel::follow_peers() {
  const RoleNow role = core_->role();
  if (role != RoleNow::candidate && role != RoleNow::pre_candidate) mirror_.votes.clear();
  const core::Leader* leader = core_->leader_state();
  if (leader == nullptr) {
    mirror_.inflight.clear();
    return;
  }
  for (const auto& [peer_id, peer] : leader->peers) {
    mirror_.last_session = std::max(mirror_.last_session, peer.session.value);
    auto& ends = mirror_.inflight[peer_id];
    while (ends.size() > peer.inflight.appends()) ends.pop_front();
  }
}

}  // namespace raft::exhaustive
