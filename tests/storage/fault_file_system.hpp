// A file system for RocksDB that writes down whatever is done to it, and fails on demand.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "disk_journal.hpp"

namespace raft {

/// Does everything to the real files but the syncs, which are only written down: a power cut is
/// made of the journal. All changes are in one order, for RocksDB makes them on several threads.
/// For one folder and no folders in it. Must outlive the databases on it.
class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  /// `files` is what is in the folder, if something is.
  explicit FaultFileSystem(const DiskImage& files = {});

  const char* Name() const override { return "FaultFileSystem"; }

  /// To be handed to the engine.
  std::unique_ptr<rocksdb::Env> make_env(const std::shared_ptr<FaultFileSystem>& self) const;

  // --- What goes wrong. From any thread.

  /// While full, new files and appends find no space; half of an append is written, as real disks
  /// do.
  void set_full(bool full) { full_ = full; }
  /// Full once so many further files and appends were written.
  void fill_after(std::uint64_t writes);
  void set_writes_fail(bool fail) { writes_fail_ = fail; }
  /// Syncs of files and of the folder say that there is no space.
  void set_syncs_fail(bool fail) { syncs_fail_ = fail; }
  /// The sync after so many further ones fails, once. Later ones succeed and mean nothing.
  void fail_sync_after(std::uint64_t syncs);

  // --- What was done.

  bool is_full() const { return full_; }
  /// Whether the countdowns have come to their ends.
  bool was_filled() const { return was_filled_; }
  bool sync_failed() const { return sync_failed_; }

  /// A remark of the test, at this place of the journal.
  void mark(int number);
  /// All so far.
  DiskJournal journal() const;

  // --- What RocksDB calls.

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* folder,
                                 rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 uint64_t* free, rocksdb::IODebugContext* context) override;

 private:
  class JournalledFile;
  class JournalledFolder;

  // All under the lock.
  rocksdb::IOStatus allow_write();
  rocksdb::IOStatus allow_sync(const char* what);
  void write_down(DiskChange change) { journal_.push_back(std::move(change)); }

  mutable std::mutex mutex_;
  DiskJournal journal_;
  std::size_t files_ = 0;  ///< Created so far.
  std::optional<std::uint64_t> writes_left_;
  std::optional<std::uint64_t> syncs_left_;

  std::atomic<bool> full_{false};
  std::atomic<bool> writes_fail_{false};
  std::atomic<bool> syncs_fail_{false};
  std::atomic<bool> was_filled_{false};
  std::atomic<bool> sync_failed_{false};
};

}  // namespace raft
