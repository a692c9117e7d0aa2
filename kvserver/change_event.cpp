#include "kvserver/change_event.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "kvserver/json_bytes.hpp"

namespace kv {
namespace {

namespace json = boost::json;

// No line of JSON holds a line break, so it is one field of an event as it is.
void append(std::string& out, std::string_view event, Index id, json::object data,
            EventFormat format) {
  if (format == EventFormat::ndjson) {
    data["event"] = json::string_view(event.data(), event.size());
    out.append(json::serialize(data)).append("\n");
    return;
  }
  if (id.value != 0) out.append("id: ").append(std::to_string(id.value)).append("\n");
  out.append("event: ").append(event).append("\n");
  out.append("data: ").append(json::serialize(data)).append("\n\n");
}

}  // namespace

std::string_view content_type(EventFormat format) {
  return format == EventFormat::sse ? "text/event-stream" : "application/x-ndjson";
}

void append_event(std::string& out, const Change& change, EventFormat format) {
  json::object data;
  data["index"] = change.index.value;
  add_bytes(data, "key", change.key);
  if (change.item) {
    add_bytes(data, "value", change.item->value);
    data["create_index"] = change.item->create_index.value;
    data["version"] = change.item->version;
  }
  append(out, change.item ? "put" : "delete", change.index, std::move(data), format);
}

// Without an id: whoever connects again is to ask from where it really got to, and to hear of it.
void append_overflow(std::string& out, Index oldest, EventFormat format) {
  append(out, "overflow", {}, {{"oldest", oldest.value}}, format);
}

void append_progress(std::string& out, Index index, EventFormat format) {
  if (format == EventFormat::ndjson) {
    return append(out, "progress", {}, {{"index", index.value}}, format);
  }
  out.append("id: ").append(std::to_string(index.value)).append("\n\n");
}

}  // namespace kv
