// How often each fault took effect, so that a campaign can show that its faults were real.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <libraft/sim.hpp>

namespace raft::sim {

class Effects {
 public:
  void hit(Fault fault) { ++hits_[static_cast<std::size_t>(fault)]; }
  std::uint64_t of(Fault fault) const { return hits_[static_cast<std::size_t>(fault)]; }

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(Fault::count_)> hits_{};
};

}  // namespace raft::sim
