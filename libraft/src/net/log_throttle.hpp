// Keeps what happens over and over from filling the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace raft::net {

/// Lets a line pass when it says something new, and a repeated one once per interval, with a note
/// of how many were held back.
class LogThrottle {
 public:
  using Clock = std::chrono::steady_clock;

  explicit LogThrottle(Clock::duration interval) : interval_(interval) {}

  /// The line to write now; absent: write nothing. `kind` tells what counts as the same.
  std::optional<std::string> pass(const std::string& kind, std::string line, Clock::time_point now);

 private:
  Clock::duration interval_;
  std::string kind_;  ///< Of the last line that passed.
  std::optional<Clock::time_point> passed_at_;
  std::uint64_t held_back_ = 0;  ///< Since then.
};

}  // namespace raft::net
