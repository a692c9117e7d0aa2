// One RocksDB as the store uses it: how it is opened, how far it is durable, and scans. Only for
// rocks_store.cpp: it names RocksDB.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <memory>
#include <string>

#include <libraft/error.hpp>
#include "kvserver/rocks_records.hpp"
#include "kvserver/rocks_store.hpp"

namespace kv {

inline rocksdb::Slice to_slice(BytesView bytes) { return {bytes.data(), bytes.size()}; }
inline BytesView to_view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

raft::Error error_of(const rocksdb::Status& status, const std::string& path);
Result<void> result_of(const rocksdb::Status& status, const std::string& path);

/// Of all generations of a store, which share one cache.
rocksdb::Options rocksdb_options(const RocksOptions& options);
/// The Raft log is the only one that there is.
rocksdb::WriteOptions without_wal();

class FlushListener;

/// One generation: an open RocksDB and how far it is durable. Used from any thread.
class RocksDatabase {
 public:
  struct Place {
    std::string path;
    bool create = false;
  };

  /// Errors name the path: corrupt, data_missing, newer_format, invalid_argument (in use),
  /// storage_full, storage_failed.
  static Result<std::shared_ptr<RocksDatabase>> open(Place place, rocksdb::Options options);
  ~RocksDatabase();
  RocksDatabase(const RocksDatabase&) = delete;
  RocksDatabase& operator=(const RocksDatabase&) = delete;

  rocksdb::DB& operator*() const { return *db_; }
  rocksdb::DB* operator->() const { return db_.get(); }
  rocksdb::DB* get() const { return db_.get(); }
  const std::string& path() const { return path_; }

  const State& recovered() const { return recovered_; }
  Index durable() const;

  Result<void> write(rocksdb::WriteBatch& batch);
  /// `committed` is in the memtable: what a flush that begins now will cover.
  void request_flush(Index committed);
  /// Returns when everything written is in synced files.
  Result<void> flush();

  /// For a generation that is not, or no longer, the present one.
  void remove_when_closed(bool remove) { remove_when_closed_ = remove; }

 private:
  RocksDatabase(std::string path, std::unique_ptr<rocksdb::DB> db,
                std::shared_ptr<FlushListener> listener);
  Result<void> load_state();
  Result<void> require_no_data();

  const std::string path_;
  const std::shared_ptr<FlushListener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  State recovered_;
  std::atomic<bool> remove_when_closed_{false};
};

/// Keys of one kind, in order, from a place on. `key()` is without the byte of its kind.
class RocksScan {
 public:
  RocksScan(const RocksDatabase& database, KeyKind kind,
            const rocksdb::Snapshot* snapshot = nullptr);
  // RocksDB keeps the addresses of the bounds.
  RocksScan(const RocksScan&) = delete;
  RocksScan& operator=(const RocksScan&) = delete;

  void seek(BytesView key) { at_->Seek(to_slice(make_key(kind_, key))); }
  /// To where a scan of the range begins.
  void seek(const Range& range);
  bool valid() const { return at_->Valid(); }
  void next() { at_->Next(); }
  void previous() { at_->Prev(); }
  BytesView key() const { return to_view(at_->key()).substr(1); }
  BytesView value() const { return to_view(at_->value()); }
  rocksdb::Status status() const { return at_->status(); }

 private:
  void seek_above(BytesView key);
  void seek_below(BytesView key);

  const Bytes begin_;
  const Bytes end_;
  const rocksdb::Slice begin_slice_;
  const rocksdb::Slice end_slice_;
  const KeyKind kind_;
  std::unique_ptr<rocksdb::Iterator> at_;
};

}  // namespace kv
