// The schema of one group's log and hard state over a KvEngine.
#pragma once

#include <cstddef>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "protocol/durable.hpp"
#include "storage/kv_engine.hpp"

namespace raft::storage {

/// Turns batches of the core into batches of the engine. It writes nothing itself, so that one
/// sync can serve all groups. recover() first, then stage() and stage_compaction() from one thread
/// in the order of the writes; read() from any thread.
class LogStore {
 public:
  LogStore(const KvEngine& engine, GroupId group);

  /// Reads and checks everything. A directory without this group gives an empty log: term 0, last
  /// 0, an empty membership. Errors: corrupt and newer_format name the key and say what is
  /// wrong with it.
  Result<RecoveredLog> recover();

  /// Adds entries, hard state and base of one batch of the core; the suffix that the first entry
  /// replaces goes. The entries follow each other and leave no gap behind the log.
  void stage(const PersistWork& work, KvBatch& batch);

  /// Erases everything up to the new base, which is at most the last index; nothing if the log
  /// begins behind it already. Needs no sync of its own.
  void stage_compaction(const SnapshotMeta& base, KvBatch& batch);

  /// Entries from `first`, at most to `last`, about `bytes_max` bytes but at least one. Fewer or
  /// none if they are no longer or not yet there; never with a gap. Errors: corrupt names the key.
  Result<std::vector<EntryPtr>> read(Index first, Index last, std::size_t bytes_max) const;

 private:
  void stage_base(const SnapshotMeta& base, KvBatch& batch);
  void stage_entries(const std::vector<EntryPtr>& entries, KvBatch& batch);
  void erase_entries(Index first, Index last, KvBatch& batch);

  const KvEngine& engine_;
  const GroupId group_;

  // The log as of all that was staged; empty when last_ is first_.prev(). They belong to the
  // staging thread: read() must not look at them.
  Index first_{1};
  Index last_;
};

}  // namespace raft::storage
