// Large changes as watchers read them, made once for all who read them at about the same time.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "kvserver/change_event.hpp"

namespace kv {

class EncodedEvents {
 public:
  /// As append_event().
  void append(std::string& out, const ChangeHistory::ChangePtr& change, EventFormat format);

 private:
  struct Event {
    ChangeHistory::ChangePtr change;
    EventFormat format;
    std::string text;
  };

  void forget_oldest();

  std::deque<Event> newest_;
  std::size_t bytes_ = 0;
};

}  // namespace kv
