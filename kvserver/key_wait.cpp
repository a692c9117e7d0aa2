#include "kvserver/key_wait.hpp"

#include <utility>

namespace kv {

KeyWait::KeyWait(const boost::asio::any_io_executor& executor, Watchers& watchers, KeyFilter filter,
                 Index from, Done done)
    : watchers_(watchers),
      filter_(std::move(filter)),
      next_(from),
      done_(std::move(done)),
      timer_(executor) {}

void KeyWait::start(raft::Duration wait) {
  registration_ = watchers_.add([this] { look(); });
  look();
  if (!done_) return;
  timer_.expires_after(wait);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    const auto self = weak.lock();
    if (self && !cancelled) self->finish();
  });
}

void KeyWait::look() {
  if (watchers_.is_closed()) return finish();
  for (;;) {
    const auto page = watchers_.history().read(next_, filter_, 1);
    if (!page || !page->changes.empty()) return finish();
    next_ = page->next;
    if (page->at_end) return;
  }
}

void KeyWait::finish() {
  const auto self = shared_from_this();  // Whoever hears of it lets go of it.
  registration_.reset();
  timer_.cancel();
  if (done_) std::exchange(done_, nullptr)();
}

}  // namespace kv
