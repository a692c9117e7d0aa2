// One node's data: the lock, the identity, the log's database and the snapshot files.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include <libraft/options.hpp>
#include "replica/ports.hpp"
#include "storage/directory_lock.hpp"
#include "storage/identity.hpp"
#include "storage/posix_files.hpp"
#include "storage/rocks_engine.hpp"
#include "util/log.hpp"
#include "util/mutex.hpp"

namespace raft::node {

/// DIR/LOCK, DIR/identity, DIR/log/ (RocksDB), DIR/snapshots/.
class DataDirectory final : public replica::IdentityKeeper {
 public:
  /// Makes the directory if it is missing and counts the boot number up. Errors name the path:
  /// busy, id_taken (it belongs to another node id), corrupt, data_missing, newer_format,
  /// storage_full (even with the reserve given up), storage_failed.
  static Result<std::unique_ptr<DataDirectory>> open(const NodeOptions& options,
                                                     const util::Log& log);

  storage::Identity identity() const override RAFT_EXCLUDES(mutex_);
  Result<void> change_identity(const std::function<void(storage::Identity&)>& change) override
      RAFT_EXCLUDES(mutex_);
  std::optional<Error> final_error() const override RAFT_EXCLUDES(mutex_);

  storage::RocksEngine& engine() { return *engine_; }
  storage::PosixFiles& snapshots() { return *snapshots_; }
  std::string log_folder() const;

 private:
  DataDirectory(std::string path, storage::DirectoryLock lock,
                std::unique_ptr<storage::PosixFiles> files);

  static Result<std::unique_ptr<DataDirectory>> try_to_open(const NodeOptions& options,
                                                            const util::Log& log);
  Result<void> open_identity(NodeId node);
  Result<void> begin_life();
  Result<void> check_log_is_there() const RAFT_REQUIRES(mutex_);

  const std::string path_;
  storage::DirectoryLock lock_;
  std::unique_ptr<storage::PosixFiles> files_;
  std::unique_ptr<storage::PosixFiles> snapshots_;
  std::unique_ptr<storage::RocksEngine> engine_;
  mutable util::Mutex mutex_;
  std::optional<storage::IdentityFile> identity_ RAFT_GUARDED_BY(mutex_);  ///< There once open.
};

}  // namespace raft::node
