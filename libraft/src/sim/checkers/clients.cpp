#include "sim/checkers/clients.hpp"

#include "core/quorum.hpp"
#include "util/assert.hpp"

namespace raft::sim {
namespace {

std::string name(std::uint64_t request) { return "request " + std::to_string(request); }

std::uint64_t command_of(const Ghost& ghost, std::uint64_t request) {
  const auto known = ghost.requests.find(request);
  RAFT_ASSERT(known != ghost.requests.end(), "only what was proposed can be answered");
  return known->second;
}

}  // namespace

void check_acknowledged(Ghost& ghost, std::uint64_t request, EntryId id, std::uint64_t reply) {
  const CommittedEntry* entry = ghost.committed.at(id.index);
  const bool is_there = entry != nullptr && entry->place.term == id.term &&
                        entry->command == command_of(ghost, request);
  if (!is_there) {
    return ghost.report.violated(
        "D1", name(request) + " is acknowledged at " + to_string(id) + " and not committed there");
  }
  const auto holds = [&](NodeId node) { return is_held(ghost, node, id); };
  if (!core::has_quorum(*entry->under, holds)) {
    ghost.report.violated("D1", name(request) + " is acknowledged at " + to_string(id) +
                                    " and not on the disks of a majority of each half of " +
                                    to_string(*entry->under));
  }
  // A retry is answered as the first try was.
  Index executed = id.index;
  if (entry->session != 0) {
    const auto first = ghost.executed.find(entry->session);
    if (first != ghost.executed.end()) executed = first->second;
  }
  const auto effect = ghost.effects.find(executed);
  if (effect == ghost.effects.end() || effect->second.reply != reply) {
    ghost.report.violated(
        "D6", name(request) + " gets a reply that no machine gave at " + to_string(executed));
  }
}

void check_refused(Ghost& ghost, std::uint64_t request) {
  const std::uint64_t command = command_of(ghost, request);
  if (ghost.requests_of.at(command) > 1) return;
  if (const auto index = ghost.committed.find(command)) {
    ghost.report.violated(
        "D7", name(request) + " is refused for good and committed at " + to_string(*index));
  }
  ghost.refused.insert(command);
}

}  // namespace raft::sim
