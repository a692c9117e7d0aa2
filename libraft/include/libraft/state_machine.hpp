// What the library's user implements: the thing that is replicated.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>

namespace raft {

/// A committed command as every replica sees it, in the same order with the same fields.
struct AppliedEntry {
  Index index;
  Term term;
  LogTime time;       ///< Never decreasing; the only clock that a state machine may use.
  BytesView command;  ///< Valid during the call.
};

/// A frozen view of a state machine, read from front to back. The view does not change while it
/// lives, whatever is applied meanwhile. Used by one thread at a time, not always the same one. It
/// may be destroyed later than the machine, with the context of a node that has gone: so its
/// destructor must not touch the machine.
class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;
  /// Up to `max` further bytes; empty at the end.
  virtual Result<Bytes> read(std::size_t max) = 0;
};

/// A deterministic machine: the same entries in the same order give the same state and replies on
/// every node, so apply() must not look at clocks, randomness, addresses or other state.
///
/// Volatile by default: libraft rebuilds it after a restart from its newest snapshot and the log.
/// Except for the reading of captures, and for what says "any thread", one thread at a time calls
/// it, never two at once.
class StateMachine {
 public:
  virtual ~StateMachine() = default;

  /// Executes one command. The bytes go back to whoever proposed it. A command that makes no sense
  /// is answered, not thrown at: an exception here stops the replica for good. A reply that fits no
  /// frame of 8 MiB cannot leave the node: whoever proposed on another one gets unknown_outcome.
  virtual Bytes apply(const AppliedEntry& entry) = 0;

  /// Freezes the present state, quickly: it is called between two applies and delays the next one.
  virtual std::unique_ptr<SnapshotReader> capture() = 0;

  /// Replaces all state by what a capture gave on another node or in an earlier life. Called
  /// again after a crash in the middle. On an error the replica stops.
  virtual Result<void> restore(SnapshotReader& snapshot) = 0;

  /// Whether apply or capture may hold their thread for more than a millisecond. Then they run on
  /// the node's worker threads, else on the group's own executor, which is faster. A restore always
  /// runs on a worker thread: it takes as long as the state is large.
  virtual bool may_block() const { return true; }
};

/// One piece of libraft's own state (applied index, membership, sessions) that a durable machine
/// keeps for it. An absent value erases the key.
struct MetaRecord {
  Bytes key;
  std::optional<Bytes> value;
};

/// A machine with a store of its own that survives restarts: libraft keeps no snapshot file of it,
/// and after a restart replays the log only from durable_index() on.
class DurableStateMachine : public StateMachine {
 public:
  /// Writes all that apply() did since the last successful call and these records in one atomic
  /// write, which need not be synced. Called after each run of apply(), which may only stage its
  /// changes, yet must see those of the entries before. `applied` is the last entry of the run. It
  /// may be above the last one that apply() was given: libraft's own entries are not passed on.
  /// Where `meta` names a key twice, the later record counts.
  ///
  /// storage_full says that nothing was written and everything is still staged. After a pause the
  /// call is made again, with these records and perhaps more. Meanwhile apply() and reads may come,
  /// and capture() does not. Any other error stops the replica.
  virtual Result<void> commit(Index applied, std::span<const MetaRecord> meta) = 0;

  /// All records kept, in any order. Called once at the start; what it returns is as of
  /// durable_index() in this fresh process.
  virtual Result<std::vector<MetaRecord>> load_meta() = 0;

  /// The newest `applied` of a commit() or restore() that survives a power cut; 0 before the first.
  /// Any thread; never falls.
  virtual Index durable_index() const = 0;

  /// Asks the machine to raise durable_index() to `upto` soon, so that the log can be shortened.
  /// Returns at once; the work happens elsewhere. Any thread, also during another call.
  virtual void request_durable(Index upto) = 0;

  /// Replaces all state and all records in one atomic step: after a crash in the middle the old
  /// state is there, untouched. When it returns, the new state survives a power cut, and
  /// durable_index() is `applied`, the last entry that the snapshot covers.
  virtual Result<void> restore(SnapshotReader& snapshot, Index applied,
                               std::span<const MetaRecord> meta) = 0;

  /// A durable machine is restored together with its records only.
  Result<void> restore(SnapshotReader&) final { return Errc::invalid_argument; }
};

}  // namespace raft
