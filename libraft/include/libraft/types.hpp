// The vocabulary of Raft as distinct types, so that swapped arguments do not compile.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace raft {

/// Any bytes, not text. Short ones need no allocation.
using Bytes = std::string;
using BytesView = std::string_view;

/// A position in the log. The first entry has index 1; 0 is the place before it.
struct Index {
  std::uint64_t value = 0;

  constexpr Index next() const { return {value + 1}; }
  /// The place before this one; the place before 0 is 0.
  constexpr Index prev() const { return {value == 0 ? 0 : value - 1}; }
  auto operator<=>(const Index&) const = default;
};

/// How many steps lead from `from` up to `to`; 0 when `to` is not above `from`.
constexpr std::uint64_t distance(Index from, Index to) {
  return to.value > from.value ? to.value - from.value : 0;
}

/// A leader's reign. Terms only grow; term 0 is before the first election.
struct Term {
  std::uint64_t value = 0;

  constexpr Term next() const { return {value + 1}; }
  auto operator<=>(const Term&) const = default;
};

/// A node's number, chosen by the operator, 1 or more. 0 names nobody.
struct NodeId {
  std::uint64_t value = 0;

  constexpr explicit operator bool() const { return value != 0; }
  auto operator<=>(const NodeId&) const = default;
};

/// One Raft group of the many that a node may serve. The user of a single group never types it.
struct GroupId {
  std::uint64_t value = 0;

  auto operator<=>(const GroupId&) const = default;
};

/// The random identity of one data directory: a wiped disk under an old node id has another one.
struct InstanceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  constexpr explicit operator bool() const { return (high | low) != 0; }
  auto operator<=>(const InstanceId&) const = default;
};

/// The random identity of a cluster, made once by its founder.
struct ClusterId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  constexpr explicit operator bool() const { return (high | low) != 0; }
  auto operator<=>(const ClusterId&) const = default;
};

/// How often this data directory has been started. Two lives of one process never share it.
struct BootNumber {
  std::uint64_t value = 0;

  auto operator<=>(const BootNumber&) const = default;
};

/// One entry in the history of all logs: no two entries ever share both.
struct EntryId {
  Term term;
  Index index;

  auto operator<=>(const EntryId&) const = default;
};

using Duration = std::chrono::nanoseconds;

/// Marks instants of CLOCK_BOOTTIME, which goes on while the machine is suspended. It has no
/// now(): time comes in from the driver as a value.
struct BootClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};
using Instant = BootClock::time_point;

/// The time that a log itself tells: each leader continues from the last entry's time by what has
/// passed on its own clock. It never falls, is equal on all nodes, and stands still without a
/// leader. Time to live and expiry use it, so that every replica agrees on them.
struct LogTime {
  Duration since_founding{0};

  auto operator<=>(const LogTime&) const = default;
};

std::string to_string(Index);
std::string to_string(Term);
std::string to_string(NodeId);
std::string to_string(GroupId);
std::string to_string(InstanceId);  // 32 hexadecimal digits
std::string to_string(ClusterId);   // 32 hexadecimal digits
std::string to_string(EntryId);     // term/index

}  // namespace raft
