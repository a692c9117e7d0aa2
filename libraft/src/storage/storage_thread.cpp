#include "storage/storage_thread.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "storage/disk_space.hpp"
#include "util/mutex.hpp"

namespace raft::storage {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration look_at_space_every = std::chrono::seconds(1);

}  // namespace

class StorageThread::Impl {
 public:
  Impl(KvEngine& engine, std::string folder, StorageThreadOptions options);
  ~Impl();

  void submit(KvBatch batch, bool sync, Done done) RAFT_EXCLUDES(mutex_);
  std::optional<Written> try_now(KvBatch& batch, bool sync) RAFT_EXCLUDES(mutex_);
  bool is_full() const { return waits_for_space_ || low_on_space_; }

 private:
  struct Job {
    KvBatch batch;
    bool sync = false;
    Done done;
  };
  enum class Task { write, look_at_space, end };

  void run() RAFT_EXCLUDES(mutex_);
  Task next_task(std::vector<Job>& jobs) RAFT_EXCLUDES(mutex_);
  void write(std::vector<Job>& jobs) RAFT_EXCLUDES(mutex_);
  Result<void> write_when_there_is_space(const KvBatch& batch, bool sync) RAFT_EXCLUDES(mutex_);
  bool pause() RAFT_EXCLUDES(mutex_);
  void look_at_space(Clock::time_point now);
  void note(const Written& written, bool sync) RAFT_EXCLUDES(mutex_);
  void release_engine() RAFT_EXCLUDES(mutex_);
  std::optional<Error> final_error() RAFT_EXCLUDES(mutex_);

  KvEngine& engine_;
  const StorageThreadOptions options_;

  util::Mutex mutex_;
  util::Condition work_;  ///< There may be a task for the thread.
  std::vector<Job> queue_ RAFT_GUARDED_BY(mutex_);
  /// Someone writes or tells the results: the thread, or a caller of try_now().
  bool engine_taken_ RAFT_GUARDED_BY(mutex_) = false;
  bool stopping_ RAFT_GUARDED_BY(mutex_) = false;
  std::optional<Error> final_error_ RAFT_GUARDED_BY(mutex_);
  Duration last_sync_ RAFT_GUARDED_BY(mutex_){0};

  // Belong to whoever has taken the engine.
  DiskSpace space_;
  Clock::time_point looked_at_space_;

  std::atomic<bool> waits_for_space_{false};
  std::atomic<bool> low_on_space_{false};

  std::thread thread_;  ///< Last: it uses all of the above.
};

StorageThread::Impl::Impl(KvEngine& engine, std::string folder, StorageThreadOptions options)
    : engine_(engine), options_(options), space_(std::move(folder), options.reserve_bytes) {
  look_at_space(Clock::now());
  thread_ = std::thread([this] { run(); });
}

StorageThread::Impl::~Impl() {
  {
    const util::MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.notify();
  thread_.join();
}

void StorageThread::Impl::submit(KvBatch batch, bool sync, Done done) {
  bool idle = false;
  {
    const util::MutexLock lock(mutex_);
    // Whoever has the engine looks at the queue when it is done.
    idle = queue_.empty() && !engine_taken_;
    queue_.push_back({std::move(batch), sync, std::move(done)});
  }
  if (idle) work_.notify();
}

std::optional<Written> StorageThread::Impl::try_now(KvBatch& batch, bool sync) {
  if (batch.bytes() > options_.inline_bytes_max) return std::nullopt;
  {
    const util::MutexLock lock(mutex_);
    if (engine_taken_ || !queue_.empty() || stopping_) return std::nullopt;
    if (final_error_) return Written{*final_error_, {}, 1};
    if (last_sync_ >= options_.quick_sync) return std::nullopt;
    engine_taken_ = true;
  }
  const Clock::time_point begun = Clock::now();
  Written written{{}, {}, 1};
  if (!batch.empty() || sync) written.result = engine_.write(batch, sync);
  const Clock::time_point ended = Clock::now();
  written.took = ended - begun;

  // To wait for space is the thread's business: it gets the batch through submit().
  const bool full = !written.result && written.result.code() == Errc::storage_full;
  if (!full) note(written, sync);
  look_at_space(ended);
  release_engine();
  if (full) return std::nullopt;
  batch = {};
  return written;
}

void StorageThread::Impl::run() {
  std::vector<Job> jobs;
  for (;;) {
    switch (next_task(jobs)) {
      case Task::write:
        write(jobs);
        jobs.clear();
        break;
      case Task::look_at_space:
        look_at_space(Clock::now());
        break;
      case Task::end:
        return;
    }
    release_engine();
  }
}

// Takes the engine, except to end.
StorageThread::Impl::Task StorageThread::Impl::next_task(std::vector<Job>& jobs) {
  const util::MutexLock lock(mutex_);
  // Also with nothing to write: others fill the disk as well, and while space is short nobody may
  // be allowed to write, so that nobody else would notice that there is space again.
  const Clock::time_point look_at = Clock::now() + look_at_space_every;
  for (;;) {
    if (engine_taken_) {
      work_.wait(mutex_);
    } else if (!queue_.empty()) {
      engine_taken_ = true;
      jobs.swap(queue_);
      return Task::write;
    } else if (stopping_) {
      return Task::end;
    } else if (Clock::now() < look_at) {
      work_.wait_until(mutex_, look_at);
    } else {
      engine_taken_ = true;
      return Task::look_at_space;
    }
  }
}

void StorageThread::Impl::write(std::vector<Job>& jobs) {
  KvBatch batch;
  bool sync = false;
  for (Job& job : jobs) {
    batch.append(std::move(job.batch));
    sync = sync || job.sync;
  }

  const Clock::time_point begun = Clock::now();
  Written written{{}, {}, jobs.size()};
  if (const std::optional<Error> error = final_error()) {
    written.result = *error;
  } else if (!batch.empty() || sync) {
    written.result = write_when_there_is_space(batch, sync);
  }
  const Clock::time_point ended = Clock::now();
  written.took = ended - begun;
  note(written, sync);
  look_at_space(ended);

  // The engine stays taken meanwhile: no result of try_now() may overtake these.
  for (Job& job : jobs) job.done(written);
}

// Storage_full is final only at the end: a later batch without this one would leave a hole.
Result<void> StorageThread::Impl::write_when_there_is_space(const KvBatch& batch, bool sync) {
  Result<void> result = engine_.write(batch, sync);
  while (!result && result.code() == Errc::storage_full) {
    waits_for_space_ = true;
    // With the reserve given up there is space at once.
    if (!space_.give_up_reserve() && !pause()) break;
    looked_at_space_ = {};
    const Result<void> resumed = engine_.resume();
    if (resumed) {
      result = engine_.write(batch, sync);
    } else if (resumed.code() != Errc::storage_full) {
      result = resumed;
    }
  }
  waits_for_space_ = false;
  return result;
}

// False: the thread is to end.
bool StorageThread::Impl::pause() {
  const util::MutexLock lock(mutex_);
  const Clock::time_point end = Clock::now() + options_.retry_after;
  while (!stopping_ && Clock::now() < end) work_.wait_until(mutex_, end);
  return !stopping_;
}

void StorageThread::Impl::look_at_space(Clock::time_point now) {
  if (looked_at_space_ != Clock::time_point{} && now - looked_at_space_ < look_at_space_every) {
    return;
  }
  looked_at_space_ = now;
  space_.restore_reserve();
  low_on_space_ = space_.free_bytes() < options_.low_bytes;
}

void StorageThread::Impl::note(const Written& written, bool sync) {
  const util::MutexLock lock(mutex_);
  if (sync) last_sync_ = written.took;
  if (!written.result && !final_error_) final_error_ = written.result.error();
}

void StorageThread::Impl::release_engine() {
  bool wake = false;
  {
    const util::MutexLock lock(mutex_);
    engine_taken_ = false;
    // Low: a thread that waits without a limit is to begin looking for space.
    wake = !queue_.empty() || stopping_ || low_on_space_;
  }
  if (wake) work_.notify();
}

std::optional<Error> StorageThread::Impl::final_error() {
  const util::MutexLock lock(mutex_);
  return final_error_;
}

StorageThread::StorageThread(KvEngine& engine, std::string folder, StorageThreadOptions options)
    : impl_(std::make_unique<Impl>(engine, std::move(folder), options)) {}

StorageThread::~StorageThread() = default;

void StorageThread::submit(KvBatch batch, bool sync, Done done) {
  impl_->submit(std::move(batch), sync, std::move(done));
}

std::optional<Written> StorageThread::try_now(KvBatch& batch, bool sync) {
  return impl_->try_now(batch, sync);
}

bool StorageThread::is_full() const { return impl_->is_full(); }

}  // namespace raft::storage
