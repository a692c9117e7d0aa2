#include "kvserver/watch_stream.hpp"

#include <utility>

namespace kv {

WatchStream::WatchStream(Watchers& watchers, EncodedEvents& events, KeyFilter filter, Index from,
                         EventFormat format)
    : watchers_(watchers),
      events_(events),
      filter_(std::move(filter)),
      next_(from),
      format_(format) {}

void WatchStream::start(std::function<void()> wake) {
  registration_ = watchers_.add(std::move(wake));
}

BodyStream::More WatchStream::read(std::string& out, std::size_t bytes) {
  if (watchers_.is_closed()) return More::never;
  // Whoever is cut off before the first change must know already where to go on.
  if (!std::exchange(has_begun_, true)) beat(out);
  const auto page = watchers_.history().read(next_, filter_, bytes);
  if (!page) {
    append_overflow(out, watchers_.history().oldest(), format_);
    watchers_.count_overflow();
    return More::never;
  }
  const std::size_t end = out.size() + bytes;
  for (const auto& change : page->changes) {
    events_.append(out, change, format_);
    next_ = change->index.next();
    if (out.size() >= end && change != page->changes.back()) return More::now;
  }
  next_ = page->next;
  return page->at_end ? More::later : More::now;
}

void WatchStream::beat(std::string& out) { append_progress(out, {next_.value - 1}, format_); }

}  // namespace kv
