#include "util/log_throttle.hpp"

#include <utility>

namespace raft::util {
namespace {

constexpr std::size_t kinds_max = 64;

}  // namespace

std::optional<std::string> LogThrottle::pass(const std::string& kind, std::string line,
                                             Duration now) {
  auto found = kinds_.find(kind);
  if (found == kinds_.end()) {
    if (!make_room(now)) {
      ++held_back_;
      return std::nullopt;
    }
    kinds_.emplace(kind, Passed{now, std::exchange(held_back_, 0)});
    found = kinds_.find(kind);
  } else if (now - found->second.at < interval_) {
    ++found->second.held_back;
    return std::nullopt;
  }
  if (found->second.held_back > 0) {
    line += " (" + std::to_string(found->second.held_back) + " such lines held back before)";
  }
  found->second = {now};
  return line;
}

/// Forgets what has not been said for long, but not what was held back of it.
bool LogThrottle::make_room(Duration now) {
  if (kinds_.size() < kinds_max) return true;
  for (auto at = kinds_.begin(); at != kinds_.end();) {
    if (now - at->second.at < interval_) {
      ++at;
      continue;
    }
    held_back_ += at->second.held_back;
    at = kinds_.erase(at);
  }
  return kinds_.size() < kinds_max;
}

}  // namespace raft::util
