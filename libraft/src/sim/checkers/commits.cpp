#include "sim/checkers/commits.hpp"

#include <algorithm>
#include <utility>

#include "core/describe.hpp"
#include "core/quorum.hpp"

namespace raft::sim {
namespace {

/// The membership that decided: the one before this step, or what followed it in the same step, for
/// a leader leaves a joint membership as soon as it is committed.
const MembershipPtr& decided_by(const Ghost& ghost, const WatchedNode& leader, EntryId id) {
  const auto holds = [&](NodeId node) { return is_held(ghost, node, id); };
  if (core::has_quorum(*leader.in_force, holds)) return leader.in_force;
  return leader.core->membership().membership;
}

// C1.
void check_commit_rule(Ghost& ghost, const WatchedNode& leader, const Sight& now, Term term) {
  const auto place = leader.log.at(now.commit);
  if (!place || place->term != term) {
    return ghost.report.violated("C1", node_name(leader.id) + " commits " + to_string(now.commit) +
                                           " of another term by counting");
  }
  const EntryId id{place->term, now.commit};
  const auto holds = [&](NodeId node) { return is_held(ghost, node, id); };
  if (core::has_quorum(*decided_by(ghost, leader, id), holds)) return;
  ghost.report.violated("C1", node_name(leader.id) + " commits " + to_string(id) +
                                  ", which is not on the disks of a majority of each half of " +
                                  to_string(*leader.in_force));
}

void learn(Ghost& ghost, const WatchedNode& node, const Sight& now, Term by) {
  const auto place = node.log.at(now.commit);
  const MembershipPtr under =
      place ? decided_by(ghost, node, {place->term, now.commit}) : node.in_force;
  while (ghost.committed.last() < now.commit) {
    const Index next = ghost.committed.last().next();
    if (next <= node.log.base().last.index || next > node.log.last_index()) {
      return ghost.report.violated(
          "L7", node_name(node.id) + " commits what it does not have: " + to_string(next));
    }
    const FollowedLog::Link& link = node.log.link(next);
    const Entry& entry = *link.entry;
    ghost.committed.append(entry, {entry.term, link.chain}, by, under);
    const Command* command = entry.command();
    if (command != nullptr && ghost.refused.contains(ghost.committed.at(next)->command)) {
      ghost.report.violated(
          "D7", "a command that was refused for good is committed at " + to_string(entry.id()));
    }
  }
}

}  // namespace

void follow_commit(Ghost& ghost, WatchedNode& node, const Sight& now) {
  if (now.commit <= node.seen.commit) return;
  const Index known = std::min(now.commit, ghost.committed.last());
  const auto place = node.log.at(known);
  if (known.value > 0 && place && *place != ghost.committed.at(known)->place) {
    return ghost.report.violated("L7", node_name(node.id) + " commits another entry at " +
                                           to_string(known) + ": " + core::describe(*node.core));
  }
  const auto leader = ghost.leaders.find(now.term);
  const bool led = leader != ghost.leaders.end() && leader->second == node.id;
  const bool is_news = now.commit > ghost.committed.last();
  // It may have led until this very step.
  const bool has_led = node.seen.leads() && node.seen.term < now.term;
  const Term by = has_led && is_news ? node.seen.term : now.term;
  // The founder commits its own membership before there is any leader.
  const bool is_founding = ghost.committed.empty() && now.commit == Index{1};
  if (is_news && !led && !has_led && !is_founding) {
    ghost.report.violated("L7", node_name(node.id) + " commits " + to_string(now.commit) +
                                    " before any leader: " + core::describe(*node.core));
  }
  const bool has_counted = node.seen.leads() && node.seen.term == now.term;
  if ((led && has_counted) || (is_news && !is_founding)) check_commit_rule(ghost, node, now, by);
  learn(ghost, node, now, by);
}

void check_marks(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  const Index base = node.log.base().last.index;
  const bool ordered = base <= now.handed_out && now.applied <= now.handed_out &&
                       now.handed_out <= now.commit && now.commit <= node.log.last_index();
  if (!ordered) {
    ghost.report.violated(
        "L5", node_name(node.id) + " mixes its marks up: " + core::describe(*node.core));
  }
  const Sight& before = node.seen;
  if (now.commit < before.commit || now.applied < before.applied ||
      now.handed_out < before.handed_out) {
    ghost.report.violated(
        "L5", "a mark of " + node_name(node.id) + " falls: " + core::describe(*node.core));
  }
  if (now.applied > before.applied && now.applied > node.disk->last().index) {
    ghost.report.violated("C6", node_name(node.id) + " has applied " + to_string(now.applied) +
                                    ", which is not on its disk");
  }
}

void check_commit_is_prompt(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  const core::Leader* leader = node.core->leader_state();
  if (leader == nullptr) return;
  const Index next = std::max(now.commit.next(), now.term_start);
  if (next > node.log.last_index()) return;
  const auto holds = [&](NodeId id) {
    if (id == node.id) return node.core->log().stable() >= next;
    const auto peer = leader->peers.find(id);
    return peer != leader->peers.end() && peer->second.match >= next;
  };
  if (core::has_quorum(*node.core->membership().membership, holds)) {
    ghost.report.violated("C4", node_name(node.id) + " does not commit " + to_string(next) + ": " +
                                    core::describe(*node.core));
  }
}

}  // namespace raft::sim
