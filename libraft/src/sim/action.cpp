#include "sim/action.hpp"

#include <array>
#include <sstream>

namespace raft::sim {
namespace {

constexpr auto kinds = static_cast<std::size_t>(ActionKind::count_);

constexpr std::array<const char*, kinds> names = {
    "set-rate",   "partition",  "one-way",    "bridge",     "reset",     "cut",     "slow-link",
    "heal",       "crash",      "crash-at",   "power-cut",  "stop",      "pause",   "slow-disk",
    "stall-disk", "fail-write", "fail-sync",  "fail-reads", "fill-disk", "rot",     "wipe",
    "back-up",    "roll-back",  "jump-clock", "join",       "remove",    "replace", "regroup",
    "demote",     "promote",    "update",     "transfer",   "snapshot",  "burst"};

constexpr std::uint64_t micros_per_second = 1'000'000;

}  // namespace

const char* to_string(ActionKind kind) { return names.at(static_cast<std::size_t>(kind)); }

std::string to_string(const Action& action) {
  const auto micros = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(action.at).count());
  std::string fraction = std::to_string(micros_per_second + micros % micros_per_second);
  fraction.front() = '.';
  return std::to_string(micros / micros_per_second) + fraction + " " + to_string(action.kind) +
         " " + to_string(action.node) + " " + to_string(action.other) + " " +
         std::to_string(action.amount);
}

Result<Action> action_from(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::uint64_t seconds = 0;
  std::string fraction;
  std::string kind;
  Action action;
  in >> seconds >> fraction >> kind >> action.node.value >> action.other.value >> action.amount;
  const bool has_time = fraction.size() == 7 && fraction.front() == '.' &&
                        fraction.find_first_not_of("0123456789", 1) == std::string::npos;
  if (!in || !has_time) {
    return Error{Errc::invalid_argument, "not an action: " + std::string(line)};
  }
  action.at =
      std::chrono::seconds(seconds) + std::chrono::microseconds(std::stoull(fraction.substr(1)));
  for (std::size_t i = 0; i < kinds; ++i) {
    if (kind != names.at(i)) continue;
    action.kind = static_cast<ActionKind>(i);
    return action;
  }
  return Error{Errc::invalid_argument, "no such action: " + kind};
}

}  // namespace raft::sim
