// Changes as watchers read them: server-sent events, or a JSON document a line.
#pragma once

#include <cstdint>
#include <string>

#include "kvserver/change_history.hpp"

namespace kv {

enum class EventFormat : std::uint8_t {
  sse,     ///< text/event-stream, https://html.spec.whatwg.org/multipage/server-sent-events.html
  ndjson,  ///< One JSON document a line.
};

std::string_view content_type(EventFormat format);

/// "put" with value, create_index and version, or "delete". Bytes that are no UTF-8 come in base64,
/// under the names key_base64 and value_base64.
void append_event(std::string& out, const Change& change, EventFormat format);

/// The watcher was too slow: changes before `oldest` may have been missed.
void append_overflow(std::string& out, Index oldest, EventFormat format);

/// Everything up to the entry at `index` has been told: where to go on from after a pause, however
/// long ago the last change was. No event to a browser, which only remembers the id.
void append_progress(std::string& out, Index index, EventFormat format);

}  // namespace kv
