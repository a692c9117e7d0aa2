// Runs jobs that may block one after the other on worker threads, or, if they never block, here
// and now.
#pragma once

#include <deque>

#include "replica/ports.hpp"
#include "util/unique_function.hpp"

namespace raft::replica {

class SerialQueue {
 public:
  using Function = util::UniqueFunction<void()>;

  SerialQueue(Worker& worker, bool may_block) : worker_(worker), may_block_(may_block) {}

  /// `done` follows on the replica's thread; without blocking, before the call returns.
  void run(Function job, Function done);

  bool is_idle() const { return !running_; }

 private:
  struct Item {
    Function job;
    Function done;
  };

  void start_next();

  Worker& worker_;
  const bool may_block_;
  std::deque<Item> waiting_;
  bool running_ = false;
};

}  // namespace raft::replica
