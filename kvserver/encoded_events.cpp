#include "kvserver/encoded_events.hpp"

#include <algorithm>
#include <utility>

namespace kv {
namespace {

// Below that it is quicker to encode a value than to look for it.
constexpr std::size_t value_bytes_min = 4096;
constexpr std::size_t events_max = 64;
constexpr std::size_t bytes_max = std::size_t{8} << 20;

}  // namespace

void EncodedEvents::append(std::string& out, const ChangeHistory::ChangePtr& change,
                           EventFormat format) {
  if (!change->item || change->item->value.size() < value_bytes_min) {
    return append_event(out, *change, format);
  }
  const auto known = std::find_if(newest_.rbegin(), newest_.rend(), [&](const Event& event) {
    return event.change == change && event.format == format;
  });
  if (known != newest_.rend()) {
    out.append(known->text);
    return;
  }
  Event event{change, format, {}};
  append_event(event.text, *change, format);
  out.append(event.text);
  bytes_ += event.text.size();
  newest_.push_back(std::move(event));
  forget_oldest();
}

void EncodedEvents::forget_oldest() {
  while (newest_.size() > 1 && (newest_.size() > events_max || bytes_ > bytes_max)) {
    bytes_ -= newest_.front().text.size();
    newest_.pop_front();
  }
}

}  // namespace kv
