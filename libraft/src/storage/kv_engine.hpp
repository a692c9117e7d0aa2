// The small ordered key-value store that libraft needs under its schema. RocksDB is one, the
// simulator's disk another.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>

namespace raft::storage {

/// Operations that take effect together, in order.
class KvBatch {
 public:
  struct Put {
    Bytes key;
    Bytes value;
  };
  struct Erase {
    Bytes key;
  };
  /// All keys in [first, last).
  struct EraseRange {
    Bytes first;
    Bytes last;
  };
  using Operation = std::variant<Put, Erase, EraseRange>;

  void put(Bytes key, Bytes value) { operations_.push_back(Put{std::move(key), std::move(value)}); }
  void erase(Bytes key) { operations_.push_back(Erase{std::move(key)}); }
  void erase_range(Bytes first, Bytes last) {
    operations_.push_back(EraseRange{std::move(first), std::move(last)});
  }
  /// Adds all of `other` behind what is here.
  void append(KvBatch other);

  const std::vector<Operation>& operations() const { return operations_; }
  bool empty() const { return operations_.empty(); }
  /// Bytes of all keys and values.
  std::size_t bytes() const;

 private:
  std::vector<Operation> operations_;
};

/// Writes by one thread at a time, reads by any number of threads at any time.
class KvEngine {
 public:
  virtual ~KvEngine() = default;

  /// Atomic. When it returns, the batch is visible; with `sync`, it and all batches before it
  /// survive a power cut. Without, they survive in order or not at all. An empty batch with `sync`
  /// only syncs what came before.
  /// Errors: storage_full (nothing was written; call resume() before the next try) and
  /// storage_failed (final: the engine refuses everything from then on). An error from a sync is
  /// always storage_failed.
  virtual Result<void> write(const KvBatch& batch, bool sync) = 0;

  /// Absent: no such key. Errors: corrupt (names key and file), storage_failed; storage_full: not
  /// to be read either until resume() finds space.
  virtual Result<std::optional<Bytes>> get(BytesView key) const = 0;

  /// Visits keys in [first, last) in ascending order until `visit` returns false. The view is of
  /// one moment. Errors: as get().
  virtual Result<void> scan(
      BytesView first, BytesView last,
      const std::function<bool(BytesView key, BytesView value)>& visit) const = 0;

  /// After storage_full: makes the engine writable again if there is space.
  virtual Result<void> resume() = 0;
};

}  // namespace raft::storage
