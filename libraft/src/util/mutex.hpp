// Mutex and condition that clang's -Wthread-safety understands: what a mutex guards is written at
// the field, and a field touched without it does not compile without a warning.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define RAFT_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define RAFT_THREAD_ATTRIBUTE(x)
#endif

#define RAFT_GUARDED_BY(mutex) RAFT_THREAD_ATTRIBUTE(guarded_by(mutex))
#define RAFT_REQUIRES(...) RAFT_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define RAFT_EXCLUDES(...) RAFT_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace raft::util {

class RAFT_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() RAFT_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() RAFT_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
};

class RAFT_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) RAFT_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() RAFT_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits give the mutex up meanwhile, and may return without any reason.
class Condition {
 public:
  void wait(Mutex& mutex) RAFT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.native(), std::adopt_lock);
    condition_.wait(held);
    held.release();
  }
  void wait_until(Mutex& mutex, std::chrono::steady_clock::time_point time) RAFT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.native(), std::adopt_lock);
    condition_.wait_until(held, time);
    held.release();
  }
  void notify() { condition_.notify_one(); }

 private:
  std::condition_variable condition_;
};

}  // namespace raft::util
