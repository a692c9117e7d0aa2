#include "sim/checkers/election.hpp"

#include <algorithm>
#include <chrono>

#include "core/describe.hpp"
#include "core/quorum.hpp"

namespace raft::sim {
namespace {

/// With the leader's connection broken no election is sooner.
constexpr Duration hurry_min = std::chrono::milliseconds(20);

// E7. What a leader appends in the step of its election may change its membership; the one before
// its first entry has elected it.
void check_votes(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  const auto voted = [&](NodeId id) {
    if (id == node.id) return node.disk->vote_in(now.term) == node.id;
    const auto voter = ghost.nodes.find(id);
    if (voter == ghost.nodes.end()) return false;
    const auto vote = voter->second.promises.votes.find(now.term);
    if (vote != voter->second.promises.votes.end()) return vote->second == node.id;
    return voter->second.forgotten.has_value();
  };
  const Membership& by = *node.log.membership_at(now.term_start.prev()).membership;
  if (!core::has_quorum(by, voted)) {
    ghost.report.violated("E7", node_name(node.id) + " leads term " + to_string(now.term) +
                                    " without the votes of a majority of each half of " +
                                    to_string(by));
  }
  if (node.disk->vote_in(now.term) != node.id) {
    ghost.report.violated("E3", node_name(node.id) + " leads term " + to_string(now.term) +
                                    " and its own vote is not on its disk");
  }
}

// E13: what was committed in earlier terms is here.
void check_completeness(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  const Index needed = ghost.committed.last_before(now.term);
  if (needed <= node.log.base().last.index) return;
  const auto place = node.log.at(needed);
  if (!place || *place != ghost.committed.at(needed)->place) {
    ghost.report.violated("E13", node_name(node.id) + " leads term " + to_string(now.term) +
                                     " without the committed entry " + to_string(needed));
  }
}

// Whoever was a voter of the membership before one that it does not know to be committed may be the
// only one whom those who stay can elect (thesis 4.2.2).
bool is_leaving(const WatchedNode& node, const Sight& now) {
  const Index set_at = node.core->membership().index;
  if (set_at <= now.commit) return false;
  return node.core->log().membership_at(set_at.prev()).membership->is_voter(node.id);
}

void check_role(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  const LoggedMembership& current = node.core->membership();
  if (!current.membership->is_voter(node.id)) {
    const Member* self = current.membership->find(node.id);
    if (now.leads()) {
      // It finishes its own removal, uncounted.
      if (current.index <= now.commit) {
        ghost.report.violated("M7", node_name(node.id) + " leads on, removed by the committed " +
                                        to_string(current.index));
      }
    } else if (!is_leaving(node, now)) {
      ghost.report.violated(
          self != nullptr ? "M5" : "E8",
          node_name(node.id) + " campaigns and is no voter of " + to_string(*current.membership));
    }
  }
  if (now.role == RoleNow::pre_candidate) return;
  if (now.vote != node.id) {
    ghost.report.violated("E11", node_name(node.id) + " campaigns without its own vote");
  }
  if (now.leads() && now.leader != node.id) {
    ghost.report.violated("E11", node_name(node.id) + " leads and names another leader");
  }
}

// E11: it is drawn from [T, 2T). A broken connection, a promised lease and a group of one have
// other rules.
void check_timer(Ghost& ghost, WatchedNode& node, const Sight& now) {
  const Sight& before = node.seen;
  if (now.deadline == before.deadline) return;
  const core::Core& core = *node.core;
  const Duration timeout = core.options().timing.election_timeout;
  // It may have been alone until this very step.
  const auto is_self = [&](NodeId id) { return id == node.id; };
  const bool is_alone = core::has_quorum(*core.membership().membership, is_self) ||
                        core::has_quorum(*node.in_force, is_self);
  if (is_alone || now.deadline == core.promised_until()) return;
  const bool may_hurry = now.leader_lost || before.leader_lost || now.role == RoleNow::candidate;
  const Instant earliest = before.clock + (may_hurry ? std::min(hurry_min, timeout) : timeout);
  const Instant latest = std::max(now.clock + 2 * timeout, core.promised_until());
  if (now.deadline < earliest || now.deadline > latest) {
    ghost.report.violated("E11",
                          "the election timer of " + node_name(node.id) +
                              " is set to a moment that it never draws: " + core::describe(core));
  }
  // Who never draws anew splits the votes with the same others again and again (thesis 3.4).
  constexpr int repeats_max = 20;
  const Duration drawn = now.deadline - now.clock;
  node.timeout_repeats = drawn == node.timeout_drawn ? node.timeout_repeats + 1 : 0;
  node.timeout_drawn = drawn;
  if (node.timeout_repeats > repeats_max) {
    ghost.report.violated("E11", node_name(node.id) + " draws the same election timeout each time");
  }
}

/// Whether a majority of each half has answered within an election timeout. This count is more
/// cautious than the leader's own: no answer of an older session.
bool is_answered(const WatchedNode& node, const Sight& now) {
  const core::Core& core = *node.core;
  const auto has_answered = [&](NodeId id) {
    if (id == node.id) return true;
    const auto heard = node.heard.find(id);
    return heard != node.heard.end() &&
           now.clock - heard->second < core.options().timing.election_timeout;
  };
  return core::has_quorum(*core.membership().membership, has_answered);
}

// E12: within a term a leader stays, unless it is removed or no majority answers it.
void check_stepping_down(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  const core::Core& core = *node.core;
  if (core.removed() || !core.membership().membership->is_voter(node.id)) return;
  if (is_answered(node, now)) {
    ghost.report.violated("E12", node_name(node.id) + " gives up term " + to_string(now.term) +
                                     " although a majority answers it");
  }
}

// V8: a leader that no majority answers does not lead on. New peers have their time to answer, and
// whoever stood still cannot know before it has looked at its clock.
void check_is_heard(Ghost& ghost, WatchedNode& node, const Sight& now) {
  const Duration timeout = node.core->options().timing.election_timeout;
  if (!node.core->options().check_quorum || is_answered(node, now)) {
    node.unheard_since.reset();
    return;
  }
  if (!node.unheard_since || now.clock - node.seen.clock > timeout) node.unheard_since = now.clock;
  if (now.clock - *node.unheard_since > 2 * timeout) {
    ghost.report.violated("V8", node_name(node.id) + " leads on in term " + to_string(now.term) +
                                    " although no majority answers it");
  }
}

}  // namespace

void claims_term(Ghost& ghost, NodeId node, Term term) {
  const auto [leader, is_new] = ghost.leaders.emplace(term, node);
  if (leader->second != node) {
    ghost.report.violated("E1", "term " + to_string(term) + " has two leaders: " +
                                    node_name(leader->second) + " and " + node_name(node));
  }
}

void check_election(Ghost& ghost, WatchedNode& node, const Sight& now) {
  const Sight& before = node.seen;
  if (now.term < before.term) {
    ghost.report.violated("E5", "the term of " + node_name(node.id) + " falls");
  }
  const bool same_term = now.term == before.term;
  if (same_term && before.vote && now.vote != before.vote) {
    ghost.report.violated("E2",
                          node_name(node.id) + " changes its vote in term " + to_string(now.term));
  }
  if (now.leads() && !(before.leads() && same_term)) {
    claims_term(ghost, node.id, now.term);
    check_votes(ghost, node, now);
    check_completeness(ghost, node, now);
    node.heard.clear();
    node.rounds.clear();
    node.round_sent = ReadRound{};
    node.unheard_since.reset();
  }
  if (now.leads()) check_is_heard(ghost, node, now);
  if (now.role != RoleNow::follower) check_role(ghost, node, now);
  if (!now.leads()) check_timer(ghost, node, now);
  if (before.leads() && !now.leads() && same_term) check_stepping_down(ghost, node, now);
}

void check_promises_kept(Ghost& ghost, const WatchedNode& node) {
  const WatchedNode::Promises& promised = node.promises;
  const HardState& hard = node.core->hard_state();
  if (hard.term < promised.term) {
    ghost.report.violated("E5", node_name(node.id) + " starts in term " + to_string(hard.term) +
                                    " and has spoken in " + to_string(promised.term));
  }
  const auto vote = promised.votes.find(hard.term);
  if (vote != promised.votes.end() && vote->second != hard.vote) {
    ghost.report.violated(
        "D3", node_name(node.id) + " has forgotten its vote of term " + to_string(hard.term));
  }
  // A leader of a later term may have replaced what was acknowledged to an earlier one.
  if (promised.acknowledged.term == hard.term &&
      node.core->log().last_index() < promised.acknowledged.index) {
    ghost.report.violated("D3", node_name(node.id) + " has forgotten what it acknowledged up to " +
                                    to_string(promised.acknowledged.index));
  }
}

}  // namespace raft::sim
