// The body of `/v1/watch`: changes as they happen, for one client.
#pragma once

#include <memory>
#include <string>

#include "kvserver/body_stream.hpp"
#include "kvserver/encoded_events.hpp"
#include "kvserver/watchers.hpp"

namespace kv {

/// Keeps no queue of its own but a place in the history. If the history forgets that place, the
/// last thing that the client hears is that.
class WatchStream final : public BodyStream {
 public:
  /// From the entry at `from` on, which is not 0. The references outlive it.
  WatchStream(Watchers& watchers, EncodedEvents& events, KeyFilter filter, Index from,
              EventFormat format);

  void start(std::function<void()> wake) override;
  More read(std::string& out, std::size_t bytes) override;
  void beat(std::string& out) override;

 private:
  Watchers& watchers_;
  EncodedEvents& events_;
  const KeyFilter filter_;
  Index next_;
  const EventFormat format_;
  bool has_begun_ = false;
  std::unique_ptr<Watchers::Registration> registration_;
};

}  // namespace kv
