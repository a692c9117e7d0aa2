// How long to wait before the next attempt.
#pragma once

#include <cstdint>

#include <libraft/types.hpp>

namespace raft::wire {

/// Waits that double from `first` to `max`. Each is drawn from the upper half of its range, so that
/// nodes which failed together do not come back together. Randomness comes in as a value.
class Backoff {
 public:
  struct Range {
    Duration first;
    Duration max;
  };

  explicit Backoff(Range range) : range_(range), ceiling_(range.first) {}

  /// `random` is one of all 64-bit values.
  Duration next(std::uint64_t random);
  void reset() { ceiling_ = range_.first; }

 private:
  Range range_;
  Duration ceiling_;  ///< The longest that the next wait can be; `first` to `max`.
};

}  // namespace raft::wire
