// The way from one node to another, which all their connections share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <libraft/sim.hpp>
#include <libraft/types.hpp>
#include "core/random.hpp"

namespace raft::sim {

/// Frames of the past that the network may bring along once more: of connections long gone, of
/// earlier terms and of earlier lives.
class OldFrames {
 public:
  /// Remembers it or not.
  void saw(BytesView frame, core::Random& dice);
  bool empty() const { return frames_.empty(); }
  const Bytes& pick(core::Random& dice) const;

 private:
  std::vector<Bytes> frames_;
};

struct Path {
  bool is_blocked = false;
  bool is_bridged = false;             ///< While blocked: there is a way around.
  std::uint64_t bytes_per_second = 0;  ///< 0: no limit.
  Duration busy_until{0};              ///< Under a limit: what is sent now has to wait so long.
  OldFrames old_frames;
};

/// What it is called that nothing passes, one of the two being blocked.
inline Fault block_between(const Path& there, const Path& back) {
  const bool is_bridged =
      (there.is_blocked && there.is_bridged) || (back.is_blocked && back.is_bridged);
  if (is_bridged) return Fault::bridge;
  return there.is_blocked && back.is_blocked ? Fault::partition : Fault::one_way;
}

/// How long so many bytes take; 0 bytes a second: no time at all.
inline Duration time_to_send(std::size_t bytes, std::uint64_t bytes_per_second) {
  constexpr std::uint64_t second = 1'000'000'000;
  if (bytes_per_second == 0) return Duration{0};
  return Duration(static_cast<Duration::rep>(bytes * second / bytes_per_second));
}

}  // namespace raft::sim
