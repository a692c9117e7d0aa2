#include "replica/serial_queue.hpp"

#include <memory>
#include <utility>

namespace raft::replica {

void SerialQueue::run(Function job, Function done) {
  if (!may_block_) {
    job();
    done();
    return;
  }
  waiting_.push_back({std::move(job), std::move(done)});
  if (!running_) start_next();
}

void SerialQueue::start_next() {
  running_ = !waiting_.empty();
  if (!running_) return;
  auto item = std::make_shared<Item>(std::move(waiting_.front()));
  waiting_.pop_front();
  worker_.run([item] { item->job(); },
              [this, item] {
                item->done();
                start_next();
              });
}

}  // namespace raft::replica
