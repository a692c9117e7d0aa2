#include "sim/network/path.hpp"

namespace raft::sim {
namespace {

constexpr std::size_t frames_max = 8;
constexpr std::size_t frame_bytes_max = std::size_t{64} << 10;
constexpr std::uint64_t one_of = 8;  // Messages, of which one is remembered.

}  // namespace

// A random one is forgotten, so that some stay for very long.
void OldFrames::saw(BytesView frame, core::Random& dice) {
  if (dice.between(0, one_of) != 0 || frame.size() > frame_bytes_max) return;
  if (frames_.size() < frames_max) {
    frames_.emplace_back(frame);
  } else {
    frames_[static_cast<std::size_t>(dice.between(0, frames_max))].assign(frame);
  }
}

const Bytes& OldFrames::pick(core::Random& dice) const {
  return frames_[static_cast<std::size_t>(dice.between(0, frames_.size()))];
}

}  // namespace raft::sim
