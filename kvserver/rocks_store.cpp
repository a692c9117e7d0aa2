// One column family for all (rocks_records.cpp), so that one batch and one flush cover all of it.
//
// There is no WAL: the Raft log is one. What a power cut leaves is the content of some moment
// between two commits, because each batch is in one memtable as a whole and memtables become files
// in their order. The state record in it tells from where on the log is to be replayed.
#include "kvserver/rocks_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/write_batch_with_index.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "kvserver/active_folder.hpp"
#include "kvserver/rocks_records.hpp"

namespace kv {
namespace {

using raft::Errc;
using raft::Error;
using raft::MetaRecord;
using rocksdb::Slice;
using rocksdb::Status;

// How much of a replacement is written in one batch.
constexpr std::size_t load_batch_bytes = std::size_t{1} << 20;

Slice to_slice(BytesView bytes) { return {bytes.data(), bytes.size()}; }
BytesView to_view(const Slice& slice) { return {slice.data(), slice.size()}; }

Error error_of(const Status& status, const std::string& path) {
  Errc code = Errc::storage_failed;
  if (status.IsNoSpace()) code = Errc::storage_full;
  if (status.IsCorruption()) code = Errc::corrupt;
  return {code, path + ": " + status.ToString()};
}

Result<void> result_of(const Status& status, const std::string& path) {
  if (!status.ok()) return error_of(status, path);
  return {};
}

// Works on a WriteBatch as on one with an index.
Status add_checkpoint(const Checkpoint& checkpoint, rocksdb::WriteBatchBase& batch) {
  const Bytes state = encode_state({checkpoint.applied, checkpoint.totals});
  Status status = batch.Put(make_key(KeyKind::state), state);
  for (const MetaRecord& record : checkpoint.meta) {
    if (!status.ok()) break;
    const Bytes key = make_key(KeyKind::meta, record.key);
    status = record.value ? batch.Put(to_slice(key), to_slice(*record.value))
                          : batch.Delete(to_slice(key));
  }
  return status;
}

rocksdb::WriteOptions without_wal() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

// Learns from RocksDB's flushes, whoever asked for them, up to which commit the files reach.
class FlushListener final : public rocksdb::EventListener {
 public:
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo&) override { read(*db); }

  // The flush that was asked for may never come to an end; another request may try again.
  void OnBackgroundError(rocksdb::BackgroundErrorReason, Status*) override { asked_ = 0; }

  // Also called after opening, when everything that exists is in files.
  void read(rocksdb::DB& db) {
    rocksdb::ReadOptions files_only;
    files_only.read_tier = rocksdb::kPersistedTier;
    rocksdb::PinnableSlice bytes;
    const Status status =
        db.Get(files_only, db.DefaultColumnFamily(), make_key(KeyKind::state), &bytes);
    if (!status.ok()) return;
    const Result<State> state = decode_state(to_view(bytes), db.GetName());
    if (!state) return;
    // The last two flushes may end on two threads.
    std::uint64_t known = durable_;
    while (known < state->applied.value &&
           !durable_.compare_exchange_weak(known, state->applied.value)) {
    }
  }

  Index durable() const { return {durable_}; }
  /// Whether a flush of everything up to `committed` has not been asked for yet.
  bool ask(Index committed) {
    std::uint64_t asked = asked_;
    while (asked < committed.value) {
      if (asked_.compare_exchange_weak(asked, committed.value)) return true;
    }
    return false;
  }

 private:
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::uint64_t> asked_{0};
};

// In place of a file of its own: where that finds no space, RocksDB ends the process.
class Warnings final : public rocksdb::Logger {
 public:
  explicit Warnings(std::function<void(std::string_view)> warn)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), warn_(std::move(warn)) {}

  using rocksdb::Logger::Logv;

  void LogHeader(const char*, va_list) override {}

  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (!warn_ || level < rocksdb::WARN_LEVEL || level >= rocksdb::HEADER_LEVEL) return;
    std::array<char, 1024> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    warn_(line.data());
  }

 private:
  const std::function<void(std::string_view)> warn_;
};

rocksdb::Options rocksdb_options(const RocksOptions& options,
                                 const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // Else they are outside of the bound.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::Options out;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.write_buffer_size = options.write_buffer_bytes;
  // One is written, one flushed; the third keeps writes going when a requested flush comes between.
  out.max_write_buffer_number = 3;
  // Values are opaque, often compressed already, and the processor is the scarce resource.
  out.compression = rocksdb::kNoCompression;
  out.max_open_files = 256;
  out.skip_stats_update_on_db_open = true;
  out.info_log = std::make_shared<Warnings>(options.warn);
  out.info_log_level = rocksdb::WARN_LEVEL;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  return out;
}

// One generation: an open RocksDB and how far it is durable. Used from any thread.
class Database {
 public:
  struct Place {
    std::string path;
    bool create = false;
  };

  static Result<std::shared_ptr<Database>> open(Place place, rocksdb::Options options) {
    auto listener = std::make_shared<FlushListener>();
    options.listeners.push_back(listener);
    options.create_if_missing = place.create;
    options.error_if_exists = false;
    rocksdb::DB* db = nullptr;
    const Status status = rocksdb::DB::Open(options, place.path, &db);
    if (!status.ok()) return open_error(status, place.path);
    std::shared_ptr<Database> database(
        new Database(std::move(place.path), std::unique_ptr<rocksdb::DB>(db), listener));
    if (auto loaded = database->load_state(); !loaded) return loaded.error();
    listener->read(*db);
    return database;
  }

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  ~Database() {
    if (!remove_when_closed_) return;
    // RocksDB makes everything durable when it closes, which would be for nothing here.
    db_->SetDBOptions({{"avoid_flush_during_shutdown", "true"}}).PermitUncheckedError();
    db_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  rocksdb::DB& operator*() const { return *db_; }
  rocksdb::DB* operator->() const { return db_.get(); }
  rocksdb::DB* get() const { return db_.get(); }
  const std::string& path() const { return path_; }

  const State& recovered() const { return recovered_; }
  Index durable() const { return listener_->durable(); }

  Result<void> write(rocksdb::WriteBatch& batch) {
    return result_of(db_->Write(without_wal(), &batch), path_);
  }

  /// `committed` is in the memtable: what a flush that begins now will cover.
  void request_flush(Index committed) {
    if (!listener_->ask(committed)) return;
    rocksdb::FlushOptions options;
    options.wait = false;
    options.allow_write_stall = true;  // Else this call would wait for earlier flushes.
    // A failure is RocksDB's state from then on, which the next commit reports.
    db_->Flush(options).PermitUncheckedError();
  }

  /// Returns when everything written is in synced files.
  Result<void> flush() {
    const Status status = db_->Flush(rocksdb::FlushOptions{});
    // The listener may not have heard of it yet.
    if (status.ok()) listener_->read(*db_);
    return result_of(status, path_);
  }

  /// For a generation that is not, or no longer, the present one.
  void remove_when_closed(bool remove) { remove_when_closed_ = remove; }

 private:
  Database(std::string path, std::unique_ptr<rocksdb::DB> db,
           std::shared_ptr<FlushListener> listener)
      : path_(std::move(path)), listener_(std::move(listener)), db_(std::move(db)) {}

  static Error open_error(const Status& status, const std::string& path) {
    Error error = error_of(status, path);
    // The generation that ACTIVE names is not there, or not a database.
    if (status.IsInvalidArgument()) error.code = Errc::data_missing;
    // RocksDB has no code of its own for a lock that another process holds.
    if (status.IsIOError() && error.detail.find("/LOCK") != std::string::npos) {
      error.code = Errc::invalid_argument;
    }
    return error;
  }

  Result<void> load_state() {
    std::string bytes;
    const Status status = db_->Get({}, make_key(KeyKind::state), &bytes);
    if (status.IsNotFound()) return require_no_data();
    if (!status.ok()) return error_of(status, path_);
    const Result<State> state = decode_state(bytes, path_);
    if (!state) return state.error();
    recovered_ = *state;
    return {};
  }

  Result<void> require_no_data() {
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
    at->Seek(make_key(KeyKind::data));
    if (at->Valid()) return Error{Errc::corrupt, path_ + ": data without a state record"};
    return result_of(at->status(), path_);
  }

  const std::string path_;
  const std::shared_ptr<FlushListener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  State recovered_;
  std::atomic<bool> remove_when_closed_{false};
};

// Keys of one kind, in order, from a place on. `key()` is without the prefix byte.
class Scan {
 public:
  Scan(const Database& database, KeyKind kind, const rocksdb::Snapshot* snapshot = nullptr)
      : begin_(1, static_cast<char>(kind)),
        end_(1, static_cast<char>(static_cast<char>(kind) + 1)),
        begin_slice_(to_slice(begin_)),
        end_slice_(to_slice(end_)),
        kind_(kind) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.iterate_lower_bound = &begin_slice_;
    options.iterate_upper_bound = &end_slice_;
    options.fill_cache = false;  // One long list must not push out what many clients read.
    at_.reset(database->NewIterator(options));
  }
  // RocksDB keeps the addresses of the bounds.
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  void seek(BytesView key) { at_->Seek(to_slice(make_key(kind_, key))); }
  void seek_above(BytesView key) {
    seek(key);
    if (valid() && this->key() == key) next();
  }
  void seek_below(BytesView key) {
    at_->SeekForPrev(to_slice(make_key(kind_, key)));
    if (valid() && this->key() == key) previous();
  }
  void seek_last() { at_->SeekToLast(); }
  bool valid() const { return at_->Valid(); }
  void next() { at_->Next(); }
  void previous() { at_->Prev(); }
  BytesView key() const { return to_view(at_->key()).substr(1); }
  BytesView value() const { return to_view(at_->value()); }
  Status status() const { return at_->status(); }

 private:
  const Bytes begin_;
  const Bytes end_;
  const Slice begin_slice_;
  const Slice end_slice_;
  const KeyKind kind_;
  std::unique_ptr<rocksdb::Iterator> at_;
};

void seek(Scan& at, const Range& range) {
  if (range.descending) {
    const auto bound = bound_above(range);
    return bound ? at.seek_below(*bound) : at.seek_last();
  }
  const bool resumes = range.after && *range.after >= range.prefix;
  resumes ? at.seek_above(*range.after) : at.seek(range.prefix);
}

// Each slice has an iterator of its own: one that lives as long as a slow transfer would hold
// memtables and files that are long gone otherwise. The snapshot holds back old values only.
class RocksView final : public FrozenView {
 public:
  explicit RocksView(std::shared_ptr<Database> database)
      : database_(std::move(database)), snapshot_((*database_)->GetSnapshot()) {}
  RocksView(const RocksView&) = delete;
  RocksView& operator=(const RocksView&) = delete;
  ~RocksView() override { (*database_)->ReleaseSnapshot(snapshot_); }

  Result<bool> next(std::size_t bytes, const FrozenVisitor& visit) override {
    Scan at(*database_, KeyKind::data, snapshot_);
    at.seek(from_);
    for (std::size_t visited = 0; at.valid() && visited < bytes; at.next()) {
      const Result<ItemView> item = parse_item(at.value(), at.key(), database_->path());
      if (!item) return item.error();
      visited += at.key().size() + item->value.size();
      visit(at.key(), *item);
    }
    if (!at.status().ok()) return error_of(at.status(), database_->path());
    if (!at.valid()) return false;
    from_ = at.key();
    return true;
  }

 private:
  const std::shared_ptr<Database> database_;
  const rocksdb::Snapshot* const snapshot_;
  Bytes from_;  // Where the next slice begins.
};

class RocksEngine final : public DurableEngine {
 public:
  RocksEngine(ActiveFolder folder, rocksdb::Options options, std::shared_ptr<Database> database)
      : folder_(std::move(folder)), options_(std::move(options)), staged_(make_staged()) {
    const State recovered = database->recovered();
    adopt(std::move(database), recovered);
  }

  Result<std::optional<ItemView>> find(BytesView key) override {
    found_.Reset();
    set_key(KeyKind::data, key, key_);
    const Status status = staged_.GetFromBatchAndDB(database_->get(), {}, to_slice(key_), &found_);
    if (status.IsNotFound()) return std::optional<ItemView>{};
    if (!status.ok()) return error_of(status, database_->path());
    const Result<ItemView> item = parse_item(to_view(found_), key, database_->path());
    if (!item) return item.error();
    return std::optional<ItemView>{*item};
  }

  void put(BytesView key, const ItemView& item) override {
    set_key(KeyKind::data, key, key_);
    set_item(item, value_);
    stage(staged_.Put(to_slice(key_), to_slice(value_)));
  }

  void erase(BytesView key) override {
    set_key(KeyKind::data, key, key_);
    stage(staged_.Delete(to_slice(key_)));
  }

  Result<void> commit(const Checkpoint& checkpoint) override {
    if (!staging_.ok()) return error_of(staging_, database_->path());
    staged_.SetSavePoint();
    Status status = add_checkpoint(checkpoint, staged_);
    if (status.ok()) status = (*database_)->Write(without_wal(), staged_.GetWriteBatch());
    if (!status.ok()) {
      staged_.RollbackToSavePoint().PermitUncheckedError();
      return error_of(status, database_->path());
    }
    staged_.Clear();
    totals_ = checkpoint.totals;
    applied_.store(checkpoint.applied.value);
    return {};
  }

  std::unique_ptr<FrozenView> capture() override { return std::make_unique<RocksView>(database_); }

  Result<std::unique_ptr<Replacement>> replace() override {
    const std::string path = folder_.next_path();
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return Error{Errc::storage_failed, path + ": " + error.message()};
    auto database = Database::open({path, /*create=*/true}, options_);
    if (!database) return database.error();
    (*database)->remove_when_closed(true);
    return std::unique_ptr<Replacement>(std::make_unique<RocksReplacement>(*this, *database));
  }

  Result<std::optional<Item>> get(BytesView key) const override {
    const std::shared_ptr<Database> database = current();
    rocksdb::PinnableSlice bytes;
    const Status status = (*database)->Get({}, (*database)->DefaultColumnFamily(),
                                           to_slice(make_key(KeyKind::data, key)), &bytes);
    if (status.IsNotFound()) return std::optional<Item>{};
    if (!status.ok()) return error_of(status, database->path());
    const Result<ItemView> item = parse_item(to_view(bytes), key, database->path());
    if (!item) return item.error();
    return std::optional<Item>{item->copy()};
  }

  Result<void> scan(const Range& range, const Visitor& visit) const override {
    const std::shared_ptr<Database> database = current();
    Scan at(*database, KeyKind::data);
    seek(at, range);
    for (; at.valid() && at.key().starts_with(range.prefix);
         range.descending ? at.previous() : at.next()) {
      const Result<ItemView> item = parse_item(at.value(), at.key(), database->path());
      if (!item) return item.error();
      if (!visit(at.key(), *item)) return {};
    }
    return result_of(at.status(), database->path());
  }

  Result<std::vector<MetaRecord>> load_meta() const override {
    const std::shared_ptr<Database> database = current();
    std::vector<MetaRecord> records;
    Scan at(*database, KeyKind::meta);
    for (at.seek({}); at.valid(); at.next()) {
      records.push_back({Bytes(at.key()), Bytes(at.value())});
    }
    if (!at.status().ok()) return error_of(at.status(), database->path());
    return records;
  }

  Index applied() const override { return {applied_.load()}; }
  Totals totals() const override { return totals_; }
  Index durable_index() const override { return current()->durable(); }

  void request_durable(Index upto) override {
    const std::shared_ptr<Database> database = current();
    if (database->durable() < upto) database->request_flush(applied());
  }

 private:
  class RocksReplacement final : public Replacement {
   public:
    RocksReplacement(RocksEngine& engine, std::shared_ptr<Database> database)
        : engine_(engine), database_(std::move(database)) {}

    Result<void> add(BytesView key, const ItemView& item) override {
      set_key(KeyKind::data, key, key_);
      set_item(item, value_);
      const Status status = batch_.Put(to_slice(key_), to_slice(value_));
      if (!status.ok()) return error_of(status, database_->path());
      return batch_.GetDataSize() < load_batch_bytes ? Result<void>{} : write();
    }

    Result<void> finish(const Checkpoint& checkpoint) override {
      const Status status = add_checkpoint(checkpoint, batch_);
      if (!status.ok()) return error_of(status, database_->path());
      if (auto written = write(); !written) return written;
      if (auto flushed = database_->flush(); !flushed) return flushed;
      return engine_.switch_to(std::move(database_), State{checkpoint.applied, checkpoint.totals});
    }

   private:
    Result<void> write() {
      auto written = database_->write(batch_);
      batch_.Clear();
      return written;
    }

    RocksEngine& engine_;
    std::shared_ptr<Database> database_;
    rocksdb::WriteBatch batch_;
    Bytes key_;
    Bytes value_;
  };

  // A key that is written twice in one batch is found as it was written last.
  static rocksdb::WriteBatchWithIndex make_staged() {
    return rocksdb::WriteBatchWithIndex(rocksdb::BytewiseComparator(), 0, /*overwrite_key=*/true);
  }

  // Staging fails only where memory or the format's limits do. Then the batch is not what the
  // entries asked for, and no later commit may pretend so.
  void stage(const Status& status) {
    if (staging_.ok()) staging_ = status;
  }

  Result<void> switch_to(std::shared_ptr<Database> next, const State& state) {
    // From here on a restart may find the new generation, whatever this call returns.
    next->remove_when_closed(false);
    if (auto switched = folder_.switch_to_next(); !switched) return switched;
    // Readers and captures may still be there; the files go when the last of them does.
    database_->remove_when_closed(true);
    found_.Reset();
    staged_.Clear();
    staging_ = Status::OK();
    adopt(std::move(next), state);
    return {};
  }

  void adopt(std::shared_ptr<Database> database, const State& state) {
    const std::lock_guard lock(mutex_);
    totals_ = state.totals;
    applied_.store(state.applied.value);
    database_ = std::move(database);
  }

  std::shared_ptr<Database> current() const {
    const std::lock_guard lock(mutex_);
    return database_;
  }

  ActiveFolder folder_;
  const rocksdb::Options options_;

  // Set by the writer under the mutex, so that the writer reads it without and others with it.
  mutable std::mutex mutex_;
  std::shared_ptr<Database> database_;

  // The writer's own.
  rocksdb::WriteBatchWithIndex staged_;
  Status staging_;
  rocksdb::PinnableSlice found_;  // Holds what find() returned last.
  Bytes key_;                     // Buffers that keep their memory from call to call.
  Bytes value_;
  Totals totals_;

  std::atomic<std::uint64_t> applied_{0};
};

}  // namespace

Result<std::unique_ptr<DurableEngine>> open_rocks_engine(const std::string& folder,
                                                         const RocksOptions& options) {
  auto active = ActiveFolder::open(folder);
  if (!active) return active.error();
  const rocksdb::Options database_options =
      rocksdb_options(options, rocksdb::NewLRUCache(options.block_cache_bytes));
  auto database = Database::open({active->path(), active->is_first()}, database_options);
  if (!database) return database.error();
  active->remove_others();  // The open database holds a lock: nobody else is in this folder.
  return std::unique_ptr<DurableEngine>(
      std::make_unique<RocksEngine>(*std::move(active), database_options, *std::move(database)));
}

}  // namespace kv
