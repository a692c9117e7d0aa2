#include "core/invariants.hpp"

#include <algorithm>

#include "core/core.hpp"
#include "core/describe.hpp"
#include "core/quorum.hpp"

namespace raft::core {
namespace {

using Violation = std::optional<std::string>;

Violation violated(const char* id, const char* rule) { return std::string(id) + ": " + rule; }

Violation check_marks(const Core& core) {
  const Log& log = core.log();
  if (core.commit() > log.last_index()) return violated("L5", "commit is above the last entry");
  if (core.handed_out() > core.commit()) return violated("C6", "an uncommitted entry was applied");
  if (core.applied_index() > core.handed_out()) return violated("L5", "applied what was not given");
  if (log.base().last.index > core.handed_out()) return violated("L5", "base is above applied");
  if (log.stable() > log.last_index()) return violated("L3", "stable is above the last entry");
  if (log.last().term > core.term()) return violated("L3", "an entry is newer than the term");
  if (log.memory_first() > log.last_index().next()) return violated("L3", "tail has a gap");
  return std::nullopt;
}

Violation check_memberships(const Core& core) {
  const Log& log = core.log();
  Index before = log.base().last.index;
  for (const LoggedMembership& logged : log.memberships()) {
    if (logged.index <= before || logged.index > log.last_index()) {
      return violated("M1", "a membership belongs to no entry");
    }
    before = logged.index;
    if (logged.membership->voters().empty()) return violated("M3", "no voters");
  }
  return std::nullopt;
}

Violation check_role(const Core& core) {
  if (core.role() == RoleNow::follower) return std::nullopt;
  if (core.role() == RoleNow::leader || core.role() == RoleNow::candidate) {
    if (core.hard_state().vote != core.id()) return violated("E11", "leads without its own vote");
  }
  if (core.role() == RoleNow::leader && core.leader() != core.id()) {
    return violated("E11", "leads, yet names another leader");
  }
  return std::nullopt;
}

Violation check_peers(const Core& core) {
  const Leader* leader = core.leader_state();
  if (leader == nullptr) return std::nullopt;
  for (const auto& [id, peer] : leader->peers) {
    if (peer.match >= peer.next) return violated("T1", "match is not below next");
    if (peer.match > core.log().last_index()) return violated("T1", "match is above the log");
    if (peer.inflight.appends() > core.options().limits.inflight_appends_max) {
      return violated("T3", "too many appends in flight");
    }
    const bool is_answered = peer.next == peer.match.next();
    if (peer.state == Progress::State::replicate && peer.inflight.empty() != is_answered) {
      return violated("T3", "what is in flight is not what is unanswered");
    }
    if (core.membership().membership->find(id) == nullptr && !peer.departing) {
      return violated("M1", "replicates to a stranger");
    }
  }
  return std::nullopt;
}

Violation check_commit_rule(const Core& core, const Previous& previous) {
  const Leader* leader = core.leader_state();
  if (leader == nullptr || previous.role != RoleNow::leader || core.commit() <= previous.commit) {
    return std::nullopt;
  }
  if (core.log().term_at(core.commit()) != core.term()) {
    return violated("C1", "an entry of an older term was committed by counting");
  }
  return std::nullopt;
}

Violation check_delta(const Core& core, const Previous& previous) {
  if (!previous.valid) return std::nullopt;
  if (core.term() < previous.term) return violated("E5", "the term fell");
  if (core.term() == previous.term && previous.vote && core.hard_state().vote != previous.vote) {
    return violated("E2", "the vote changed within a term");
  }
  if (core.commit() < previous.commit) return violated("L5", "the commit index fell");
  if (core.applied_index() < previous.applied) return violated("L5", "applied fell");
  if (core.handed_out() < previous.handed_out)
    return violated("C7", "entries were handed out twice");
  if (core.role() == RoleNow::leader && previous.role == RoleNow::leader &&
      core.term() == previous.term) {
    if (core.log().last_index() < previous.last ||
        (previous.last >= core.log().base().last.index &&
         core.log().term_at(previous.last) != previous.last_term)) {
      return violated("L2", "a leader's log was overwritten");
    }
  }
  return check_commit_rule(core, previous);
}

}  // namespace

std::optional<std::string> check_invariants(const Core& core, Previous& previous) {
  Violation found = check_marks(core);
  if (!found) found = check_memberships(core);
  if (!found) found = check_role(core);
  if (!found) found = check_peers(core);
  if (!found) found = check_delta(core, previous);
  previous = {true,
              core.term(),
              core.hard_state().vote,
              core.role(),
              core.commit(),
              core.applied_index(),
              core.handed_out(),
              core.log().last_index(),
              core.log().last().term};
  if (found) *found += " | " + describe(core);
  return found;
}

}  // namespace raft::core
