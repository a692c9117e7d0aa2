// Buckets: 0 to 3 have one each; from 4 on, each power of two is cut into four equal parts. The
// relative error is below a quarter. The last bucket, from 7 * 2^38 on, holds all that is larger.
#include <algorithm>
#include <bit>

#include <libraft/status.hpp>

namespace raft {
namespace {

std::size_t bucket_of(std::uint64_t value, std::size_t buckets) {
  if (value < 4) return static_cast<std::size_t>(value);
  const auto exponent = static_cast<std::size_t>(std::bit_width(value)) - 1;
  const auto quarter = static_cast<std::size_t>(value >> (exponent - 2)) & 3;
  return std::min((exponent - 1) * 4 + quarter, buckets - 1);
}

}  // namespace

void Histogram::record(std::uint64_t value) {
  ++buckets_[bucket_of(value, buckets_.size())];
  ++count_;
  sum_ += value;
}

std::uint64_t Histogram::at_most(std::uint64_t bound) const {
  std::uint64_t total = 0;
  const std::size_t last = bucket_of(bound, buckets_.size());
  for (std::size_t i = 0; i <= last; ++i) total += buckets_[i];
  return total;
}

}  // namespace raft
