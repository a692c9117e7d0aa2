// The clock of one simulated node.
#pragma once

#include <cstdint>

#include <libraft/types.hpp>

namespace raft::sim {

/// Runs at its own rate from its own origin, and never falls.
class Clock {
 public:
  /// `permille` of true time; 1000 is right.
  Clock(Duration origin, std::int64_t permille) : reading_(origin), permille_(permille) {}

  Instant at(Duration truth) const {
    return Instant(reading_ + (truth - since_) / 1000 * permille_);
  }
  /// So long an interval of this clock takes in truth.
  Duration in_truth(Duration own) const { return own * 1000 / permille_; }
  /// It is right from now on, though not set right.
  void run_right(Duration truth) {
    jump(truth, Duration{0});
    permille_ = 1000;
  }
  void jump(Duration truth, Duration by) {
    reading_ = at(truth).time_since_epoch() + by;
    since_ = truth;
  }

 private:
  Duration reading_;
  Duration since_{0};
  std::int64_t permille_;
};

}  // namespace raft::sim
