// How long a leader may answer reads without asking anyone (design: lease reads).
#pragma once

#include <libraft/types.hpp>

namespace raft::core {

/// No election timeout is longer, so that no promise is: one bad message must not freeze votes.
inline constexpr Duration lease_asked_max = std::chrono::minutes(1);

/// A majority of each half promised not to elect anyone for an election timeout T from the moment
/// they heard a round; that moment is not before the round was sent. 0.9 T from the sending is
/// within every promise as long as clocks drift less than 10 % against each other.
class Lease {
 public:
  void extend(Instant round_begun, Duration election_timeout) {
    const Instant until = round_begun + election_timeout * 9 / 10;
    if (!given_up_ && until > until_) until_ = until;
  }

  /// Before a TimeoutNow leaves, and then for the rest of the term: the promises are waived by a
  /// forced vote, and how long that takes is not ours to know.
  void give_up() { given_up_ = true; }

  bool is_given_up() const { return given_up_; }
  bool runs_at(Instant now) const { return !given_up_ && now < until_; }

 private:
  Instant until_{};
  bool given_up_ = false;
};

}  // namespace raft::core
