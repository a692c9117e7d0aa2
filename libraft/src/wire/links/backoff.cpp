#include "wire/links/backoff.hpp"

#include <algorithm>

namespace raft::wire {

Duration Backoff::next(std::uint64_t random) {
  const Duration floor = ceiling_ / 2;
  const auto choices = static_cast<std::uint64_t>((ceiling_ - floor).count()) + 1;
  const Duration wait = floor + Duration(static_cast<Duration::rep>(random % choices));
  ceiling_ = std::min(2 * ceiling_, range_.max);
  return wait;
}

}  // namespace raft::wire
