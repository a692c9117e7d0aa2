#include <array>
#include <string_view>

#include <libraft/sim.hpp>

namespace raft::sim {
namespace {

constexpr auto faults = static_cast<std::size_t>(Fault::count_);

constexpr std::array<const char*, faults> names = {
    "delay",     "drop",         "duplicate",    "late-replay",  "reorder",    "reset",
    "half-open", "bit-flip",     "slow-link",    "partition",    "one-way",    "bridge",
    "crash",     "power-cut",    "crash-loop",   "stop",         "pause",      "unsynced-loss",
    "slow-disk", "stalled-disk", "write-error",  "sync-error",   "read-error", "no-space",
    "rot",       "wipe",         "rollback",     "drift",        "clock-jump", "membership",
    "transfer",  "overload",     "client-retry", "small-limits", "over-limit"};

}  // namespace

const char* to_string(Fault fault) { return names.at(static_cast<std::size_t>(fault)); }

std::optional<Fault> fault_from(std::string_view name) {
  for (std::size_t i = 0; i < faults; ++i) {
    if (name == names.at(i)) return static_cast<Fault>(i);
  }
  return std::nullopt;
}

}  // namespace raft::sim
