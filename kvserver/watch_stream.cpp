#include "kvserver/watch_stream.hpp"

#include <utility>

namespace kv {

WatchStream::WatchStream(Watchers& watchers, KeyFilter filter, Index from, EventFormat format)
    : watchers_(watchers), filter_(std::move(filter)), next_(from), format_(format) {}

WatchStream::~WatchStream() = default;

void WatchStream::start(std::function<void()> wake) { watch_ = watchers_.add(std::move(wake)); }

bool WatchStream::read(std::string& out, std::size_t bytes) {
  if (watchers_.is_closed()) return false;
  const std::size_t end = out.size() + bytes;
  while (out.size() < end) {
    const auto page = watchers_.history().read(next_, filter_, end - out.size());
    if (!page) {
      append_overflow(out, watchers_.history().oldest(), format_);
      watchers_.count_overflow();
      return false;
    }
    for (const auto& change : page->changes) append_event(out, *change, format_);
    next_ = page->next;
    if (page->at_end) break;
  }
  return true;
}

}  // namespace kv
