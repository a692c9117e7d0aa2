// How large the pieces of a snapshot on its way are, and how long both sides wait.
#pragma once

#include <algorithm>
#include <cstdint>

#include <libraft/options.hpp>

namespace raft::replica {

/// What a leader sends at most in one piece, whatever it is asked for.
inline constexpr std::uint32_t chunk_bytes_max = std::uint32_t{1} << 20;

struct TransferLimits {
  std::uint32_t chunk_bytes;
  std::uint64_t window_bytes;
  Duration retry;
  Duration patience;  ///< The receiver's; the sender has twice as much.
};

inline TransferLimits transfer_limits(const GroupOptions& options) {
  const Limits& limits = options.limits;
  TransferLimits transfer;
  transfer.chunk_bytes = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(limits.snapshot_chunk_bytes, 1, chunk_bytes_max));
  transfer.window_bytes =
      std::max<std::uint64_t>(limits.snapshot_window_bytes, transfer.chunk_bytes);
  transfer.retry = options.timing.snapshot_retry;
  transfer.patience = options.timing.snapshot_patience;
  return transfer;
}

}  // namespace raft::replica
