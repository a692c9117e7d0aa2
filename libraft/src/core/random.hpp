// The core's only randomness: a seeded generator with the same results everywhere.
#pragma once

#include <cstdint>

namespace raft::core {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /// From [low, high). The bias of the remainder is below 2^-30 for ranges that fit a timeout.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + next() % (high - low);
  }

 private:
  std::uint64_t state_;
};

}  // namespace raft::core
