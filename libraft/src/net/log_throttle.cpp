#include "net/log_throttle.hpp"

#include <utility>

namespace raft::net {

std::optional<std::string> LogThrottle::pass(const std::string& kind, std::string line,
                                             Clock::time_point now) {
  if (passed_at_ && kind == kind_ && now - *passed_at_ < interval_) {
    ++held_back_;
    return std::nullopt;
  }
  if (held_back_ > 0) {
    line += " (" + std::to_string(held_back_) + " such lines held back before)";
  }
  kind_ = kind;
  passed_at_ = now;
  held_back_ = 0;
  return line;
}

}  // namespace raft::net
