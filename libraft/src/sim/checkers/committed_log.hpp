// The one log that the cluster as a whole has committed, which no node ever sees as such.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <libraft/membership.hpp>
#include <libraft/types.hpp>
#include "protocol/entry.hpp"
#include "sim/checkers/fingerprint.hpp"

namespace raft::sim {

/// An entry of it.
struct CommittedEntry {
  Place place;
  Term by;                    ///< Of the leader that committed it first.
  MembershipPtr under;        ///< The membership that decided.
  std::uint64_t command = 0;  ///< Fingerprint of what the client sent; 0: no command.
  std::uint64_t session = 0;  ///< Fingerprint of client and sequence; 0: without a session.
  std::uint64_t plain = 0;    ///< Commands without a session up to here: all are executed.
};

class CommittedLog {
 public:
  /// The newest index; called Gmax in the description of the invariants.
  Index last() const { return {entries_.size()}; }
  EntryId last_id() const;
  bool empty() const { return entries_.empty(); }
  /// Null above last() and at 0.
  const CommittedEntry* at(Index index) const;
  bool has(EntryId id) const;
  /// The newest entry that was committed in an earlier term.
  Index last_before(Term term) const;

  /// The next entry was committed by the leader of the term under that membership.
  void append(const Entry& entry, Place place, Term by, MembershipPtr under);

  /// The newest set at or below the index; index 0 and null before the first.
  LoggedMembership membership_at(Index index) const;
  LoggedMembership membership() const { return membership_at(last()); }
  /// Whether a committed membership named this very node.
  bool was_member(NodeId id, InstanceId instance) const;
  /// Whether one that followed did not.
  bool was_removed(NodeId id, InstanceId instance) const;

  /// Where a command was committed first; absent: nowhere.
  std::optional<Index> find(std::uint64_t command) const;

 private:
  std::vector<CommittedEntry> entries_;  ///< Entry i at i - 1.
  std::map<Index, MembershipPtr> memberships_;
  std::map<Term, Index> newest_by_;  ///< The newest entry that each term's leader committed.
  std::map<std::uint64_t, Index> commands_;
};

}  // namespace raft::sim
