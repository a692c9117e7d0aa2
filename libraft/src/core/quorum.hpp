// Majorities of simple and joint memberships. A joint decision needs both halves (thesis 4.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

#include <libraft/membership.hpp>
#include <libraft/types.hpp>

namespace raft::core {

enum class Verdict : std::uint8_t { pending, won, lost };

/// Visits the voters of the incoming half.
template <class Visit>
void for_each_incoming(const Membership& membership, Visit visit) {
  for (const Member& member : membership.members) {
    if (member.role == Role::voter) visit(member.id);
  }
}

/// Visits the voters of the outgoing half; there are none unless the membership is joint.
template <class Visit>
void for_each_outgoing(const Membership& membership, Visit visit) {
  for (NodeId id : membership.outgoing) visit(id);
}

/// Whether those who satisfy `has` are a majority of each half. Never true without voters.
template <class Predicate>
bool has_quorum(const Membership& membership, Predicate has) {
  std::size_t size = 0;
  std::size_t count = 0;
  const auto tally = [&](NodeId id) {
    ++size;
    if (has(id)) ++count;
  };
  for_each_incoming(membership, tally);
  if (count < size / 2 + 1) return false;
  if (!membership.is_joint()) return true;
  size = count = 0;
  for_each_outgoing(membership, tally);
  return count >= size / 2 + 1;
}

/// The highest index that a majority of each half has, where `match` tells what a voter has.
Index quorum_index(const Membership& membership, const std::function<Index(NodeId)>& match);

/// What the votes so far amount to; lost once a majority can no longer be reached.
Verdict tally(const Membership& membership, const std::map<NodeId, bool>& votes);

}  // namespace raft::core
