// One thread per node that writes for all groups: all that is queued, one batch, one sync.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "storage/disk_space.hpp"
#include "storage/kv_engine.hpp"
#include "util/unique_function.hpp"

namespace raft::storage {

/// What became of a write.
struct Written {
  Result<void> result;
  Duration took{0};      ///< From the first try on, waiting for space included.
  std::size_t jobs = 0;  ///< How many were written together.
};

/// Most users should leave this alone; small disks need smaller numbers.
struct StorageThreadOptions {
  /// Below this many free bytes is_full() holds, so that clients are refused before writes fail.
  std::uint64_t low_bytes = low_space_bytes;
  /// Held back in the file `reserve`, given up when a write finds no space. 0: nothing.
  std::uint64_t reserve_bytes = std::uint64_t{64} << 20;
  /// How long a write that found no space waits before the next try.
  Duration retry_after = std::chrono::milliseconds(250);
  /// The largest batch that try_now() writes.
  std::size_t inline_bytes_max = std::size_t{64} << 10;
  /// How long the last sync may have taken for try_now() to do the next one.
  Duration quick_sync = std::chrono::milliseconds(2);
};

class StorageThread {
 public:
  using Done = util::UniqueFunction<void(const Written&)>;

  /// `folder` is where the engine writes: its free space is watched, and holds the reserve.
  StorageThread(KvEngine& engine, std::string folder, StorageThreadOptions options = {});
  /// Writes what is queued, then joins. What waits for space then ends with storage_full.
  ~StorageThread();

  /// Queues a batch, from any thread. `done` runs on the storage thread, in the order of the
  /// submissions. On storage_full the queue pauses: the same batch is tried again once there is
  /// space, and `done` comes then. Any other error is final: it goes to this and all later ones.
  /// An empty batch without `sync` is only a place in that order.
  void submit(KvBatch batch, bool sync, Done done);

  /// Writes on the calling thread if nothing is queued or under way, the batch is small and the
  /// last sync was quick: then `batch` is consumed and what became of it returned. Otherwise the
  /// batch is untouched: submit() it. Any thread. Whoever handed a `done` on to another thread
  /// must have seen it there before, or the two results arrive in the wrong order.
  std::optional<Written> try_now(KvBatch& batch, bool sync);

  /// Whether writes wait for space, or less than `low_bytes` are free. Any thread; cheap.
  bool is_full() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace raft::storage
