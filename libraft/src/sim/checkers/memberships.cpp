#include "sim/checkers/memberships.hpp"

#include <algorithm>

namespace raft::sim {
namespace {

void check_shape(Report& report, const Membership& membership) {
  NodeId before;
  for (const Member& member : membership.members) {
    if (member.id <= before) report.violated("M3", "ids do not ascend: " + to_string(membership));
    before = member.id;
    const bool is_outgoing = std::find(membership.outgoing.begin(), membership.outgoing.end(),
                                       member.id) != membership.outgoing.end();
    if (member.role == Role::leaving && !is_outgoing) {
      report.violated("M3", "leaves without having been a voter: " + to_string(membership));
    }
  }
  for (const NodeId id : membership.outgoing) {
    if (membership.find(id) == nullptr) {
      report.violated("M3", "an outgoing voter is no member: " + to_string(membership));
    }
  }
  if (membership.voters().empty()) report.violated("M3", "no voters");
}

}  // namespace

void check_succession(Report& report, const Membership& before, const Membership& after) {
  check_shape(report, after);
  if (before.members.empty()) return;  // The founding.
  const auto change = [&] { return to_string(before) + " -> " + to_string(after); };
  if (before.is_joint()) {
    if (after.is_joint()) report.violated("M3", "joint after joint: " + change());
    if (after.voters() != before.voters()) report.violated("M3", "wrong voters: " + change());
  } else if (after.is_joint()) {
    if (after.outgoing != before.voters()) report.violated("M3", "wrong voters: " + change());
  } else if (after.voters() != before.voters()) {
    report.violated("M3", "voters change without a joint membership: " + change());
  } else if (after == before) {
    report.violated("M6", "a membership is set again: " + change());
  }
  for (const Member& member : after.members) {
    const Member* known = before.find(member.id);
    if (known != nullptr && known->instance != member.instance) {
      report.violated("M8", "node " + to_string(member.id) + " becomes another: " + change());
    }
  }
}

void check_changes(Ghost& ghost, const WatchedNode& leader, const Sight& now) {
  if (leader.log.memberships_above(ghost.committed.last()) > 1) {
    ghost.report.violated("M2", node_name(leader.id) + " has two changes under way");
  }
  const LoggedMembership& newest = leader.log.membership();
  const auto place = leader.log.at(newest.index);
  const bool is_own = newest.index > leader.log.base().last.index && place->term == now.term;
  if (is_own && now.commit < now.term_start) {
    ghost.report.violated("M2", node_name(leader.id) + " changes the membership at " +
                                    to_string(newest.index) +
                                    " before an entry of its term is committed");
  }
}

void check_leaving(Ghost& ghost, const WatchedNode& leader, const Sight& now) {
  const LoggedMembership& newest = leader.log.membership();
  if (!newest.membership->is_joint() || newest.index > now.commit) return;
  if (now.commit < now.term_start) return;
  ghost.report.violated("M6", node_name(leader.id) + " does not leave the joint membership of " +
                                  to_string(newest.index));
}

void check_snapshot_meta(Ghost& ghost, NodeId node, const SnapshotMeta& meta) {
  if (meta.last.index.value == 0) return;
  if (!ghost.committed.has(meta.last)) {
    return ghost.report.violated(
        "P1",
        node_name(node) + " has a snapshot up to what is not committed: " + to_string(meta.last));
  }
  const LoggedMembership committed = ghost.committed.membership_at(meta.last.index);
  const bool is_same = committed.membership && meta.membership.membership &&
                       committed.index == meta.membership.index &&
                       *committed.membership == *meta.membership.membership;
  if (!is_same) {
    ghost.report.violated("M9", node_name(node) + " has a snapshot up to " + to_string(meta.last) +
                                    " with the membership of " + to_string(meta.membership.index) +
                                    " instead of " + to_string(committed.index));
  }
}

}  // namespace raft::sim
