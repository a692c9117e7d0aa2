// The engine on RocksDB, for states larger than memory and for restarts without a replay.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kvserver/store_engine.hpp"

namespace kv {

/// Memory in bytes. Most users should leave that alone.
struct RocksOptions {
  /// Changes collected in memory before they become a file. Two may exist at once. Keep it below
  /// half of what the log's database holds back, so that most log entries are dropped early.
  std::size_t write_buffer_bytes = std::size_t{8} << 20;
  /// What was read lately.
  std::size_t block_cache_bytes = std::size_t{32} << 20;
  /// Where warnings of RocksDB go. Any thread. Null: nowhere.
  std::function<void(std::string_view line)> warn{};
};

/// Opens or creates the store in `folder` and removes what an interrupted replacement left behind.
/// find() sees staged changes, all else what is committed. Readers may be on any thread.
/// Errors name the folder: corrupt, data_missing, newer_format, invalid_argument (in use),
/// storage_full, storage_failed.
Result<std::unique_ptr<DurableEngine>> open_rocks_engine(const std::string& folder,
                                                         const RocksOptions& options = {});

}  // namespace kv
