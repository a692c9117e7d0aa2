// What a replica must not forget, and the batches in which it is written.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <libraft/types.hpp>
#include "protocol/entry.hpp"
#include "protocol/message.hpp"

namespace raft {

/// What must survive a power cut besides the log (thesis figure 3.1).
struct HardState {
  Term term;
  NodeId vote;             ///< 0: none in this term.
  Index commit;            ///< Rides along; may lag behind.
  Duration lease_seen{0};  ///< The longest lease ever promised; 0: none.

  bool operator==(const HardState&) const = default;
};

/// One atomic batch for the disk. Batches are numbered, written and confirmed in order.
struct PersistWork {
  std::uint64_t number = 0;  ///< Given back through Core::persisted().
  std::optional<HardState> hard_state;
  std::optional<SnapshotMeta> base;  ///< An installed snapshot: the new base, all entries erased.
  std::vector<EntryPtr> entries;     ///< entries.front() replaces any suffix at its index.
  std::vector<Message> then_send;    ///< Whatever claims something not yet on disk.

  /// Whether anything is to be written; otherwise it is only a place in the queue.
  bool writes() const { return hard_state || base || !entries.empty(); }
};

/// A stretch of the log with one term, from `first` to the next run.
struct TermRun {
  Index first;
  Term term;

  bool operator==(const TermRun&) const = default;
};

/// What the disk gives back at the start, checked: no gap, terms not falling, commit <= last.
struct RecoveredLog {
  HardState hard_state;
  SnapshotMeta base;                          ///< The log begins at base.last.index + 1.
  std::vector<TermRun> term_runs;             ///< Of the entries above the base, ascending.
  std::vector<LoggedMembership> memberships;  ///< Set by entries above the base, ascending.
  Index last;                                 ///< Last index on disk; the base's if there is none.
  LogTime last_time;                          ///< Of the last entry, or of the base.
};

}  // namespace raft
