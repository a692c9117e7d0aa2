#include "net/backoff.hpp"

#include <algorithm>

namespace raft::net {

Duration Backoff::next(std::uint64_t random) {
  const Duration half = ceiling_ / 2;
  const auto choices = static_cast<std::uint64_t>(half.count()) + 1;
  const Duration wait = ceiling_ - Duration(static_cast<Duration::rep>(random % choices));
  ceiling_ = std::min(ceiling_ * 2, range_.max);
  return wait;
}

}  // namespace raft::net
