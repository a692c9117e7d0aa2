// The only file that names RocksDB, version 7.8 or later.
#include "storage/rocks_engine.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "storage/keys.hpp"
#include "storage/posix.hpp"
#include "storage/wal_tail.hpp"

namespace raft::storage {
namespace {

constexpr std::size_t own_cache_bytes = std::size_t{8} << 20;
constexpr int write_buffers_max = 3;
constexpr int open_files_max = 256;
constexpr int background_jobs = 2;
constexpr int file_opening_threads = 1;  // There are few files; RocksDB would start 16 threads.

rocksdb::Slice slice(BytesView bytes) { return {bytes.data(), bytes.size()}; }

BytesView view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// RocksDB writes no log file of its own: its warnings go where all others go.
class WarningsOnly final : public rocksdb::Logger {
 public:
  WarningsOnly(util::Log log, bool is_muted)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL),
        log_(std::move(log)),
        is_muted_(is_muted) {}

  void unmute() { is_muted_ = false; }

  using rocksdb::Logger::Logv;

  void LogHeader(const char*, va_list) override {}

  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level >= rocksdb::InfoLogLevel::HEADER_LEVEL) {
      return;
    }
    if (is_muted_) return;
    std::array<char, 1024> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    RAFT_LOG(log_, warning, line.data());
  }

 private:
  const util::Log log_;
  std::atomic<bool> is_muted_;
};

// Tells errors of a sync from those of a write: both may say "no space", but after a failed sync
// nothing is known any more of what was written before. And keeps RocksDB from recovering by
// itself, which it would try every five seconds, refusing to be asked meanwhile.
class ErrorWatch final : public rocksdb::EventListener {
 public:
  bool ShouldBeNotifiedOnFileIO() override { return true; }

  void OnIOError(const rocksdb::IOErrorInfo& info) override {
    if (info.operation == rocksdb::FileOperationType::kSync ||
        info.operation == rocksdb::FileOperationType::kFsync ||
        info.operation == rocksdb::FileOperationType::kRangeSync) {
      sync_failed_ = true;
    }
  }

  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* automatic) override {
    *automatic = false;
  }

  bool sync_failed() const { return sync_failed_; }

 private:
  std::atomic<bool> sync_failed_{false};
};

void set_table_options(const RocksOptions& from, rocksdb::Options& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = from.block_cache ? from.block_cache : rocksdb::NewLRUCache(own_cache_bytes);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Commands are small and often not compressible; what is read back is read once.
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kNoCompression;
}

void set_durability_options(rocksdb::Options& options) {
  // The default mode opens silently with a shorter log when a record in its middle has rotted.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.paranoid_checks = true;
  // It must not resume by itself: after a failed sync that would hide a loss.
  options.max_bgerror_resume_count = 0;
  // The file of options is worth nothing, but a sync that fails with it is one that failed.
  options.fail_if_options_file_error = true;
}

rocksdb::Options make_options(const RocksOptions& from) {
  rocksdb::Options options;
  if (from.env) options.env = from.env;
  options.create_if_missing = true;
  options.write_buffer_size = from.write_buffer_bytes;
  options.max_write_buffer_number = write_buffers_max;
  options.write_buffer_manager = from.write_buffer_manager;
  options.max_total_wal_size = from.write_buffer_bytes * (write_buffers_max + 1);
  options.max_open_files = open_files_max;
  options.max_background_jobs = background_jobs;
  options.max_file_opening_threads = file_opening_threads;
  // One writer at a time: there is nobody to wait for or to share the memtable with.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  set_table_options(from, options);
  set_durability_options(options);
  return options;
}

struct AddTo {
  rocksdb::WriteBatch& batch;

  rocksdb::Status operator()(const KvBatch::Put& put) const {
    return batch.Put(slice(put.key), slice(put.value));
  }
  rocksdb::Status operator()(const KvBatch::Erase& erase) const {
    return batch.Delete(slice(erase.key));
  }
  rocksdb::Status operator()(const KvBatch::EraseRange& range) const {
    return batch.DeleteRange(slice(range.first), slice(range.last));
  }
};

bool is_lock_error(const rocksdb::Status& status, const std::string& folder) {
  return status.IsIOError() && status.ToString().find(folder + "/LOCK") != std::string::npos;
}

}  // namespace

class RocksEngine::Impl {
 public:
  explicit Impl(const RocksOptions& options) : options_(options), folder_(options.folder) {}

  Result<void> open() {
    if (const Result<void> made = make_private_folder(folder_); !made) return made;
    rocksdb::Options options = make_options(options_);
    if (const Result<void> mended = mend(*options.env); !mended) return mended;
    // A database that finds no space is opened again and again: why, it says the first time.
    const auto warnings = std::make_shared<WarningsOnly>(options_.log, is_waiting_);
    options.info_log = warnings;
    options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    options.listeners.push_back(errors_);
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(options, folder_, &db);
    db_.reset(db);
    is_waiting_ = is_no_space(status);
    if (!status.ok()) return open_error(status);
    warnings->unmute();
    return {};
  }

  Result<void> write(const KvBatch& batch) {
    if (failed_) return refusal();
    if (!db_) return not_resumed();
    if (batch.empty()) return {};
    rocksdb::WriteBatch out(batch.bytes() + batch.operations().size() * 16);
    for (const KvBatch::Operation& operation : batch.operations()) {
      const rocksdb::Status added = std::visit(AddTo{out}, operation);
      if (!added.ok()) return written(added);
    }
    // Always: see mend_wal(). Batches that need no sync of their own are few, and nearly all of
    // them are written together with one that does.
    rocksdb::WriteOptions options;
    options.sync = true;
    return written(db_->Write(options, &out));
  }

  Result<std::optional<Bytes>> get(BytesView key) const {
    const std::shared_lock lock(reopening_);
    if (failed_) return refusal();
    if (!db_) return not_resumed();
    Bytes value;
    const rocksdb::Status status = db_->Get({}, slice(key), &value);
    if (status.ok()) return std::optional<Bytes>(std::move(value));
    if (status.IsNotFound()) return std::optional<Bytes>();
    return read_error(status, key);
  }

  Result<void> scan(BytesView first, BytesView last,
                    const std::function<bool(BytesView, BytesView)>& visit) const {
    const std::shared_lock lock(reopening_);
    if (failed_) return refusal();
    if (!db_) return not_resumed();
    const rocksdb::Slice end = slice(last);
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &end;
    // Old entries are read once, for a follower that lags: they must not push others out.
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
    for (at->Seek(slice(first)); at->Valid(); at->Next()) {
      if (!visit(view(at->key()), view(at->value()))) return {};
    }
    if (!at->status().ok()) return read_error(at->status(), first);
    return {};
  }

  // Opens the database again. RocksDB's own Resume() may wait for ever for a flush that met the
  // full disk, keeps a write-ahead log in which an append has failed and which takes no other one,
  // and refuses after an error in changing the log, even if it was only want of space.
  Result<void> resume() {
    if (failed_) return refusal();
    // While it is closed nobody can read: not before it can be expected to open.
    if (db_) bytes_to_open_ = count_bytes_to_open();
    if (!has_space_to_open()) return not_resumed();
    const std::unique_lock lock(reopening_);
    db_.reset();
    const Result<void> opened = open();
    if (!opened && opened.code() != Errc::storage_full) failed_ = true;
    return opened;
  }

 private:
  // What is only in the write-ahead log goes to a sorted file.
  std::uint64_t count_bytes_to_open() const {
    constexpr std::uint64_t small_files_bytes = std::uint64_t{1} << 20;
    return number_of(rocksdb::DB::Properties::kCurSizeAllMemTables) + small_files_bytes;
  }

  bool has_space_to_open() const {
    rocksdb::Env* const env = options_.env != nullptr ? options_.env : rocksdb::Env::Default();
    std::uint64_t free = 0;
    return env->GetFreeSpace(folder_, &free).ok() && free >= bytes_to_open_;
  }

  std::uint64_t number_of(const std::string& property) const {
    std::uint64_t number = 0;
    db_->GetIntProperty(property, &number);
    return number;
  }

  // Under the lock that DB::Open() takes: what looks torn may be what another process is writing.
  Result<void> mend(rocksdb::Env& env) {
    rocksdb::FileLock* lock = nullptr;
    const rocksdb::Status locked = env.LockFile(folder_ + "/LOCK", &lock);
    if (!locked.ok()) return open_error(locked);
    Result<void> mended = mend_wal(folder_, options_.log);
    env.UnlockFile(lock).PermitUncheckedError();
    return mended;
  }

  Error open_error(const rocksdb::Status& status) const {
    if (is_lock_error(status, folder_)) {
      return {Errc::busy, "log database " + folder_ + " is in use by another process"};
    }
    Error error{Errc::storage_failed,
                "cannot open log database " + folder_ + ": " + status.ToString()};
    if (status.IsCorruption()) error.code = Errc::corrupt;
    if (is_no_space(status)) error.code = Errc::storage_full;
    // Which a file that the database counts on is also told as a corruption.
    if (error.detail.find("No such file") != std::string::npos) {
      error.code = Errc::data_missing;
      error.detail +=
          "; bring the file back, or remove this member from the cluster, empty the directory and "
          "let the node join again";
    }
    return error;
  }

  Result<void> written(const rocksdb::Status& status) {
    if (status.ok()) return {};
    Error error{Errc::storage_failed, "log database " + folder_ + ": " + status.ToString()};
    if (is_no_space(status)) {
      error.code = Errc::storage_full;
    } else {
      failed_ = true;
    }
    return error;
  }

  // The watch sees the syncs of most files; that of a folder, and those of the small files that
  // are written when the database is opened, only show in the text. So does the want of space for
  // the file of options.
  bool is_no_space(const rocksdb::Status& status) const {
    const std::string text = status.ToString();
    const auto says = [&text](std::string_view words) {
      return text.find(words) != std::string::npos;
    };
    return (status.IsNoSpace() || says("No space left on device")) && !errors_->sync_failed() &&
           !says("While fsync: ") && !says("While fdatasync: ");
  }

  Error read_error(const rocksdb::Status& status, BytesView key) const {
    return {status.IsCorruption() ? Errc::corrupt : Errc::storage_failed,
            "log database " + folder_ + ", at " + describe_key(key) + ": " + status.ToString()};
  }

  Error refusal() const {
    return {Errc::storage_failed, "log database " + folder_ + " failed before"};
  }

  Error not_resumed() const {
    return {Errc::storage_full, "log database " + folder_ + " finds no space to go on"};
  }

  const RocksOptions options_;
  const std::string folder_;
  const std::shared_ptr<ErrorWatch> errors_ = std::make_shared<ErrorWatch>();
  /// Held by readers, and by resume() alone while it exchanges the database.
  mutable std::shared_mutex reopening_;
  std::unique_ptr<rocksdb::DB> db_;  ///< Null: the last resume() found no space.
  std::uint64_t bytes_to_open_ = 0;  ///< As of when it was closed.
  bool is_waiting_ = false;          ///< The last try to open it found no space.
  std::atomic<bool> failed_{false};
};

Result<std::unique_ptr<RocksEngine>> RocksEngine::open(const RocksOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  if (const Result<void> opened = impl->open(); !opened) return opened.error();
  return std::unique_ptr<RocksEngine>(new RocksEngine(std::move(impl)));
}

RocksEngine::RocksEngine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RocksEngine::~RocksEngine() = default;

Result<void> RocksEngine::write(const KvBatch& batch, bool /*sync*/) { return impl_->write(batch); }

Result<std::optional<Bytes>> RocksEngine::get(BytesView key) const { return impl_->get(key); }

Result<void> RocksEngine::scan(
    BytesView first, BytesView last,
    const std::function<bool(BytesView key, BytesView value)>& visit) const {
  return impl_->scan(first, last, visit);
}

Result<void> RocksEngine::resume() { return impl_->resume(); }

}  // namespace raft::storage
