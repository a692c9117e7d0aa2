// Linearizable reads: rounds and leases on the leader, forwarding on followers (thesis 6.4).
#include <algorithm>

#include "core/core.hpp"
#include "core/quorum.hpp"
#include "util/assert.hpp"

namespace raft::core {

Result<std::uint64_t> Core::request_read(bool lease, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  if (Leader* leader = leading()) {
    if (lease && lease_serves()) {
      const std::uint64_t ticket = next_ticket_++;
      ++lease_reads_;
      ready_.reads.push_back({ticket, hard_.commit});
      return ticket;
    }
    const std::uint64_t ticket = leader->reads.join(next_ticket_);
    next_ticket_ = std::max(next_ticket_, ticket + 1);
    return ticket;
  }
  if (!leader_at_hand()) return Errc::no_leader;
  if (!forwarded_.waiting) {
    forwarded_.waiting = next_ticket_++;
    forwarded_.waiting_lease = true;
  }
  forwarded_.waiting_lease = forwarded_.waiting_lease && lease;
  return *forwarded_.waiting;
}

// --- the leader's side ---

/// Before an entry of its own term is committed a leader does not know what is (thesis 6.4).
bool Core::serves_reads() const {
  const Leader* leader = leader_state();
  return leader != nullptr && hard_.commit >= leader->term_start;
}

bool Core::lease_serves() const {
  return options_.lease_reads && serves_reads() && leader_state()->lease.runs_at(now_);
}

void Core::on(const Message& message, const ReadRequest& request) {
  Leader* leader = leading();
  if (leader == nullptr) {
    claim(message.from, ReadReply{request.boot, request.sequence, false, Index{}});
  } else if (request.lease && lease_serves()) {
    ++lease_reads_;
    claim(message.from, ReadReply{request.boot, request.sequence, true, hard_.commit});
  } else {
    leader->reads.join({message.from, request});
  }
}

// The appends of this turn carry the round; whoever gets none is sent a heartbeat.
void Core::begin_read_round() {
  Leader& leader = *leading();
  if (!leader.reads.has_waiting() || leader.reads.under_way() || !serves_reads()) return;
  leader.reads.begin(hard_.commit, now_);
  note(NoteKind::read_round_started, {}, hard_.commit);
  for (auto& [id, peer] : leader.peers) {
    if (!membership().membership->is_voter(id)) continue;
    const bool append_goes = peer.state == Progress::State::replicate && !peer.fetching &&
                             !peer.inflight.is_full() && peer.next <= log_.last_index() &&
                             peer.next >= log_.memory_first();
    if (!append_goes) send_heartbeat(id, peer);
  }
  confirm_read_round();
}

void Core::confirm_read_round() {
  Leader* leader = leading();
  if (leader == nullptr || !leader->reads.under_way()) return;
  const ReadRound number = leader->reads.under_way()->number;
  const auto confirmed = [&](NodeId id) {
    if (id == options_.id) return true;
    const auto peer = leader->peers.find(id);
    return peer != leader->peers.end() && peer->second.acked_round >= number;
  };
  if (!has_quorum(*membership().membership, confirmed)) return;
  const ReadQueue::Round round = leader->reads.confirm();
  note(NoteKind::read_round_confirmed, {}, round.index);
  if (options_.lease_reads) {
    leader->lease.extend(round.begun, options_.timing.election_timeout);
    note(NoteKind::lease_extended);
  }
  grant(round.reads, round.index);
}

void Core::grant(const ReadBatch& batch, Index index) {
  if (batch.ticket) ready_.reads.push_back({*batch.ticket, index});
  Leader& leader = *leading();
  for (const RemoteRead& read : batch.remote) {
    // The reader waits until it has applied the index, so let it know that it is committed.
    const auto peer = leader.peers.find(read.from);
    if (peer != leader.peers.end() && peer->second.commit_sent < index) {
      send_heartbeat(read.from, peer->second);
    }
    claim(read.from, ReadReply{read.request.boot, read.request.sequence, true, index});
  }
}

/// No read outlives the leadership that it asked; whoever still wants it asks again.
void Core::fail_reads() {
  if (Leader* leader = leading()) {
    for (const ReadBatch& batch : leader->reads.abandon()) {
      note(NoteKind::reads_failed);
      if (batch.ticket) ready_.reads.push_back({*batch.ticket, std::nullopt});
      for (const RemoteRead& read : batch.remote) {
        claim(read.from, ReadReply{read.request.boot, read.request.sequence, false, Index{}});
      }
    }
  }
  if (forwarded_.under_way) ready_.reads.push_back({forwarded_.under_way->ticket, std::nullopt});
  if (forwarded_.waiting) ready_.reads.push_back({*forwarded_.waiting, std::nullopt});
  if (forwarded_.under_way || forwarded_.waiting) note(NoteKind::reads_failed);
  forwarded_.under_way.reset();
  forwarded_.waiting.reset();
}

// --- the follower's side ---

void Core::forward_reads() {
  if (forwarded_.under_way || !forwarded_.waiting || !leader_) return;
  const std::uint64_t sequence = ++forwarded_.last_sequence;
  forwarded_.under_way = ForwardedReads::UnderWay{*forwarded_.waiting, sequence, sequence,
                                                  forwarded_.waiting_lease, now_};
  forwarded_.waiting.reset();
  claim(leader_, ReadRequest{options_.boot, forwarded_.last_sequence, forwarded_.waiting_lease});
}

// A lost request or reply is asked again under a new number.
void Core::retry_forwarded_reads() {
  if (!forwarded_.under_way || !leader_) return;
  if (durable_hard_.term != hard_.term) return;  // The last one has not left yet.
  if (now_ - forwarded_.under_way->asked < 2 * options_.timing.heartbeat) return;
  forwarded_.under_way->sequence = ++forwarded_.last_sequence;
  forwarded_.under_way->asked = now_;
  claim(leader_, ReadRequest{options_.boot, forwarded_.last_sequence, forwarded_.under_way->lease});
}

// An index that was asked for first may come when it has been asked for again: it is older than
// that, yet not than the reads it stands for. Waiting for the newest would starve whoever is
// farther from the leader than the pace of asking. A refusal counts only if it is the last word.
void Core::on(const Message& message, const ReadReply& reply) {
  if (!forwarded_.under_way || message.from != leader_) return;
  const ForwardedReads::UnderWay& asked = *forwarded_.under_way;
  const std::uint64_t first = reply.granted ? asked.first_sequence : asked.sequence;
  if (reply.boot != options_.boot || reply.sequence < first || reply.sequence > asked.sequence) {
    return;
  }
  const std::uint64_t ticket = std::exchange(forwarded_.under_way, std::nullopt)->ticket;
  ready_.reads.push_back({ticket, reply.granted ? std::optional(reply.index) : std::nullopt});
}

}  // namespace raft::core
