// `/metrics`: the state of a node as Prometheus text (exposition format 0.0.4).
#pragma once

#include <string>

#include "kvserver/documents.hpp"
#include "kvserver/http_counters.hpp"

namespace kv {

/// A pure function. Labels come from fixed sets and from node ids, never from keys or clients.
std::string metrics_text(const Facts& facts, const HttpCounters& http);

}  // namespace kv
