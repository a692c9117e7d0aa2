// Tells when RocksDB's background threads have done what they were asked to.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include <rocksdb/env.h>

namespace raft {

/// Without it, what a run does to the disk would depend on how busy the machine is. Must outlive
/// the databases on it.
class WatchedEnv final : public rocksdb::EnvWrapper {
 public:
  explicit WatchedEnv(std::unique_ptr<rocksdb::Env> target)
      : rocksdb::EnvWrapper(std::move(target)) {}
  /// A database that has been closed may still have a thread on its last step here.
  ~WatchedEnv() override { wait_until_idle(); }

  /// Returns when no flush and no compaction is under way or waits for its turn.
  void wait_until_idle();

  const char* Name() const override { return "WatchedEnv"; }
  void Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                void (*unscheduled)(void*)) override;

 private:
  struct Job;

  void end_job();

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t jobs_ = 0;
};

}  // namespace raft
