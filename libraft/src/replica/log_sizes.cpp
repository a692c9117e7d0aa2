#include "replica/log_sizes.hpp"

#include <algorithm>

namespace raft::replica {
namespace {

constexpr std::uint64_t mark_every_bytes = std::uint64_t{64} << 10;

}  // namespace

void LogSizes::applied(Index index, std::size_t bytes) {
  if (index <= newest_) return;
  newest_ = index;
  total_ += bytes;
  if (marks_.empty() || total_ - marks_.back().total >= mark_every_bytes) {
    marks_.push_back({index, total_});
  }
}

void LogSizes::forget(Index upto) {
  while (marks_.size() > 1 && marks_[1].index <= upto) marks_.pop_front();
}

std::uint64_t LogSizes::bytes_since(Index from) const {
  const auto after =
      std::upper_bound(marks_.begin(), marks_.end(), from,
                       [](Index wanted, const Mark& mark) { return wanted < mark.index; });
  return after == marks_.begin() ? total_ : total_ - std::prev(after)->total;
}

Index LogSizes::reaching_back(std::uint64_t bytes) const {
  const auto within = std::partition_point(
      marks_.begin(), marks_.end(), [&](const Mark& mark) { return total_ - mark.total > bytes; });
  return within == marks_.end() ? newest_ : within->index;
}

}  // namespace raft::replica
