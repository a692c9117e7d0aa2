// How long something took, as the counters want it.
#pragma once

#include <chrono>
#include <cstdint>

#include <libraft/types.hpp>

namespace raft::replica {

inline std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace raft::replica
