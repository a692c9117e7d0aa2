// Keeps what happens over and over from filling the log.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <libraft/types.hpp>

namespace raft::util {

/// Lets a line pass when it says something new, and a repeated one once per interval, with a note
/// of how many were held back.
///
/// A kind must hold nothing that the other side may choose freely, or every line is new. As a last
/// resort only so many kinds are told apart: while all of them are recent, others are held back.
class LogThrottle {
 public:
  explicit LogThrottle(Duration interval) : interval_(interval) {}

  /// The line to write now; absent: write nothing. `kind` tells what counts as the same, `now` is
  /// the time since any fixed instant.
  std::optional<std::string> pass(const std::string& kind, std::string line, Duration now);

 private:
  struct Passed {
    Duration at;
    std::uint64_t held_back = 0;  ///< Since then.
  };

  bool make_room(Duration now);

  Duration interval_;
  std::map<std::string, Passed> kinds_;  ///< Those of which a line has passed.
  std::uint64_t held_back_ = 0;          ///< Of kinds for which there was no room.
};

}  // namespace raft::util
