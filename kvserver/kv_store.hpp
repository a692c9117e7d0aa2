// The replicated map as the server uses it: a state machine for libraft, and reads.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include <libraft/state_machine.hpp>
#include "kvserver/change_history.hpp"
#include "kvserver/rocks_store.hpp"
#include "kvserver/store_engine.hpp"

namespace kv {

/// Writes go through Raft: propose encode(Command), and what machine() answers is for
/// decode_reply(). Reads see what this node has applied, so ask for a read barrier first.
///
/// Threads: a memory store is read on the thread that applies (the group's own executor). A store
/// on RocksDB may be read on any thread, also while entries are applied: a read then sees the
/// effects of whole runs of entries, those up to the last commit. totals() is for any thread.
class Store {
 public:
  virtual ~Store() = default;

  /// For Node::start_group(). Belongs to the store, which must outlive the node.
  virtual raft::StateMachine& machine() = 0;

  /// Absent: no such key. Errors: corrupt, storage_failed; never with a memory store.
  virtual Result<std::optional<Item>> get(BytesView key) const = 0;

  /// Visits the keys of a range in its order, all as of one moment, until `visit` returns
  /// false. Do not call the store from within. Errors as get().
  virtual Result<void> scan(const Range& range, const Visitor& visit) const = 0;

  virtual Totals totals() const = 0;

  /// What has changed lately, as soon as reads see it. Begins anew with each life of the process
  /// and with each restored snapshot.
  virtual ChangeHistory& changes() = 0;
};

/// Everything in memory; libraft makes it durable by its log and its snapshots.
std::unique_ptr<Store> make_memory_store(
    std::size_t history_bytes = ChangeHistory::bytes_max_usual);

/// In RocksDB, in `folder`, which belongs to the store and is created when missing; its parent must
/// exist. Errors as open_rocks_engine().
Result<std::unique_ptr<Store>> open_rocks_store(
    const std::string& folder, const RocksOptions& options = {},
    std::size_t history_bytes = ChangeHistory::bytes_max_usual);

}  // namespace kv
