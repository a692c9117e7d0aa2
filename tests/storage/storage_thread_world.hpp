// A storage thread over a scripted engine, and what its completions said.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "scripted_engine.hpp"
#include "storage/storage_thread.hpp"
#include "temporary_folder.hpp"

namespace raft {

inline storage::KvBatch batch_of(const std::string& key, std::size_t bytes = 1) {
  storage::KvBatch batch;
  batch.put(key, Bytes(bytes, 'v'));
  return batch;
}

/// No space watched, no reserve, retries at once; whatever sync was quick.
inline storage::StorageThreadOptions test_options() {
  storage::StorageThreadOptions options;
  options.low_bytes = 0;
  options.reserve_bytes = 0;
  options.retry_after = std::chrono::milliseconds(1);
  options.quick_sync = std::chrono::hours(1);
  return options;
}

class StorageWorld {
 public:
  explicit StorageWorld(storage::StorageThreadOptions options = test_options())
      : thread_(std::in_place, engine, folder.path(), options) {}

  /// The completion is remembered as "key:jobs" or "key:error".
  void submit(const std::string& key, bool sync = true) {
    thread().submit(batch_of(key), sync,
                    [this, key](const storage::Written& written) { completed(key, written); });
  }
  void completed(const std::string& key, const storage::Written& written) {
    std::lock_guard lock(mutex_);
    const std::string what =
        written.result ? std::to_string(written.jobs) : to_string(written.result.code());
    done_.push_back(key + ":" + what);
    completed_on_ = std::this_thread::get_id();
    changed_.notify_all();
  }

  void wait_for_completions(std::size_t count) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, patience, [&] { return done_.size() >= count; }));
  }
  std::vector<std::string> completions() {
    std::lock_guard lock(mutex_);
    return done_;
  }
  std::thread::id completed_on() {
    std::lock_guard lock(mutex_);
    return completed_on_;
  }
  std::vector<std::string> written_keys() {
    std::vector<std::string> keys;
    for (const ScriptedEngine::Write& write : engine.writes()) keys.push_back(write.keys);
    return keys;
  }

  storage::StorageThread& thread() { return *thread_; }
  void stop() { thread_.reset(); }

  TemporaryFolder folder;
  ScriptedEngine engine;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> done_;
  std::thread::id completed_on_;
  std::optional<storage::StorageThread> thread_;
};

using Strings = std::vector<std::string>;

}  // namespace raft
