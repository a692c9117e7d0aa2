// The process: puts node, store and HTTP server together, and takes them apart in order.
#pragma once

#include "kvserver/options.hpp"

namespace kv {

/// Serves until a signal or a failure ends it. Returns the exit code; the reason is in the log.
int run(const Configuration& configuration);

}  // namespace kv
