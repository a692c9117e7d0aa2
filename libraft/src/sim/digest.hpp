// A number for bytes: equal bytes have equal ones, different bytes practically never.
#pragma once

#include <cstdint>

#include <libraft/types.hpp>
#include "util/crc32c.hpp"

namespace raft::sim {

inline std::uint64_t digest_of(BytesView bytes) {
  return (std::uint64_t{util::crc32c(bytes, 1)} << 32) | util::crc32c(bytes);
}

}  // namespace raft::sim
