// KvEngine over RocksDB, set up for a Raft log.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "storage/kv_engine.hpp"
#include "util/log.hpp"

namespace rocksdb {
class Cache;
class Env;
class WriteBufferManager;
}  // namespace rocksdb

namespace raft::storage {

struct RocksOptions {
  std::string folder;  ///< Of the database; made, mode 0700, if it is missing.
  /// Most entries die here and never reach a sorted file.
  std::size_t write_buffer_bytes = std::size_t{32} << 20;
  /// Shared with other databases; null: a small cache and no manager.
  std::shared_ptr<rocksdb::Cache> block_cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffer_manager;
  /// What RocksDB warns of.
  util::Log log;
  /// The file system and threads beneath; null: the process's own. Must outlive the engine.
  rocksdb::Env* env = nullptr;
};

/// Syncs every batch, also those that do not ask for it, so that a power cut can damage the last
/// one only. resume() opens the database again: readers wait meanwhile, and should there be no
/// space for it after all, they get storage_full until a later resume() has found some.
class RocksEngine final : public KvEngine {
 public:
  /// Errors: corrupt names the file that has rotted, data_missing one that is gone; busy: another
  /// process has it open; storage_full, storage_failed. The detail names the folder.
  static Result<std::unique_ptr<RocksEngine>> open(const RocksOptions& options);
  ~RocksEngine() override;

  Result<void> write(const KvBatch& batch, bool sync) override;
  Result<std::optional<Bytes>> get(BytesView key) const override;
  Result<void> scan(
      BytesView first, BytesView last,
      const std::function<bool(BytesView key, BytesView value)>& visit) const override;
  Result<void> resume() override;

 private:
  class Impl;
  explicit RocksEngine(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace raft::storage
