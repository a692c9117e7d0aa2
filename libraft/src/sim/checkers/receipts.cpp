#include "sim/checkers/receipts.hpp"

#include <algorithm>

#include "sim/checkers/marks.hpp"

namespace raft::sim {
namespace {

const core::Progress* peer_of(const WatchedNode& node, NodeId id) {
  const core::Leader* leader = node.core->leader_state();
  if (leader == nullptr) return nullptr;
  const auto found = leader->peers.find(id);
  return found == leader->peers.end() ? nullptr : &found->second;
}

bool may_be_sticky(const core::Core& core) {
  if (!core.options().check_quorum) return false;
  return core.is_leader() || (core.leader() && !core.has_lost_leader());
}

/// E10, as of now: it has a working leader.
bool is_sticky(const WatchedNode& node, const Receipt& receipt) {
  if (!receipt.may_be_sticky || receipt.before.leads()) return receipt.may_be_sticky;
  const core::Core& core = *node.core;
  return node.leader_heard &&
         core.now() - *node.leader_heard < core.options().timing.election_timeout;
}

bool has_promised(const WatchedNode& node) { return node.core->now() < node.lease_promised_until; }

void check_vote(Ghost& ghost, const WatchedNode& node, const Receipt& receipt,
                const Message& message, const VoteRequest& request) {
  const Sight& before = receipt.before;
  const core::Core& core = *node.core;
  const bool has_voted = core.term() == message.term && core.hard_state().vote == message.from &&
                         !(before.term == message.term && before.vote == message.from);
  const auto violated = [&](const char* invariant, const char* how) {
    ghost.report.violated(invariant, node_name(node.id) + how + describe(message));
  };
  const bool is_disturbed = is_sticky(node, receipt) && !request.forced;
  if (is_disturbed && core.term() != before.term) {
    violated("E10", " follows a working leader and takes the term of ");
  }
  if (!has_voted) return;
  if (request.last < receipt.last) violated("E6", " has a newer log and grants ");
  if (request.voter != node.instance) violated("D3", " votes for another directory: ");
  if (is_disturbed) violated("E10", " follows a working leader and grants ");
  if (has_promised(node) && !request.forced) violated("R6", " has promised a lease and grants ");
}

void check_pre_vote(Ghost& ghost, WatchedNode& node, const Receipt& receipt, const Message& message,
                    const PreVoteRequest& request) {
  const Sight& before = receipt.before;
  if (node.core->term() != before.term || node.core->hard_state().vote != before.vote ||
      node.disk->version() != receipt.disk_version) {
    ghost.report.violated("E9", node_name(node.id) + " is changed by " + describe(message));
  }
  // Judged now, for the answer may leave later.
  const bool may_grant = !is_sticky(node, receipt) && !has_promised(node) &&
                         request.last >= receipt.last && request.campaign > before.term;
  bool& could = node.pre_votes[{message.from, request.campaign}];
  could = could || may_grant;
}

// Only what this message proves to match may be committed by it.
void check_follower_commit(Ghost& ghost, const WatchedNode& node, const Receipt& receipt,
                           const Message& message) {
  const Index commit = node.core->commit();
  if (receipt.before.leads() || node.core->is_leader() || commit <= receipt.before.commit) return;
  Index proven;
  if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
    proven = {append->prev.index.value + append->entries.size()};
    proven = std::min(proven, append->mark.commit);
  } else if (const auto* heartbeat = std::get_if<Heartbeat>(&message.body)) {
    proven = heartbeat->mark.commit;
  } else if (const auto* offer = std::get_if<SnapshotOffer>(&message.body)) {
    proven = offer->snapshot.meta.last.index;
  }
  if (commit > proven) {
    ghost.report.violated(
        "C3", node_name(node.id) + " commits " + to_string(commit) + " after " + describe(message));
  }
}

void check_late_offer(Ghost& ghost, const WatchedNode& node, const Receipt& receipt,
                      const Message& message, const SnapshotOffer& offer) {
  if (offer.snapshot.meta.last.index > receipt.before.commit) return;
  const core::Log& log = node.core->log();
  if (log.last() != receipt.last || log.base().last != receipt.base ||
      node.core->commit() != receipt.before.commit) {
    ghost.report.violated(
        "P2", node_name(node.id) + " has all of it and is changed by " + describe(message));
  }
}

// T5. Whoever grants a pre-vote may be in an older term, and so may those who removed this node.
void check_stale_term(Ghost& ghost, const WatchedNode& node, const Receipt& receipt,
                      const Message& message) {
  if (std::holds_alternative<PreVoteReply>(message.body)) return;
  if (std::holds_alternative<Removed>(message.body)) return;
  const Sight& before = receipt.before;
  const core::Core& core = *node.core;
  if (core.term() != before.term || core.hard_state().vote != before.vote ||
      core.commit() != before.commit || core.leader() != before.leader ||
      core.role() != before.role || core.log().last() != receipt.last) {
    ghost.report.violated("T5", node_name(node.id) + " in term " + to_string(before.term) +
                                    " is changed by " + describe(message));
  }
}

void check_answer(Ghost& ghost, WatchedNode& node, const Receipt& receipt, const Message& message,
                  const PeerMark& mark) {
  const core::Progress* peer = peer_of(node, message.from);
  if (peer == nullptr || !receipt.peer) return;
  const Receipt::Peer& before = *receipt.peer;
  const auto violated = [&](const char* invariant, const char* how) {
    ghost.report.violated(invariant, node_name(node.id) + how + describe(message));
  };
  const bool is_stale = message.term != receipt.before.term || mark.session != before.session;
  if (is_stale) {
    if (peer->match != before.match || peer->acked_round != before.acked_round ||
        peer->last_heard != before.last_heard) {
      violated("T6", " believes a stale answer: ");
    }
    return;
  }
  node.heard[message.from] = node.core->now();
  if (peer->acked_round > before.acked_round && mark.round > receipt.before.begun) {
    violated("R4", " believes in a round that it has not begun: ");
  }
  const bool was_sent = before.state == core::Progress::State::snapshot;
  const Index base = node.core->log().base().last.index;
  if (was_sent && peer->state == core::Progress::State::replicate && peer->match < base) {
    violated("T4", " goes on below its own log after a snapshot: ");
  }
  if (peer->match == before.match) return;
  const auto sender = ghost.nodes.find(message.from);
  if (sender == ghost.nodes.end() || sender->second.disk == nullptr) return;
  const WatchedNode& acknowledging = sender->second;
  // In a later term its log may be another; and a lost directory's word was given before.
  const bool is_void = acknowledging.forgotten && peer->match <= acknowledging.forgotten_upto;
  if (is_void || acknowledging.disk->hard_state().term != message.term) return;
  if (peer->match > acknowledging.disk->last().index) {
    violated("T1", " counts on more than is on that disk: ");
  }
}

void heard_leader(WatchedNode& node, const Message& message, const LeaderMark& mark) {
  if (node.core->leader() != message.from || node.core->term() != message.term) return;
  const Instant now = node.core->now();
  node.leader_heard = now;
  if (mark.lease_asked <= Duration{0}) return;
  const Duration promised = std::min(mark.lease_asked, core::lease_asked_max);
  node.lease_promised_until = std::max(node.lease_promised_until, now + promised);
  auto& asked = node.lease_asked[message.from];
  if (asked.term == message.term && asked.session == mark.session) return;
  asked = {message.term, mark.session, mark.round, promised};
}

}  // namespace

Receipt before_receipt(WatchedNode& node, const Message& message) {
  const core::Core& core = *node.core;
  Receipt receipt;
  receipt.node = node.id;
  receipt.before = look_at(core);
  receipt.last = core.log().last();
  receipt.base = core.log().base().last;
  receipt.disk_version = node.disk->version();
  receipt.may_be_sticky = may_be_sticky(core);
  if (const core::Progress* peer = peer_of(node, message.from)) {
    receipt.peer = {peer->session, peer->state, peer->match, peer->acked_round, peer->last_heard};
    const PeerMark* mark = peer_mark(message.body);
    if (mark != nullptr && message.term == core.term()) {
      ReadRound& confirmed = node.rounds[message.from];
      confirmed = std::max(confirmed, mark->round);
    }
  }
  auto& traffic = node.traffic[message.from];
  is_request(message.body) ? ++traffic.owed : ++traffic.received;
  node.has_traffic = true;
  return receipt;
}

void check_receipt(Ghost& ghost, WatchedNode& node, const Receipt& receipt,
                   const Message& message) {
  if (const auto* request = std::get_if<VoteRequest>(&message.body)) {
    check_vote(ghost, node, receipt, message, *request);
  } else if (const auto* pre_vote = std::get_if<PreVoteRequest>(&message.body)) {
    check_pre_vote(ghost, node, receipt, message, *pre_vote);
  } else if (const auto* offer = std::get_if<SnapshotOffer>(&message.body)) {
    check_late_offer(ghost, node, receipt, message, *offer);
  }
  if (message.term < receipt.before.term) check_stale_term(ghost, node, receipt, message);
  check_follower_commit(ghost, node, receipt, message);
  if (const PeerMark* mark = peer_mark(message.body)) {
    check_answer(ghost, node, receipt, message, *mark);
  } else if (const LeaderMark* lead = leader_mark(message.body)) {
    heard_leader(node, message, *lead);
  }
}

}  // namespace raft::sim
