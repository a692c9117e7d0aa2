#include "watched_env.hpp"

namespace raft {

struct WatchedEnv::Job {
  WatchedEnv& env;
  void (*function)(void*);
  void (*unscheduled)(void*);
  void* argument;

  static void run(void* pointer) {
    const std::unique_ptr<Job> job(static_cast<Job*>(pointer));
    job->function(job->argument);
    job->env.end_job();
  }
  static void drop(void* pointer) {
    const std::unique_ptr<Job> job(static_cast<Job*>(pointer));
    if (job->unscheduled != nullptr) job->unscheduled(job->argument);
    job->env.end_job();
  }
};

void WatchedEnv::wait_until_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return jobs_ == 0; });
}

void WatchedEnv::Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                          void (*unscheduled)(void*)) {
  {
    const std::lock_guard lock(mutex_);
    ++jobs_;
  }
  auto job = std::make_unique<Job>(Job{*this, function, unscheduled, argument});
  target()->Schedule(Job::run, job.release(), priority, tag, Job::drop);
}

// What a job has asked for itself is counted by now.
void WatchedEnv::end_job() {
  const std::lock_guard lock(mutex_);
  if (--jobs_ == 0) idle_.notify_all();
}

}  // namespace raft
