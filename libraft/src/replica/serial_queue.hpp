// Runs jobs one after the other: those that may block on worker threads, the others here and now.
#pragma once

#include <deque>
#include <utility>

#include "replica/ports.hpp"
#include "util/unique_function.hpp"

namespace raft::replica {

class SerialQueue {
 public:
  using Function = util::UniqueFunction<void()>;

  /// `may_block`: what run() gets may hold its thread.
  SerialQueue(Worker& worker, bool may_block) : worker_(worker), may_block_(may_block) {}

  /// `done` follows on the replica's thread. What does not block is done before the call returns,
  /// unless it has to wait for something that does.
  void run(Function job, Function done) { add({std::move(job), std::move(done), may_block_}); }
  /// A job that may block, whatever the others do.
  void run_on_worker(Function job, Function done) { add({std::move(job), std::move(done), true}); }

  bool is_idle() const { return !running_; }

 private:
  struct Item {
    Function job;
    Function done;
    bool may_block;
  };

  void add(Item item);
  void start_next();

  Worker& worker_;
  const bool may_block_;
  std::deque<Item> waiting_;
  bool running_ = false;
};

}  // namespace raft::replica
