// The body of `/v1/watch`: changes as they happen, for one client.
#pragma once

#include <memory>
#include <string>

#include "kvserver/body_stream.hpp"
#include "kvserver/change_event.hpp"
#include "kvserver/watchers.hpp"

namespace kv {

/// Keeps no queue of its own but a place in the history, so that a slow client costs nothing. If
/// the history forgets that place, the last thing it hears is that.
class WatchStream final : public BodyStream {
 public:
  /// From the entry at `from` on. The watchers outlive it.
  WatchStream(Watchers& watchers, KeyFilter filter, Index from, EventFormat format);
  ~WatchStream() override;

  void start(std::function<void()> wake) override;
  bool read(std::string& out, std::size_t bytes) override;
  void beat(std::string& out) override { append_heartbeat(out, format_); }

 private:
  Watchers& watchers_;
  const KeyFilter filter_;
  Index next_;
  const EventFormat format_;
  std::unique_ptr<Watchers::Watch> watch_;
};

}  // namespace kv
