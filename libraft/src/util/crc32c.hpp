// CRC32C (Castagnoli), RFC 3720 appendix B.4.
#pragma once

#include <cstdint>

#include <libraft/types.hpp>

namespace raft::util {

/// Of `bytes`, going on from `crc` (0 at the start). Uses the CPU's own instruction if there is
/// one; the result is the same everywhere.
std::uint32_t crc32c(BytesView bytes, std::uint32_t crc = 0);

/// The same by tables alone: what crc32c() does on a CPU without the instruction.
std::uint32_t crc32c_by_table(BytesView bytes, std::uint32_t crc = 0);

}  // namespace raft::util
