#include "core/describe.hpp"

#include "core/core.hpp"
#include "util/assert.hpp"

namespace raft::core {
namespace {

/// In the order of NoteKind.
constexpr const char* note_names[] = {
    "election timeout",
    "asks for pre-votes",
    "campaigns",
    "became leader",
    "became follower",
    "steps down without quorum",
    "steps down, removed",
    "grants its vote",
    "refuses, stale log",
    "refuses, already voted",
    "refuses, leader is alive",
    "refuses, not a member",
    "refuses, lease promised",
    "adopts the term",
    "answers a stale term",
    "truncates",
    "rejects, gap",
    "rejects, conflict",
    "append below commit",
    "ignores a stale session",
    "commits",
    "commit waits for own term",
    "membership in force",
    "membership rolled back",
    "membership committed",
    "leaves joint membership",
    "learner round ends",
    "promotes",
    "departing peer released",
    "probes",
    "replicates to",
    "needs a snapshot",
    "fetches old entries for",
    "in-flight window full",
    "proposal refused, busy",
    "read round begins",
    "read round confirmed",
    "reads fail",
    "lease extended",
    "lease given up",
    "transfer begins",
    "timeout-now sent",
    "transfer aborted",
    "slow disk hands over",
    "snapshot wanted",
    "snapshot below commit",
    "snapshot matches the log",
    "snapshot installed",
    "snapshot failed",
    "leader lost",
    "leader found again",
    "removed",
    "second leader in one term",
};
static_assert(std::size(note_names) == static_cast<std::size_t>(NoteKind::count_));

const char* name_of(Progress::State state) {
  switch (state) {
    case Progress::State::probe:
      return "probe";
    case Progress::State::replicate:
      return "replicate";
    case Progress::State::snapshot:
      return "snapshot";
  }
  return "?";
}

std::string describe(NodeId id, const Progress& peer) {
  std::string text = " [" + to_string(id) + " " + name_of(peer.state) + " match " +
                     to_string(peer.match) + " next " + to_string(peer.next);
  if (peer.paused) text += " paused";
  if (peer.fetching) text += " fetching";
  if (!peer.inflight.empty()) text += " inflight " + std::to_string(peer.inflight.appends());
  if (peer.departing) text += " departing";
  return text + "]";
}

}  // namespace

const char* to_string(NoteKind kind) { return note_names[static_cast<std::size_t>(kind)]; }

std::string describe(const Note& note) {
  std::string text = to_string(note.kind);
  if (note.peer) text += " node " + to_string(note.peer);
  if (note.index.value != 0) text += " at " + to_string(note.index);
  return text;
}

std::string describe(const PersistWork& work) {
  std::string text = "batch " + std::to_string(work.number);
  if (work.base) text += " base " + to_string(work.base->last);
  if (work.hard_state) {
    text += " term " + to_string(work.hard_state->term) + " vote " +
            to_string(work.hard_state->vote) + " commit " + to_string(work.hard_state->commit);
  }
  if (!work.entries.empty()) {
    text += " entries " + to_string(work.entries.front()->id()) + ".." +
            to_string(work.entries.back()->id());
  }
  return text;
}

std::string describe(const Core& core) {
  const Log& log = core.log();
  std::string text =
      "node " + to_string(core.id()) + " " + raft::to_string(core.role()) + " term " +
      to_string(core.term()) + " vote " + to_string(core.hard_state().vote) + " leader " +
      to_string(core.leader()) + " log " + to_string(log.first_index()) + ".." +
      to_string(log.last_index()) + " last term " + to_string(log.last().term) + " stable " +
      to_string(log.stable()) + " commit " + to_string(core.commit()) + " applied " +
      to_string(core.applied_index()) + " members " + to_string(*core.membership().membership) +
      " since " + to_string(core.membership().index);
  if (core.has_lost_leader()) text += " leader-lost";
  if (core.removed()) text += " removed";
  if (const Leader* leader = core.leader_state()) {
    for (const auto& [id, peer] : leader->peers) text += describe(id, peer);
    if (leader->transfer) text += " transfer to " + to_string(leader->transfer->target);
  }
  return text;
}

}  // namespace raft::core
