#include "exhaustive/node_model.hpp"

#include <algorithm>
#include <chrono>

#include "core/describe.hpp"
#include "core/quorum.hpp"

namespace raft::exhaustive {
namespace {

constexpr std::size_t turns_per_input_max = 100;

Member member(NodeId id, Role role) {
  return {id, {id.value, 1}, "node-" + to_string(id), role, false, {}};
}

Command command(std::uint32_t ordinal) {
  Command made;
  made.bytes = "command " + std::to_string(ordinal);
  return made;
}

}  // namespace

SnapshotMeta founding(const Bounds& bounds) {
  auto membership = std::make_shared<Membership>();
  for (std::uint64_t id = 1; id <= bounds.nodes; ++id) {
    membership->members.push_back(member({id}, Role::voter));
  }
  return {{}, {}, {{}, membership}};
}

std::size_t node_count(const Bounds& bounds) {
  const bool adds = bounds.change == ChangeKind::add || bounds.change == ChangeKind::replace;
  return bounds.nodes + (adds && bounds.changes > 0 ? 1u : 0u);
}

NodeModel::NodeModel(const Bounds& bounds, NodeId id, const SnapshotMeta& base)
    : bounds_(bounds), now_(std::chrono::hours(1)), disk_(base) {
  options_.id = id;
  options_.instance = {id.value, 1};
  options_.seed = id.value;
  options_.pre_vote = bounds.pre_vote;
  options_.check_quorum = bounds.check_quorum;
  Reaction nothing;
  start(nothing);
}

void NodeModel::start(Reaction& reaction) {
  ++options_.boot.value;
  previous_ = {};
  batches_.clear();
  core_.emplace(options_, core::Recovered{disk_.recover(), {}}, now_);
  mirror_ = {};
  mirror_.handed_out = core_->hard_state();
  const core::Log& log = core_->log();
  const LoggedMembership& committed = log.membership_at(core_->commit());
  if (log.names(id(), options_.instance, core_->commit()) &&
      !committed.membership->names(id(), options_.instance)) {
    mirror_.removed_by = committed.index;
  }
  if (core_->term() < promised_.term) throw Violation("E5: a term that was told is forgotten");
  pump(reaction);
  check_step();
}

Reaction NodeModel::react(const Input& input, const Message* message) {
  Reaction reaction;
  const NodeId peer{input.argument};
  const std::vector<EntryPtr> before = whole_log();
  switch (input.kind) {
    case InputKind::deliver:
      deliver(*message, reaction);
      break;
    case InputKind::deliver_late:
      now_ += options_.timing.election_timeout;
      deliver(*message, reaction);
      break;
    case InputKind::persist:
      write(input.argument, reaction);
      break;
    case InputKind::time_out:
      // Longer than any deadline that was drawn from [T, 2T).
      now_ += 2 * options_.timing.election_timeout;
      core_->tick(now_);
      break;
    case InputKind::tick:
      now_ += options_.timing.heartbeat;
      core_->tick(now_);
      break;
    case InputKind::propose:
      reaction.accepted = core_->propose(command(input.argument), now_).has_value();
      break;
    case InputKind::change:
      reaction.accepted = core_->change_membership(planned_change(), now_).has_value();
      break;
    case InputKind::transfer:
      reaction.accepted = core_->transfer_leadership(peer, now_).has_value();
      break;
    case InputKind::crash:
      crash(input.argument, reaction);
      return reaction;
    case InputKind::lose_peer:
      core_->peer_lost(peer, now_);
      break;
    case InputKind::connect_peer:
      core_->peer_connected(peer, now_);
      break;
  }
  pump(reaction);
  check_step();
  check_log(before, message);
  return reaction;
}

void NodeModel::deliver(const Message& message, Reaction& reaction) {
  const HardState before = core_->hard_state();
  const EntryId last = core_->log().last();
  follow(message);
  core_->receive(message, now_);
  pump(reaction);
  const bool changed = core_->term() != before.term || core_->hard_state().vote != before.vote;
  if (changed && std::holds_alternative<PreVoteRequest>(message.body)) {
    throw Violation("E9: a pre-vote left a trace | " + describe(message));
  }
  // Pre-votes are granted from older terms, and those may tell the news of a removal.
  if (message.term >= before.term || std::holds_alternative<PreVoteReply>(message.body) ||
      std::holds_alternative<Removed>(message.body)) {
    return;
  }
  if (changed || core_->commit() != before.commit || core_->log().last() != last) {
    throw Violation("T5: a message of an older term changed something | " + describe(message));
  }
}

// A batch may have reached the disk before the power cut although nobody was told.
void NodeModel::crash(std::size_t kept, Reaction& reaction) {
  for (; kept > 0; --kept) {
    check_write(batches_.front().work);
    disk_.write(batches_.front().work);
    batches_.pop_front();
  }
  damage_disk();
  start(reaction);
}

void NodeModel::damage_disk() {
  if (bounds_.disk != DiskKind::forgets_votes && bounds_.disk != DiskKind::forgets_entries) return;
  PersistWork left;
  left.hard_state = disk_.hard_state();
  left.entries = disk_.read({1}, disk_.last().index, ~std::size_t{0});
  if (bounds_.disk == DiskKind::forgets_votes) {
    left.hard_state->vote = {};
  } else if (!left.entries.empty()) {
    left.entries.pop_back();
    left.hard_state->commit = std::min(left.hard_state->commit, Index{left.entries.size()});
  }
  disk_ = test::ModelDisk(disk_.base());
  disk_.write(left);
}

// What is carried out promptly comes back as an input of the same turn.
void NodeModel::pump(Reaction& reaction) {
  std::size_t turns = 0;
  do {
    if (++turns > turns_per_input_max) throw Violation("V9: a turn without an end");
    witness();
    carry_out(core_->take_ready(now_), reaction);
    if (bounds_.writes_at_once && !batches_.empty()) write(batches_.size(), reaction);
  } while (core_->has_ready());
}

void NodeModel::carry_out(core::Ready ready, Reaction& reaction) {
  for (const core::Note& note : ready.notes) follow(note);
  if (ready.restore || ready.snapshot_wanted || !ready.snapshot_to.empty()) {
    throw Violation("P2: a snapshot, although no log was ever shortened");
  }
  for (const Message& message : ready.send) leaves(message, reaction);
  if (ready.persist) {
    if (ready.persist->hard_state) mirror_.handed_out = *ready.persist->hard_state;
    batches_.push_back({std::move(*ready.persist), now_});
    if (bounds_.disk == DiskKind::confirms_early) {
      PersistWork& work = batches_.back().work;
      for (const Message& message : work.then_send) leaves(message, reaction);
      work.then_send.clear();
      core_->persisted(work.number, now_);
    }
  }
  for (const EntryPtr& entry : ready.apply) {
    check_applied(*entry);
    core_->applied(entry->index);
  }
  for (const core::LogFetch& fetch : ready.fetch) {
    core_->fetched(fetch, disk_.read(fetch.first, fetch.last, fetch.bytes_max), now_);
  }
}

void NodeModel::write(std::size_t batches, Reaction& reaction) {
  std::uint64_t number = 0;
  for (; batches > 0; --batches) {
    const PersistWork work = std::move(batches_.front().work);
    batches_.pop_front();
    check_write(work);
    if (work.writes()) disk_.write(work);
    for (const Message& message : work.then_send) leaves(message, reaction);
    number = work.number;
  }
  if (bounds_.disk != DiskKind::confirms_early) core_->persisted(number, now_);
}

MembershipChange NodeModel::planned_change() const {
  const NodeId last{bounds_.nodes};
  MembershipChange change;
  switch (bounds_.change) {
    case ChangeKind::remove:
      change.remove = {last};
      break;
    case ChangeKind::add:
      change.add_voters = {member({last.value + 1}, Role::voter)};
      break;
    case ChangeKind::replace:
      change.add_voters = {member({last.value + 1}, Role::voter)};
      change.remove = {last};
      break;
    case ChangeKind::demote:
      change.demote = {last};
      break;
  }
  return change;
}

EntryPtr NodeModel::entry(Index index) const {
  const core::Log& log = core_->log();
  return index < log.memory_first() ? disk_.entry(index) : log.entry(index);
}

bool NodeModel::hears_leader() const {
  return options_.check_quorum && core_->leader() && core_->leader() != id() &&
         now_ - core_->last_leader_contact() < options_.timing.election_timeout;
}

}  // namespace raft::exhaustive
