// Who takes part in a group, and how that changes (thesis chapter 4).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libraft/types.hpp>

namespace raft {

enum class Role : std::uint8_t {
  voter = 1,    ///< Counts in elections, commits and reads.
  learner = 2,  ///< Receives the log, counts nowhere.
  leaving = 3,  ///< Voter of the outgoing half only; gone when the joint membership is left.
};

struct Member {
  NodeId id;
  InstanceId instance;  ///< The data directory that holds this member's promises.
  std::string address;  ///< "host:port" of its Raft port, at most 256 bytes; may change.
  Role role = Role::voter;
  bool promote = false;  ///< A learner that becomes a voter by itself once it has caught up.
  Bytes attributes;      ///< Opaque to libraft, at most 4 KiB; kvserver: the HTTP address.

  bool operator==(const Member&) const = default;
};

/// A simple membership, or a joint one: then every decision needs a majority of the voters and a
/// majority of `outgoing` (thesis 4.3).
struct Membership {
  std::vector<Member> members;   ///< By ascending id, each id once.
  std::vector<NodeId> outgoing;  ///< Ascending; the old voters while joint, else empty.

  bool is_joint() const { return !outgoing.empty(); }
  /// The voters of the (incoming) half, ascending.
  std::vector<NodeId> voters() const;
  const Member* find(NodeId) const;
  /// Whether the node counts in any half.
  bool is_voter(NodeId) const;
  /// Whether (id, instance) is a member, in any role.
  bool names(NodeId, InstanceId) const;

  bool operator==(const Membership&) const = default;
};

using MembershipPtr = std::shared_ptr<const Membership>;

/// A membership and the index of the entry that set it.
struct LoggedMembership {
  Index index;
  MembershipPtr membership;
};

/// New values for attributes of a member; what is absent stays.
struct MemberUpdate {
  NodeId id;
  std::optional<std::string> address;
  std::optional<Bytes> attributes;

  bool operator==(const MemberUpdate&) const = default;
};

/// What should be different. Everything named here happens together, through one joint membership
/// when the set of voters changes. Naming an id twice is `invalid_argument`; naming what is
/// already so changes nothing.
struct MembershipChange {
  std::vector<Member> add_voters;    ///< New members that vote from now on. `role` is ignored.
  std::vector<Member> add_learners;  ///< New members that only listen; `promote` is kept.
  std::vector<NodeId> promote;       ///< Learners that become voters.
  std::vector<NodeId> demote;        ///< Voters that become learners.
  std::vector<NodeId> remove;
  std::vector<MemberUpdate> update;
  /// Refuse with `conflict` unless the membership in force was set at this index.
  std::optional<Index> expected_index;
  /// Also make a change that leaves no majority of live voters in the new membership.
  bool force = false;

  bool operator==(const MembershipChange&) const = default;
};

/// "1 2 3 | 4 learner", joint: "1 2 4 after 1 2 3".
std::string to_string(const Membership&);

}  // namespace raft
