// What a disk would give back after a power cut at this very moment.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "protocol/durable.hpp"

namespace raft::test {

/// Holds only what was confirmed. Every write is checked for what no disk may ever show: a gap, a
/// commit index above the last entry, terms that fall.
class ModelDisk {
 public:
  explicit ModelDisk(SnapshotMeta base) : base_(std::move(base)) {}

  /// One batch becomes durable as a whole. Throws Violation if it leaves a state that recovery
  /// would have to refuse.
  void write(const PersistWork& work);
  /// The log was shortened: everything up to `base` is gone.
  void erase_up_to(const SnapshotMeta& base);

  const HardState& hard_state() const { return hard_state_; }
  const SnapshotMeta& base() const { return base_; }
  EntryId last() const;
  std::optional<Term> term_at(Index index) const;
  /// Whether the entry, or a base that covers it, is here.
  bool holds(EntryId id) const;
  /// The membership in force, were this node started now.
  LoggedMembership membership() const;

  /// Null if it is not here.
  EntryPtr entry(Index index) const;
  /// As a fetch reads them: about `bytes_max` bytes but at least one; none if `first` is gone.
  std::vector<EntryPtr> read(Index first, Index last, std::size_t bytes_max) const;
  RecoveredLog recover() const;

 private:
  void check() const;

  HardState hard_state_;
  SnapshotMeta base_;
  std::deque<EntryPtr> entries_;  ///< From base_.last.index + 1 on.
};

}  // namespace raft::test
