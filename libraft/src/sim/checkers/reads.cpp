#include "sim/checkers/reads.hpp"

#include "core/quorum.hpp"

namespace raft::sim {

void check_read_rounds(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  const Sight& before = node.seen;
  if (!now.leads()) return;
  const bool led = before.leads() && before.term == now.term;
  const bool has_begun = now.begun > (led ? before.begun : ReadRound{});
  if (has_begun && now.commit < now.term_start) {
    ghost.report.violated(
        "R2", node_name(node.id) + " serves reads before an entry of its term is committed");
  }
  if (now.confirmed <= (led ? before.confirmed : ReadRound{})) return;
  const auto confirmed = [&](NodeId id) {
    if (id == node.id) return true;
    const auto round = node.rounds.find(id);
    return round != node.rounds.end() && round->second >= now.confirmed;
  };
  const Membership& current = *node.core->membership().membership;
  if (core::has_quorum(current, confirmed) || core::has_quorum(*node.in_force, confirmed)) return;
  const Membership incoming{current.members, {}};
  const bool has_one_half = current.is_joint() && core::has_quorum(incoming, confirmed);
  ghost.report.violated(
      has_one_half ? "M4" : "R1",
      node_name(node.id) + " believes read round " + std::to_string(now.confirmed.value) +
          " confirmed, which no majority of each half of " + to_string(current) + " has answered");
}

void check_lease(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  if (!now.leads() || !node.core->options().lease_reads || ghost.leaders.empty()) return;
  // A clock that was not looked at in this step tells nothing about this moment.
  if (now.clock == node.seen.clock || now.commit < now.term_start) return;
  if (!node.core->leader_state()->lease.runs_at(now.clock)) return;
  const auto& [term, newest] = *ghost.leaders.rbegin();
  if (term > now.term) {
    ghost.report.violated("R6", node_name(node.id) + " has a lease in term " + to_string(now.term) +
                                    " although " + node_name(newest) + " leads term " +
                                    to_string(term));
  }
}

// A machine only knows of the commands that it has executed: behind the last one there may be
// no-ops, memberships, and retries of what was executed before.
void check_read(Ghost& ghost, NodeId node, Index committed, Index applied, Index read_index) {
  if (read_index < committed) {
    ghost.report.violated("R1", node_name(node) + " answers a read as of " + to_string(read_index) +
                                    ", and " + to_string(committed) +
                                    " was committed when it began");
  }
  if (applied >= read_index) return;
  const auto plain_up_to = [&](Index index) {
    const CommittedEntry* entry = ghost.committed.at(index);
    return entry == nullptr ? 0 : entry->plain;
  };
  const auto effect = ghost.effects.upper_bound(applied);
  const bool has_effect = effect != ghost.effects.end() && effect->first <= read_index;
  if (has_effect || plain_up_to(applied) != plain_up_to(read_index)) {
    ghost.report.violated("R3", node_name(node) + " answers a read of " + to_string(read_index) +
                                    " and has applied " + to_string(applied));
  }
}

}  // namespace raft::sim
