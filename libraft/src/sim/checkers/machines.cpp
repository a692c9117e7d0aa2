#include "sim/checkers/machines.hpp"

namespace raft::sim {
namespace {

// Each command without a session is executed, and each of a session once and nowhere else.
void check_order(Ghost& ghost, const WatchedNode& node, Index index) {
  const auto violated = [&](const char* invariant, const std::string& how) {
    ghost.report.violated(invariant, "the machine of " + node_name(node.id) + how);
  };
  if (index <= node.machine) {
    return violated("C5", " executes " + to_string(index) + " behind " + to_string(node.machine));
  }
  const CommittedEntry* entry = ghost.committed.at(index);
  if (entry == nullptr) return violated("C6", " executes uncommitted " + to_string(index));
  if (node.disk != nullptr && index > node.disk->last().index) {
    violated("C6", " executes " + to_string(index) + ", which is not on its disk");
  }
  const CommittedEntry* last = ghost.committed.at(index.prev());
  const CommittedEntry* from = ghost.committed.at(node.machine);
  const std::uint64_t due = last == nullptr ? 0 : last->plain;
  if (due != (from == nullptr ? 0 : from->plain)) {
    violated("C7", " leaves out a command between " + to_string(node.machine) + " and " +
                       to_string(index));
  }
  if (entry->session == 0) return;
  const auto [first, is_new] = ghost.executed.emplace(entry->session, index);
  if (first->second != index) {
    violated("D6", " executes one request at " + to_string(first->second) + " and again at " +
                       to_string(index));
  }
}

}  // namespace

void check_applied(Ghost& ghost, WatchedNode& node, Index index, std::uint64_t command,
                   std::uint64_t reply) {
  check_order(ghost, node, index);
  node.machine = index;
  const auto [effect, is_new] = ghost.effects.emplace(index, Ghost::Effect{command, reply});
  if (effect->second.command != command) {
    ghost.report.violated("C5", "the machine of " + node_name(node.id) +
                                    " is given another command at " + to_string(index));
  }
  if (effect->second.reply != reply) {
    ghost.report.violated("D8", "the machine of " + node_name(node.id) +
                                    " gives another reply at " + to_string(index));
  }
}

void check_state(Ghost& ghost, const WatchedNode& node, Index index, std::uint64_t digest,
                 const char* invariant) {
  const auto [known, is_new] = ghost.states.emplace(index, digest);
  if (known->second != digest) {
    ghost.report.violated(invariant, "the machine of " + node_name(node.id) +
                                         " has another state at " + to_string(index));
  }
}

void check_meta(Ghost& ghost, NodeId node, Index index, std::uint64_t digest) {
  const auto [known, is_new] = ghost.metas.emplace(index, digest);
  if (known->second != digest) {
    ghost.report.violated(
        "D8", node_name(node) + " has other sessions or another membership at " + to_string(index));
  }
}

void check_snapshot(Ghost& ghost, NodeId node, const SnapshotInfo& snapshot) {
  const std::pair contents(snapshot.bytes, snapshot.crc);
  const auto [known, is_new] = ghost.snapshots.emplace(snapshot.meta.last, contents);
  if (known->second != contents) {
    ghost.report.violated("D8", node_name(node) + " has another snapshot up to " +
                                    to_string(snapshot.meta.last) + " than some other node");
  }
}

// The base that is restored must be on the disk first, or a power cut leaves a machine ahead of its
// log. Another base may be on its way there already.
void check_restored(Ghost& ghost, WatchedNode& node, Index index, std::uint64_t digest) {
  check_state(ghost, node, index, digest, "P3");
  node.machine = index;
  if (node.core == nullptr || index <= node.disk->last().index) return;
  ghost.report.violated("P4", node_name(node.id) + " restores " + to_string(index) +
                                  " before its disk has that base");
}

}  // namespace raft::sim
