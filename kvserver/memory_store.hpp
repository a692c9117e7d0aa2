// The engine in memory: an ordered map whose captures cost nothing until something changes.
#pragma once

#include <memory>

#include "kvserver/store_engine.hpp"

namespace kv {

/// Reads belong to the thread of put() and erase(); a replacement may be built and finished on
/// another one meanwhile. Captures are read and destroyed on any thread while writes go on, and may
/// outlive the engine. No call fails.
std::unique_ptr<StoreEngine> make_memory_engine();

}  // namespace kv
