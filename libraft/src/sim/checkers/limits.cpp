#include "sim/checkers/limits.hpp"

#include <algorithm>

#include "core/describe.hpp"

namespace raft::sim {
namespace {

using State = core::Progress::State;

/// A header, or a membership: what comes on top of the bytes of a command.
constexpr std::size_t header_bytes = std::size_t{64} << 10;

std::size_t entry_bytes_max(const Limits& limits) {
  return limits.command_bytes_max + header_bytes;
}

}  // namespace

void check_peer(Report& report, const core::Progress& peer, const Limits& limits, Index last,
                Index applied) {
  if (peer.match > last) report.violated("T1", "a peer's match is above the leader's log");
  if (peer.match >= peer.next) report.violated("T1", "a peer's match is not below next");
  // One append may go past the window of bytes.
  const std::size_t bytes_max =
      limits.inflight_bytes_max + std::max(limits.append_bytes_max, entry_bytes_max(limits));
  if (peer.inflight.appends() > limits.inflight_appends_max || peer.inflight.bytes() > bytes_max) {
    report.violated("T3", "too much is in flight to a peer");
  }
  if (peer.state == State::probe && peer.inflight.appends() > 1) {
    report.violated("T3", "a peer is probed with more than one append");
  }
  if (peer.state == State::snapshot && (!peer.inflight.empty() || peer.fetching)) {
    report.violated("T4", "a peer gets appends beside a snapshot");
  }
  if (peer.offered && peer.offered->meta.last.index > applied) {
    report.violated("T4", "a peer is offered a snapshot that is not applied");
  }
}

void check_cache(Ghost& ghost, const WatchedNode& node) {
  const core::Core& core = *node.core;
  if (core.has_ready()) return;
  const Index first = core.log().memory_first();
  if (first > std::min(core.log().stable(), core.commit())) return;
  const std::uint64_t bytes = node.log.bytes_between(first.prev(), node.log.last_index());
  if (bytes <= core.options().limits.log_cache_bytes) return;
  ghost.report.violated(
      "D10", node_name(node.id) + " keeps too much of its log in memory: " + core::describe(core));
}

void check_peers(Ghost& ghost, const WatchedNode& node) {
  const core::Leader* leader = node.core->leader_state();
  if (leader == nullptr) return;
  const core::Core& core = *node.core;
  for (const auto& [id, peer] : leader->peers) {
    check_peer(ghost.report, peer, core.options().limits, node.log.last_index(),
               core.applied_index());
    // What a peer has not answered it may have to keep while its disk stands still.
    if (peer.state == State::replicate &&
        node.log.bytes_between(peer.match, peer.next.prev()) > peer.inflight.bytes()) {
      ghost.report.violated(
          "T3", "more is unanswered by node " + to_string(id) + " than counts as in flight");
    }
  }
}

void check_limits(Ghost& ghost, const WatchedNode& node, const Sight& now) {
  const Limits& limits = node.core->options().limits;
  const auto violated = [&](const char* how) {
    ghost.report.violated("D10", node_name(node.id) + how + core::describe(*node.core));
  };
  if (now.handed_out > now.applied) {
    const std::uint64_t unapplied = node.log.bytes_between(now.applied, now.handed_out);
    if (unapplied > limits.apply_bytes_max + entry_bytes_max(limits)) {
      violated(" hands more out than its machine takes: ");
    }
  }
  check_cache(ghost, node);
  const core::Leader* leader = node.core->leader_state();
  if (leader == nullptr) return;
  // The last one may go past the limit.
  const std::size_t last = leader->uncommitted.empty() ? 0 : leader->uncommitted.back().second;
  if (leader->uncommitted_bytes - last > limits.uncommitted_bytes_max) {
    violated(" accepts more than it commits: ");
  }
  // Of each peer one batch under way and one that waits.
  if (leader->reads.remote_count() > 2 * ghost.nodes.size()) violated(" piles up reads: ");
}

}  // namespace raft::sim
