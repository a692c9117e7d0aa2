// What commands do to the map: the same for every engine, and nothing but a function of the log.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <libraft/state_machine.hpp>
#include "kvserver/change_history.hpp"
#include "kvserver/kv_command.hpp"
#include "kvserver/store_engine.hpp"

namespace kv {

/// The engine's writer. One thread at a time but for totals().
class KvMachine {
 public:
  /// Goes on from what the engine holds, and notes every change in the history, which is published
  /// by whoever makes it visible. Both must outlive the machine.
  KvMachine(StoreEngine& engine, ChangeHistory& history, Index applied, const Totals& totals);

  /// Executes a command and encodes its reply. Empty: the engine failed, see failure().
  Bytes apply(const raft::AppliedEntry& entry);

  /// Freezes what the engine's readers see; `applied` is the last entry in it.
  std::unique_ptr<raft::SnapshotReader> capture(Index applied) const;

  /// All or nothing. For an engine that survives restarts, `applied` is the last entry that the
  /// snapshot covers, and goes to the engine with `meta` and the rest.
  Result<void> restore(raft::SnapshotReader& snapshot, Index applied = {},
                       std::span<const raft::MetaRecord> meta = {});

  /// The last command executed.
  Index applied() const { return applied_; }
  /// Any thread.
  Totals totals() const { return {keys_.load(), bytes_.load()}; }

  /// Why an entry could not be applied; from then on none is. What the engine holds staged is
  /// incomplete and must not be committed.
  const std::optional<raft::Error>& failure() const { return failure_; }

 private:
  Result<Reply> execute(const Put& put, Index index);
  Result<Reply> execute(const Delete& command, Index index);
  void set_totals(const Totals& totals);

  StoreEngine& engine_;
  ChangeHistory& history_;
  Index applied_;
  std::optional<raft::Error> failure_;
  // Written with the rest of the state, read by whoever wants numbers.
  std::atomic<std::uint64_t> keys_;
  std::atomic<std::uint64_t> bytes_;
};

}  // namespace kv
