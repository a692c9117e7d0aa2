#include "sim/checkers/logs.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/checkers/memberships.hpp"

namespace raft::sim {
namespace {

// L4: one entry per term and index for ever. L1: with one log below each, equal ids mean equal
// logs.
std::uint64_t chain_of(Ghost& ghost, const WatchedNode& node, const Entry& entry, bool* is_new) {
  const Place before = *node.log.at(node.log.last_index());
  const std::uint64_t print = fingerprint(entry);
  const std::uint64_t chain = chained(before.chain, print);
  const auto [known, fresh] = ghost.entries.emplace(entry.id(), Ghost::Known{print, chain});
  *is_new = fresh;
  if (known->second.entry != print) {
    ghost.report.violated("L4", node_name(node.id) + " has another entry " + to_string(entry.id()));
  } else if (known->second.chain != chain) {
    ghost.report.violated("L1",
                          node_name(node.id) + " has another log below " + to_string(entry.id()));
  }
  return chain;
}

bool append(Ghost& ghost, WatchedNode& node, EntryPtr entry) {
  const EntryId last = node.log.last();
  if (entry->index != last.index.next() || entry->term < last.term ||
      entry->term > node.core->term()) {
    ghost.report.violated(
        "L3", "the log of " + node_name(node.id) + " is out of shape at " + to_string(entry->id()));
    return false;
  }
  bool is_new = false;
  const std::uint64_t chain = chain_of(ghost, node, *entry, &is_new);
  if (const MembershipPtr* set = entry->membership(); is_new && set != nullptr) {
    check_succession(ghost.report, *node.log.membership().membership, **set);
  }
  ghost.longest = std::max(ghost.longest, entry->index);
  node.log.append(std::move(entry), chain);
  return true;
}

void append_stored(Ghost& ghost, WatchedNode& node, Index last) {
  if (node.log.last_index() >= last) return;
  auto entries = node.storage->read(node.log.last_index().next(), last,
                                    std::numeric_limits<std::size_t>::max());
  if (!entries) {
    return ghost.report.violated(
        "L3", node_name(node.id) + " cannot read its log: " + entries.error().detail);
  }
  for (EntryPtr& entry : *entries) {
    if (!append(ghost, node, std::move(entry))) return;
  }
  if (node.log.last_index() != last) {
    ghost.report.violated("L3", node_name(node.id) + " misses entries up to " + to_string(last));
  }
}

/// What is erased must not be committed, neither as far as this node knows nor in truth.
void check_erased(Ghost& ghost, const WatchedNode& node, Index from) {
  const auto place = node.log.at(from);
  const CommittedEntry* committed = ghost.committed.at(from);
  if (from <= node.seen.commit || (place && committed != nullptr && committed->place == *place)) {
    ghost.report.violated("L6",
                          node_name(node.id) + " erases the committed entry " + to_string(from));
  }
}

void move_base(Ghost& ghost, WatchedNode& node, const SnapshotMeta& base) {
  const Index index = base.last.index;
  if (index > node.log.base().last.index && node.log.holds(base.last)) {
    if (index > node.core->applied_index()) {
      ghost.report.violated("P1", node_name(node.id) + " shortens its log up to " +
                                      to_string(index) + ", which is not applied");
    }
    node.log.compact(base);
  } else {
    if (index <= node.seen.commit) {
      ghost.report.violated("P2", node_name(node.id) + " installs a snapshot up to " +
                                      to_string(index) + ", below its commit index");
    }
    if (node.log.last_index() > index) check_erased(ghost, node, index.next());
    const CommittedEntry* committed = ghost.committed.at(index);
    node.log.reset(base, committed == nullptr ? 0 : committed->place.chain);
  }
  check_snapshot_meta(ghost, node.id, base);
}

void truncate(Ghost& ghost, WatchedNode& node, Index from) {
  if (node.seen.leads() && node.core->is_leader() && node.seen.term == node.core->term()) {
    ghost.report.violated(
        "L2", "the leader " + node_name(node.id) + " overwrites its log from " + to_string(from));
  }
  check_erased(ghost, node, from);
  node.log.truncate_from(from);
}

/// Entries never change, so the newest one that is the same tells that all below are too. Of those
/// that have left the memory only the terms can be compared; the chain above judges the rest.
bool is_same(const WatchedNode& node, Index index) {
  const core::Log& log = node.core->log();
  const EntryPtr& seen = node.log.link(index).entry;
  return index >= log.memory_first() ? log.entry(index) == seen : log.term_at(index) == seen->term;
}

}  // namespace

void reread_log(Ghost& ghost, WatchedNode& node) {
  const core::Log& log = node.core->log();
  const EntryId base = log.base().last;
  const std::optional<Place> before = node.log.at(base.index);
  std::uint64_t chain = 0;
  if (before && before->term == base.term) {
    chain = before->chain;
  } else if (ghost.committed.has(base)) {
    chain = ghost.committed.at(base.index)->place.chain;
  }
  check_snapshot_meta(ghost, node.id, log.base());
  node.log.reset(log.base(), chain);
  append_stored(ghost, node, log.last_index());
}

bool follow_log(Ghost& ghost, WatchedNode& node) {
  const core::Log& log = node.core->log();
  bool has_changed = false;
  if (log.base().last != node.log.base().last) {
    move_base(ghost, node, log.base());
    has_changed = true;
  }
  Index kept = std::min(node.log.last_index(), log.last_index());
  while (kept > node.log.base().last.index && !is_same(node, kept)) kept = kept.prev();
  if (kept < node.log.last_index()) {
    truncate(ghost, node, kept.next());
    has_changed = true;
  }
  if (kept == log.last_index()) return has_changed;
  if (kept.next() < log.memory_first()) append_stored(ghost, node, log.memory_first().prev());
  for (Index at = node.log.last_index().next(); at <= log.last_index(); at = at.next()) {
    if (at < log.memory_first() || !append(ghost, node, log.entry(at))) break;
  }
  return true;
}

void check_membership_in_force(Ghost& ghost, WatchedNode& node) {
  const LoggedMembership& believed = node.core->membership();
  const LoggedMembership& logged = node.log.membership();
  if (believed.index == logged.index && believed.membership == node.in_force) return;
  if (believed.index != logged.index || !(*believed.membership == *logged.membership)) {
    ghost.report.violated("M1", node_name(node.id) + " goes by the membership of " +
                                    to_string(believed.index) + " instead of " +
                                    to_string(logged.index));
  }
}

}  // namespace raft::sim
