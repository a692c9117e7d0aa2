// 128 bits that stand for a state. Among 10^8 states two share them by chance once in 10^22 runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include <libraft/types.hpp>

namespace raft::exhaustive {

struct Fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const Fingerprint&) const = default;
};

/// Two independent lanes, each a bijection of its state for every word, joined at the end.
class Fingerprinter {
 public:
  void add(std::uint64_t word) {
    high_ = turn(high_ ^ word * 0x9fb21c651e98df25u, 29) * 0xd6e8feb86659fd93u;
    low_ = turn(low_ + word, 37) * 0xa0761d6478bd642fu + 0xe7037ed1a0b428dbu;
    ++words_;
  }
  Fingerprint finish() const {
    const std::uint64_t high = mix(high_ + words_);
    return {high, mix(low_ ^ high)};
  }

 private:
  static std::uint64_t turn(std::uint64_t value, int by) {
    return value << by | value >> (64 - by);
  }
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::uint64_t high_ = 0x243f6a8885a308d3u;
  std::uint64_t low_ = 0x13198a2e03707344u;
  std::uint64_t words_ = 0;
};

Fingerprint fingerprint_of(BytesView bytes);

}  // namespace raft::exhaustive
