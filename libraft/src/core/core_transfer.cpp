// Leadership transfer (thesis 3.10), asked for by an operator or by a leader with a slow disk.
#include <algorithm>

#include "core/core.hpp"
#include "util/assert.hpp"

namespace raft::core {

Result<NodeId> Core::transfer_leadership(NodeId target, Instant now) {
  now_ = std::max(now_, now);
  dirty_ = true;
  Leader* leader = leading();
  if (leader == nullptr) return Errc::not_leader;
  if (!target) target = best_successor();
  if (target == options_.id) return target;
  if (!target || !membership().membership->is_voter(target) || !leader->peers.contains(target)) {
    return Error{Errc::invalid_argument, "only another voter can take leadership over"};
  }
  if (leader->transfer && leader->transfer->target == target) return target;
  note(NoteKind::transfer_started, target);
  leader->transfer = Transfer{target, now_ + options_.timing.election_timeout};
  return target;
}

/// The voter of the newest membership whose log is nearest to the leader's and who was heard
/// of last; 0 if there is no other voter.
NodeId Core::best_successor() const {
  NodeId best;
  Index best_match;
  for (const auto& [id, peer] : leader_state()->peers) {
    const Member* member = membership().membership->find(id);
    if (member == nullptr || member->role != Role::voter) continue;
    if (now_ - peer.last_heard >= options_.timing.election_timeout) continue;
    if (!best || peer.match > best_match) {
      best = id;
      best_match = peer.match;
    }
  }
  return best;
}

// Proposals are refused meanwhile, so the target catches up soon.
void Core::send_timeout_now_if_ready() {
  Leader& leader = *leading();
  if (!leader.transfer || leader.transfer->sent) return;
  const Progress& peer = leader.peers.at(leader.transfer->target);
  if (peer.match != log_.last_index()) return;
  // From here on another leader may be elected despite all promises.
  if (options_.lease_reads && !leader.lease.is_given_up()) note(NoteKind::lease_dropped);
  leader.lease.give_up();
  note(NoteKind::transfer_sent, leader.transfer->target);
  leader.transfer->sent = true;
  claim(leader.transfer->target, TimeoutNow{});
}

void Core::check_transfer() {
  const Leader& leader = *leading();
  if (leader.transfer && now_ >= leader.transfer->deadline) abort_transfer();
}

void Core::abort_transfer() {
  Leader& leader = *leading();
  note(NoteKind::transfer_aborted, leader.transfer->target);
  leader.transfer.reset();
}

void Core::on(const Message& message, const TimeoutNow&) {
  if (is_leader() || !may_campaign() || message.from != leader_) return;
  campaign(true);
}

// A leader whose disk hangs still heartbeats, and nobody else would notice (hashicorp/raft #503).
void Core::hand_over_if_disk_is_slow() {
  Leader& leader = *leading();
  const auto oldest = std::find_if(staged_.begin(), staged_.end(),
                                   [](const Staged& batch) { return batch.writes; });
  if (oldest == staged_.end() || leader.transfer) return;
  if (now_ - oldest->taken < options_.timing.election_timeout) return;
  const NodeId successor = best_successor();
  if (!successor) return;
  note(NoteKind::slow_disk_hands_over, successor);
  leader.transfer = Transfer{successor, now_ + options_.timing.election_timeout};
}

}  // namespace raft::core
