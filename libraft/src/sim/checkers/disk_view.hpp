// What a node's disk would give back after a power cut at this very moment.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <libraft/types.hpp>
#include "protocol/durable.hpp"
#include "sim/checkers/report.hpp"

namespace raft::sim {

/// Kept by the simulated storage from the batches that it really synced, not from what any core
/// believes. Of entries it keeps the terms: two entries with the same term and index are the same
/// one, which is an invariant of its own (L4). Outlives the processes that run on the disk.
class DiskView {
 public:
  DiskView();

  /// One batch is on the disk, as a whole.
  void synced(const PersistWork& work);
  /// So is the shortening of the log.
  void compacted(const SnapshotMeta& base);
  /// What a start has read from the disk must be what is known to be there (D3).
  void recovered(const RecoveredLog& log);

  const HardState& hard_state() const { return hard_; }
  const SnapshotMeta& base() const { return base_; }
  EntryId last() const;
  /// Known from the base to the last entry.
  std::optional<Term> term_at(Index index) const;
  /// Whether the entry, or a base that covers it, is here.
  bool holds(EntryId id) const {
    return id.index < base_.last.index || term_at(id.index) == id.term;
  }
  /// The newest in the log, else that of the base; never null.
  const LoggedMembership& membership() const;
  /// Who got this disk's vote in the term, then or ever since; 0: nobody.
  NodeId vote_in(Term term) const;

  /// Rises with each change.
  std::uint64_t version() const { return version_; }
  /// A state that no disk may ever show (D4), or that forgets (D3).
  const std::optional<Violation>& violation() const { return report_.first(); }

 private:
  void write_base(const SnapshotMeta& base);
  void write_entries(const std::vector<EntryPtr>& entries);
  void truncate_from(Index from);
  void check();

  HardState hard_;
  SnapshotMeta base_;
  std::vector<TermRun> runs_;  ///< Of the entries above the base.
  std::vector<LoggedMembership> memberships_;
  Index last_;
  std::map<Term, NodeId> votes_;
  std::uint64_t version_ = 0;
  Report report_;
};

}  // namespace raft::sim
