// Changes of membership in few words, for scenarios.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/scenario.hpp"

namespace raft::test {

inline MembershipChange adding(const Cluster& cluster, const std::vector<NodeId>& ids) {
  MembershipChange change;
  for (const NodeId id : ids) change.add_voters.push_back(cluster.member(id));
  return change;
}

inline MembershipChange adding_learners(const Cluster& cluster, const std::vector<NodeId>& ids) {
  MembershipChange change;
  for (const NodeId id : ids) change.add_learners.push_back(cluster.member(id));
  return change;
}

inline MembershipChange promoting(std::vector<NodeId> ids) {
  MembershipChange change;
  change.promote = std::move(ids);
  return change;
}

inline MembershipChange demoting(std::vector<NodeId> ids) {
  MembershipChange change;
  change.demote = std::move(ids);
  return change;
}

inline MembershipChange removing(std::vector<NodeId> ids) {
  MembershipChange change;
  change.remove = std::move(ids);
  return change;
}

/// What a node believes to be in force: "1 2 3 | 4 learner".
inline std::string members(const Cluster& cluster, NodeId id) {
  return to_string(*cluster.core(id).membership().membership);
}

/// The change is over: its last membership is committed, and everybody named by it has applied it.
inline bool is_complete(const Cluster& cluster, const std::string& expected) {
  return cluster.is_converged() && members(cluster, cluster.leader()) == expected;
}

inline void converge(Cluster& cluster) {
  REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
}

/// Makes a change on whoever leads, asking again where leadership moved or another change is under
/// way, as any client would, until the membership is as expected.
inline void change_until(Cluster& cluster, const MembershipChange& change,
                         const std::string& expected) {
  REQUIRE(cluster.run_until([&] {
    if (is_complete(cluster, expected)) return true;
    if (const NodeId leader = cluster.leader()) (void)cluster.change(leader, change);
    return false;
  }));
}

inline void propose_many(Cluster& cluster, NodeId leader, int count) {
  for (int i = 0; i < count; ++i) REQUIRE(cluster.propose(leader, "c" + std::to_string(i)));
}

inline const core::Progress& progress(const Cluster& cluster, NodeId leader, NodeId peer) {
  return cluster.core(leader).leader_state()->peers.at(peer);
}

}  // namespace raft::test
