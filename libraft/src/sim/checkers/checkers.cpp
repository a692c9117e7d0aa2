#include "sim/checkers/checkers.hpp"

#include <algorithm>
#include <utility>

#include "sim/checkers/claims.hpp"
#include "sim/checkers/clients.hpp"
#include "sim/checkers/commits.hpp"
#include "sim/checkers/electable.hpp"
#include "sim/checkers/election.hpp"
#include "sim/checkers/limits.hpp"
#include "sim/checkers/logs.hpp"
#include "sim/checkers/machines.hpp"
#include "sim/checkers/memberships.hpp"
#include "sim/checkers/reads.hpp"
#include "util/assert.hpp"

namespace raft::sim {

// --- nodes ---

WatchedNode& Checkers::watched(const View& view) {
  WatchedNode& node = watched(view.node);
  node.core = &view.core;
  node.storage = &view.storage;
  node.disk = &view.disk;
  return node;
}

void Checkers::life_begins(const View& view, Duration now) {
  ghost_.report.at(now);
  ghost_.nodes[view.node].id = view.node;
  WatchedNode& node = watched(view);
  node.instance = view.core.options().instance;
  node.disk_version = view.disk.version();
  node.disk_last = view.disk.last();
  if (const auto& broken = view.disk.violation()) violated(broken->invariant, broken->what);

  reread_log(ghost_, node);
  if (!node.is_forgotten()) check_promises_kept(ghost_, node);
  node.in_force = view.core.membership().membership;
  node.disk_failed = false;
  node.leader_heard.reset();
  node.lease_asked.clear();
  node.pre_votes.clear();
  node.heard.clear();
  node.rounds.clear();
  node.traffic.clear();
  node.reads_asked.clear();
  node.machine = view.core.applied_index();
  node.lease_promised_until = view.core.now() + view.disk.hard_state().lease_seen;

  node.seen = Sight{};
  node.seen.term = view.core.term();
  node.seen.vote = view.core.hard_state().vote;
  node.seen.commit = node.log.base().last.index;
  node.seen.clock = view.core.now();
  observe(node);
  check_electable(ghost_);
}

void Checkers::life_ended(NodeId id) {
  WatchedNode& node = watched(id);
  node.core = nullptr;
  node.storage = nullptr;
  receipt_.reset();
}

void Checkers::before_receive(const View& view, const Message& message) {
  receipt_ = before_receipt(watched(view), message);
}

void Checkers::after_receive(const View& view, const Message& message) {
  WatchedNode& node = watched(view);
  if (receipt_ && receipt_->node == view.node) check_receipt(ghost_, node, *receipt_, message);
  receipt_.reset();
  observe(node);
}

void Checkers::after_step(const View& view, Duration now) {
  ghost_.report.at(now);
  WatchedNode& node = watched(view);
  observe(node);
  if (!std::exchange(node.has_traffic, false)) return;
  for (auto& [peer, traffic] : node.traffic) {
    traffic.owed -= std::min(traffic.owed, traffic.answered);
    traffic.sent = traffic.answered = traffic.received = 0;
  }
}

// In the order in which later checks need what earlier ones learn.
void Checkers::observe(WatchedNode& node) {
  if (node.core == nullptr) return;
  const Index committed_before = ghost_.committed.last();
  const Sight now = look_at(*node.core);
  const bool log_changed = follow_log(ghost_, node);
  check_election(ghost_, node, now);
  follow_commit(ghost_, node, now);
  check_marks(ghost_, node, now);
  check_membership_in_force(ghost_, node);
  check_limits(ghost_, node, now);
  if (now.leads()) {
    check_peers(ghost_, node);
    check_commit_is_prompt(ghost_, node, now);
    check_read_rounds(ghost_, node, now);
    check_lease(ghost_, node, now);
    check_leaving(ghost_, node, now);
    if (log_changed || !node.seen.leads()) check_changes(ghost_, node, now);
  }
  node.seen = now;
  node.in_force = node.core->membership().membership;
  if (node.disk->version() != node.disk_version) observe_disk(node);
  if (ghost_.committed.last() != committed_before) {
    check_electable(ghost_);
  } else if (log_changed) {
    check_electable_now(ghost_, node);
  }
}

void Checkers::observe_disk(WatchedNode& node) {
  const DiskView& disk = *node.disk;
  if (const auto& broken = disk.violation()) violated(broken->invariant, broken->what);
  // With a shorter log it would vote for others than before.
  const bool is_shorter = disk.last() < std::exchange(node.disk_last, disk.last());
  node.disk_version = disk.version();
  if (node.restorable && disk.base().last.index > *node.restorable) {
    violated("P5", node_name(node.id) + " has erased its log up to " +
                       to_string(disk.base().last.index) + ", its machine is safe up to " +
                       to_string(*node.restorable));
  }
  is_shorter ? check_electable(ghost_) : check_electable_after_power_cut(ghost_, node);
}

void Checkers::waiting(const View& view, std::size_t proposals, std::size_t reads) {
  const Limits& limits = view.core.options().limits;
  if (proposals > limits.pending_proposals_max || reads > limits.pending_reads_max) {
    violated("D10", node_name(view.node) + " lets " + std::to_string(proposals) +
                        " proposals and " + std::to_string(reads) + " reads wait");
  }
}

// In the middle of a step nobody has looked yet, but what leaves may be believed elsewhere even if
// the step never ends.
void Checkers::sends(const View& view, const Message& message) {
  WatchedNode& node = watched(view);
  const Sight& seen = node.seen;
  if (view.core.commit() != seen.commit || view.core.term() != seen.term ||
      view.core.role() != seen.role || view.core.log().last() != node.log.last()) {
    observe(node);
  }
  check_claims(ghost_, node, message);
}

void Checkers::sends(const View& view, const ServiceMessage& message) {
  check_claims(ghost_, watched(view), message);
}

void Checkers::forget(NodeId id) {
  const auto found = ghost_.nodes.find(id);
  if (found == ghost_.nodes.end()) return;
  WatchedNode& node = found->second;
  RAFT_ASSERT(node.core == nullptr, "a node in use cannot be forgotten");
  node.forgotten = node.instance;
  node.forgotten_upto = ghost_.longest;
  node.promises = {};
  node.disk = nullptr;
  node.log = {};
  node.restorable.reset();
}

void Checkers::disk_failed(NodeId node) { watched(node).disk_failed = true; }

// --- snapshots ---

void Checkers::restorable(NodeId node, Index index) {
  std::optional<Index>& known = watched(node).restorable;
  if (!known || *known < index) known = index;
}

void Checkers::snapshot_file(NodeId node, const std::optional<SnapshotInfo>& found) {
  if (!found) return violated("P4", node_name(node) + " is left with half a snapshot");
  check_snapshot(ghost_, node, *found);
}

void Checkers::received(NodeId node, const SnapshotInfo& announced, std::uint64_t bytes,
                        std::uint32_t crc) {
  if (bytes != announced.bytes || crc != announced.crc) {
    violated("P6", node_name(node) + " has another snapshot than was offered up to " +
                       to_string(announced.meta.last));
  }
}

// --- machines ---

void Checkers::catch_up_to(Index index) {
  if (index <= ghost_.committed.last()) return;
  for (auto& [id, node] : ghost_.nodes) {
    if (node.core != nullptr && node.core->commit() > ghost_.committed.last()) observe(node);
  }
}

void Checkers::applied(NodeId node, Index index, std::uint64_t command_hash,
                       std::uint64_t reply_hash) {
  catch_up_to(index);
  check_applied(ghost_, watched(node), index, command_hash, reply_hash);
}

void Checkers::state(NodeId node, Index index, std::uint64_t digest) {
  check_state(ghost_, watched(node), index, digest, "D8");
}

void Checkers::meta(NodeId node, Index index, std::uint64_t digest) {
  check_meta(ghost_, node, index, digest);
}

void Checkers::restored(NodeId node, Index index, std::uint64_t digest) {
  // Recovery restores before the life begins.
  WatchedNode& restored = ghost_.nodes[node];
  restored.id = node;
  check_restored(ghost_, restored, index, digest);
}

// --- clients ---

void Checkers::proposed(std::uint64_t request, const Command& command) {
  const std::uint64_t asked = fingerprint(command);
  ghost_.requests[request] = asked;
  if (++ghost_.requests_of[asked] > 1) ghost_.refused.erase(asked);
}

void Checkers::acknowledged(std::uint64_t request, EntryId id, std::uint64_t reply_hash) {
  catch_up_to(id.index);
  check_acknowledged(ghost_, request, id, reply_hash);
}

void Checkers::refused_for_good(std::uint64_t request) { check_refused(ghost_, request); }

Checkers::ReadToken Checkers::read_invoked() {
  const ReadToken read{++ghost_.last_read};
  ghost_.reads.emplace(read.number, ghost_.committed.last());
  return read;
}

void Checkers::read_served(NodeId node, ReadToken read, Index applied, Index read_index) {
  const auto under_way = ghost_.reads.find(read.number);
  if (under_way == ghost_.reads.end()) {
    return violated("R5", node_name(node) + " answers a read that has ended");
  }
  check_read(ghost_, node, under_way->second, applied, read_index);
  ghost_.reads.erase(under_way);
}

void Checkers::read_failed(ReadToken read) {
  if (ghost_.reads.erase(read.number) == 0) violated("R5", "a read fails that has ended");
}

void Checkers::check_final() {
  if (!ghost_.reads.empty()) {
    violated("R5", std::to_string(ghost_.reads.size()) + " reads were never answered");
  }
}

// --- what is true ---

NodeId Checkers::newest_leader() const {
  return ghost_.leaders.empty() ? NodeId{} : ghost_.leaders.rbegin()->second;
}

Term Checkers::newest_term() const {
  return ghost_.leaders.empty() ? Term{} : ghost_.leaders.rbegin()->first;
}

std::uint64_t Checkers::news(NodeId from, NodeId to) const {
  const auto node = ghost_.nodes.find(from);
  if (node == ghost_.nodes.end()) return 0;
  const auto traffic = node->second.traffic.find(to);
  return traffic == node->second.traffic.end() ? 0 : traffic->second.news;
}

}  // namespace raft::sim
