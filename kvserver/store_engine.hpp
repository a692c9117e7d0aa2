// The small ordered map that the machine works over. It knows nothing of commands and conditions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/types.hpp>
#include "kvserver/key_range.hpp"

namespace kv {

using raft::Bytes;
using raft::BytesView;
using raft::Index;
using raft::Result;

/// What is stored under a key.
struct Item {
  Bytes value;
  Index create_index;         ///< The entry that made the key appear.
  Index change_index;         ///< The entry that wrote this value.
  std::uint64_t version = 0;  ///< How many writes since the key appeared; 1 for the first.
  bool operator==(const Item&) const = default;
};

/// The same with the value's bytes somewhere else.
struct ItemView {
  BytesView value;
  Index create_index;
  Index change_index;
  std::uint64_t version = 0;

  Item copy() const { return {Bytes(value), create_index, change_index, version}; }
};

/// Returns false to end the visit. The views are valid during the call.
using Visitor = std::function<bool(BytesView key, const ItemView& item)>;

/// How much there is.
struct Totals {
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;  ///< Of keys and values, without overhead.
  bool operator==(const Totals&) const = default;
};

/// What an engine that survives restarts writes together with the data, in one atomic step.
struct Checkpoint {
  Index applied;  ///< The last entry whose effects are in the data.
  Totals totals;
  std::span<const raft::MetaRecord> meta;  ///< Records to set or erase.
};

/// As Visitor, to the end.
using FrozenVisitor = std::function<void(BytesView key, const ItemView& item)>;

/// The content of one moment, in key order, while writes go on. One thread at a time.
class FrozenView {
 public:
  virtual ~FrozenView() = default;
  /// Visits the next items and stops soon after `bytes` of them, or earlier, even before the first,
  /// so as not to hold up the writer. False: that was all. Not to be called again then.
  virtual Result<bool> next(std::size_t bytes, const FrozenVisitor& visit) = 0;
};

/// New content that is built beside the present one and then takes its place. Destroyed without
/// finish(): nothing has happened.
class Replacement {
 public:
  virtual ~Replacement() = default;
  /// Keys come in ascending order.
  virtual Result<void> add(BytesView key, const ItemView& item) = 0;
  /// The one step that makes the new content the present one; for a durable engine it survives a
  /// power cut when this returns. Call it once.
  virtual Result<void> finish(const Checkpoint& checkpoint) = 0;
};

/// "The writer" is one thread at a time, never two at once. Errors are those of a disk: corrupt,
/// storage_full, storage_failed.
class StoreEngine {
 public:
  virtual ~StoreEngine() = default;

  // The writer's side: changes are seen by find() at once.

  /// The view is valid until the writer's next call.
  virtual Result<std::optional<ItemView>> find(BytesView key) = 0;
  virtual void put(BytesView key, const ItemView& item) = 0;
  virtual void erase(BytesView key) = 0;

  /// Freezes what readers see now, quickly. What the view holds back in memory or on disk is freed
  /// when it is destroyed, on any thread, before or after the engine.
  virtual std::unique_ptr<FrozenView> capture() = 0;

  /// Begins to replace everything. No other call of the writer until the result is destroyed.
  virtual Result<std::unique_ptr<Replacement>> replace() = 0;

  // The readers' side. Each engine says which threads may read.

  virtual Result<std::optional<Item>> get(BytesView key) const = 0;
  virtual Result<void> scan(const Range& range, const Visitor& visit) const = 0;
};

/// An engine that survives restarts. Its changes are staged: readers, captures and the disk see
/// them with the next commit().
class DurableEngine : public StoreEngine {
 public:
  /// Makes everything staged visible, together with the checkpoint, atomically and without a sync.
  /// After an error nothing has happened and the same call may be tried again.
  virtual Result<void> commit(const Checkpoint& checkpoint) = 0;

  /// Of the last commit() or replacement.
  virtual Result<std::vector<raft::MetaRecord>> load_meta() const = 0;
  virtual Index applied() const = 0;
  virtual Totals totals() const = 0;

  /// The last committed checkpoint that survives a power cut. Any thread; never falls.
  virtual Index durable_index() const = 0;
  /// Begins to make durable what is committed, if durable_index() is below `upto`. Any thread;
  /// returns at once.
  virtual void request_durable(Index upto) = 0;
};

}  // namespace kv
