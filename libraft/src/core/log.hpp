// The log as the core sees it: its newest entries, a table of terms for all of it, the memberships
// that it set, and what of it is on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <libraft/types.hpp>
#include "protocol/durable.hpp"
#include "protocol/entry.hpp"

namespace raft::core {

class Log {
 public:
  explicit Log(const RecoveredLog& recovered);

  // --- shape ---
  const SnapshotMeta& base() const { return base_; }
  Index first_index() const { return base_.last.index.next(); }
  Index last_index() const { return last_; }
  EntryId last() const;
  /// Log time of the last entry.
  LogTime last_time() const;
  /// Known from the base to the last entry.
  std::optional<Term> term_at(Index index) const;
  bool matches(EntryId id) const { return term_at(id.index) == id.term; }
  /// The last entry not above `limit.index` with a term not above `limit.term`: two logs can only
  /// agree from there down, so whole terms are skipped. Not below the base.
  EntryId last_not_above(EntryId limit) const;

  /// The newest membership, committed or not: it is in force (thesis 4.1).
  const LoggedMembership& membership() const;
  const LoggedMembership& membership_at(Index index) const;
  const std::vector<LoggedMembership>& memberships() const { return memberships_; }
  /// Whether any membership known here, set at or below `upto`, names this very node.
  bool names(NodeId id, InstanceId instance, Index upto) const;

  // --- changes ---
  void append(EntryPtr entry);
  /// Erases the suffix from `from`; the memberships that it set are rolled back with it. True if
  /// there were any.
  bool truncate_from(Index from);
  /// An installed snapshot: everything else goes.
  void reset(const SnapshotMeta& base);
  /// Everything up to the new base was applied and has been erased.
  void compact(const SnapshotMeta& base);

  // --- memory ---
  /// The first entry held in memory; last_index() + 1 if there is none.
  Index memory_first() const { return tail_first_; }
  /// One of the entries in memory.
  const EntryPtr& entry(Index index) const;
  /// Entries in memory from `first` up to `last`, about `bytes_max` bytes but at least one.
  std::vector<EntryPtr> slice(Index first, Index last, std::size_t bytes_max) const;
  /// Lets go of the oldest entries while more than `bytes_max` are held, none above `upto`.
  void shrink(std::size_t bytes_max, Index upto);

  // --- disk ---
  /// Whether something waits for stage().
  bool has_unstaged() const { return base_unstaged_ || unstaged_from_ <= last_; }
  /// Moves what is not yet on its way to the disk into a batch.
  void stage(PersistWork& work);
  /// The batches up to `number` are on disk.
  void confirm(std::uint64_t number);
  /// Up to here the log is on disk as it is now.
  Index stable() const { return stable_; }

 private:
  struct Staged {
    std::uint64_t number;
    Index first;  ///< Where it begins to overwrite; 0 with a new base, past the end if nowhere.
    Index last;   ///< Last index on disk after it.
  };

  void update_stable();

  SnapshotMeta base_;
  std::vector<TermRun> term_runs_;             ///< Of all entries above the base.
  std::vector<LoggedMembership> memberships_;  ///< Set above the base, ascending.
  Index last_;

  std::deque<EntryPtr> tail_;  ///< Entries tail_first_ .. last_.
  Index tail_first_;
  std::size_t tail_bytes_ = 0;
  LogTime time_before_tail_;  ///< Of the entry before tail_first_, or later.

  Index unstaged_from_;         ///< The first entry that no batch holds.
  bool base_unstaged_ = false;  ///< The base came by reset() and no batch holds it.
  std::deque<Staged> staged_;   ///< Batches under way, by number.
  Index written_;               ///< Last index on disk after the last confirmed batch.
  Index stable_;
};

}  // namespace raft::core
