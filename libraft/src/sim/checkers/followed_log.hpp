// A node's log as it was when last looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <libraft/membership.hpp>
#include <libraft/types.hpp>
#include "protocol/entry.hpp"
#include "protocol/message.hpp"
#include "sim/checkers/fingerprint.hpp"

namespace raft::sim {

/// The entries above the base, each with the chain of all that is before it.
class FollowedLog {
 public:
  struct Link {
    EntryPtr entry;
    std::uint64_t chain = 0;
    std::uint64_t bytes = 0;  ///< Of this entry and all others since the log was first followed.
  };

  /// Nothing but a base.
  void reset(const SnapshotMeta& base, std::uint64_t chain);

  const SnapshotMeta& base() const { return base_; }
  Index last_index() const { return {base_.last.index.value + links_.size()}; }
  EntryId last() const { return links_.empty() ? base_.last : links_.back().entry->id(); }
  /// Known from the base to the last entry.
  std::optional<Place> at(Index index) const;
  bool holds(EntryId id) const;
  /// Above the base, up to the last.
  const Link& link(Index index) const { return links_[distance(base_.last.index, index) - 1]; }
  /// Sum of the sizes of the entries in (after, upto], as far as they are here.
  std::uint64_t bytes_between(Index after, Index upto) const;

  const LoggedMembership& membership() const;
  const LoggedMembership& membership_at(Index index) const;
  /// How many were set above the index.
  std::size_t memberships_above(Index index) const;

  void append(EntryPtr entry, std::uint64_t chain);
  void truncate_from(Index from);
  /// Up to a base that is in the log.
  void compact(const SnapshotMeta& base);

 private:
  SnapshotMeta base_;
  std::uint64_t base_chain_ = 0;
  std::uint64_t base_bytes_ = 0;
  std::deque<Link> links_;
  std::vector<LoggedMembership> memberships_;
};

}  // namespace raft::sim
