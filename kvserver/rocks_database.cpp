#include "kvserver/rocks_database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

namespace kv {

using raft::Errc;
using raft::Error;
using rocksdb::Status;

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

namespace {

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

Error open_error(const Status& status, const std::string& path) {
  Error error = error_of(status, path);
  // The generation that ACTIVE names is not there, or not a database.
  if (status.IsInvalidArgument()) error.code = Errc::data_missing;
  // RocksDB has no code of its own for a lock that another process holds.
  if (status.IsIOError() && error.detail.find("/LOCK") != std::string::npos) {
    error.code = Errc::invalid_argument;
  }
  return error;
}

}  // namespace

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

rocksdb::Options rocksdb_options(const RocksOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
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

rocksdb::WriteOptions without_wal() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

Result<std::shared_ptr<RocksDatabase>> RocksDatabase::open(Place place, rocksdb::Options options) {
  auto listener = std::make_shared<FlushListener>();
  options.listeners.push_back(listener);
  options.create_if_missing = place.create;
  options.error_if_exists = false;
  rocksdb::DB* db = nullptr;
  const Status status = rocksdb::DB::Open(options, place.path, &db);
  if (!status.ok()) return open_error(status, place.path);
  std::shared_ptr<RocksDatabase> database(
      new RocksDatabase(std::move(place.path), std::unique_ptr<rocksdb::DB>(db), listener));
  if (auto loaded = database->load_state(); !loaded) return loaded.error();
  listener->read(*db);
  return database;
}

RocksDatabase::RocksDatabase(std::string path, std::unique_ptr<rocksdb::DB> db,
                             std::shared_ptr<FlushListener> listener)
    : path_(std::move(path)), listener_(std::move(listener)), db_(std::move(db)) {}

RocksDatabase::~RocksDatabase() {
  if (!remove_when_closed_) return;
  // RocksDB makes everything durable when it closes, which would be for nothing here.
  db_->SetDBOptions({{"avoid_flush_during_shutdown", "true"}}).PermitUncheckedError();
  db_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Index RocksDatabase::durable() const { return listener_->durable(); }

Result<void> RocksDatabase::write(rocksdb::WriteBatch& batch) {
  return result_of(db_->Write(without_wal(), &batch), path_);
}

void RocksDatabase::request_flush(Index committed) {
  if (!listener_->ask(committed)) return;
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;  // Else this call would wait for earlier flushes.
  // A failure is RocksDB's state from then on, which the next commit reports.
  db_->Flush(options).PermitUncheckedError();
}

Result<void> RocksDatabase::flush() {
  const Status status = db_->Flush(rocksdb::FlushOptions{});
  // The listener may not have heard of it yet.
  if (status.ok()) listener_->read(*db_);
  return result_of(status, path_);
}

Result<void> RocksDatabase::load_state() {
  std::string bytes;
  const Status status = db_->Get({}, make_key(KeyKind::state), &bytes);
  if (status.IsNotFound()) return require_no_data();
  if (!status.ok()) return error_of(status, path_);
  const Result<State> state = decode_state(bytes, path_);
  if (!state) return state.error();
  recovered_ = *state;
  return {};
}

Result<void> RocksDatabase::require_no_data() {
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
  at->Seek(make_key(KeyKind::data));
  if (at->Valid()) return Error{Errc::corrupt, path_ + ": data without a state record"};
  return result_of(at->status(), path_);
}

RocksScan::RocksScan(const RocksDatabase& database, KeyKind kind, const rocksdb::Snapshot* snapshot)
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

void RocksScan::seek(const Range& range) {
  if (range.descending) {
    const auto bound = bound_above(range);
    return bound ? seek_below(*bound) : at_->SeekToLast();
  }
  const bool resumes = range.after && *range.after >= range.prefix;
  resumes ? seek_above(*range.after) : seek(range.prefix);
}

void RocksScan::seek_above(BytesView key) {
  seek(key);
  if (valid() && this->key() == key) next();
}

void RocksScan::seek_below(BytesView key) {
  at_->SeekForPrev(to_slice(make_key(kind_, key)));
  if (valid() && this->key() == key) previous();
}

}  // namespace kv
