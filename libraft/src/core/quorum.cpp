#include "core/quorum.hpp"

#include <algorithm>
#include <vector>

namespace raft::core {
namespace {

/// With the matches in descending order, the one at n/2 is reached by a majority of n.
Index majority_index(std::vector<Index>& matches) {
  if (matches.empty()) return Index{};
  const auto middle = matches.begin() + static_cast<std::ptrdiff_t>(matches.size() / 2);
  std::nth_element(matches.begin(), middle, matches.end(), std::greater<>());
  return *middle;
}

}  // namespace

Index quorum_index(const Membership& membership, const std::function<Index(NodeId)>& match) {
  std::vector<Index> matches;
  matches.reserve(membership.members.size());
  for_each_incoming(membership, [&](NodeId id) { matches.push_back(match(id)); });
  const Index incoming = majority_index(matches);
  if (!membership.is_joint()) return incoming;
  matches.clear();
  for_each_outgoing(membership, [&](NodeId id) { matches.push_back(match(id)); });
  return std::min(incoming, majority_index(matches));
}

Verdict tally(const Membership& membership, const std::map<NodeId, bool>& votes) {
  const auto granted = [&](NodeId id) {
    const auto vote = votes.find(id);
    return vote != votes.end() && vote->second;
  };
  const auto possible = [&](NodeId id) {
    const auto vote = votes.find(id);
    return vote == votes.end() || vote->second;
  };
  if (has_quorum(membership, granted)) return Verdict::won;
  return has_quorum(membership, possible) ? Verdict::pending : Verdict::lost;
}

}  // namespace raft::core
