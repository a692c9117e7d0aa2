#include "replica/serial_queue.hpp"

#include <memory>
#include <utility>

namespace raft::replica {

void SerialQueue::add(Item item) {
  if (!item.may_block && !running_) {
    item.job();
    item.done();
    return;
  }
  waiting_.push_back(std::move(item));
  if (!running_) start_next();
}

void SerialQueue::start_next() {
  running_ = true;  // Also in what is done here: what that adds comes behind what waits.
  while (!waiting_.empty()) {
    Item item = std::move(waiting_.front());
    waiting_.pop_front();
    if (item.may_block) {
      auto shared = std::make_shared<Item>(std::move(item));
      worker_.run([shared] { shared->job(); },
                  [this, shared] {
                    shared->done();
                    start_next();
                  });
      return;
    }
    item.job();
    item.done();
  }
  running_ = false;
}

}  // namespace raft::replica
