// What can be checked of one node alone, at everything that it does.
#include <algorithm>

#include "core/describe.hpp"
#include "exhaustive/node_model.hpp"

namespace raft::exhaustive {
namespace {

[[noreturn]] void violated(const std::string& rule, const std::string& details) {
  throw Violation(rule + " | " + details);
}

}  // namespace

// D2: what a message claims would be there after a power cut at this very moment.
void NodeModel::leaves(const Message& message, Reaction& reaction) {
  const HardState& disk = disk_.hard_state();
  // To ask what others would think of a campaign promises nothing.
  if (!std::holds_alternative<PreVoteRequest>(message.body)) {
    if (disk.term < message.term) violated("E4: the term is not on disk", describe(message));
    if (message.term > promised_.term) promised_ = {message.term, {}};
  }
  if (std::holds_alternative<VoteRequest>(message.body)) {
    check_vote(message.term, id());
  } else if (const auto* vote = std::get_if<VoteReply>(&message.body); vote && vote->granted) {
    check_vote(message.term, message.to);
  } else if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
    check_append(*append);
    if (!append->entries.empty()) {
      mirror_.inflight[message.to].push_back({append->entries.back()->index, now_});
    }
  } else if (const auto* accepted = std::get_if<AppendAccepted>(&message.body)) {
    // A later term may have replaced the entries in the same batch; then the claim is history.
    if (disk.term == message.term && accepted->match > disk_.last().index) {
      violated("T2: acknowledges what is not on disk", describe(message));
    }
  }
  reaction.sent.push_back(message);
}

void NodeModel::check_vote(Term term, NodeId candidate) {
  const HardState& disk = disk_.hard_state();
  if (disk.term == term && disk.vote != candidate) {
    violated("E3: the vote is not on disk", core::describe(*core_));
  }
  if (term > promised_.term) promised_ = {term, {}};
  if (term < promised_.term) return;
  if (promised_.vote && promised_.vote != candidate) {
    violated("E2: two votes in term " + to_string(term), core::describe(*core_));
  }
  promised_.vote = candidate;
}

void NodeModel::check_append(const AppendRequest& request) const {
  if (!core_->is_leader()) return;  // It led when the message was made.
  bool all_held = core_->log().matches(request.prev);
  Index at = request.prev.index;
  for (const EntryPtr& entry : request.entries) {
    all_held = all_held && core_->log().matches(entry->id()) && entry->index == at.next();
    at = at.next();
  }
  if (!all_held) violated("T7: an append is not in its sender's log", core::describe(*core_));
}

void NodeModel::check_write(const PersistWork& work) const {
  const HardState& disk = disk_.hard_state();
  if (work.hard_state && work.hard_state->term == disk.term && disk.vote &&
      work.hard_state->vote != disk.vote) {
    violated("E2: the vote on disk changes within a term", core::describe(*core_));
  }
  if (work.entries.empty()) return;
  // What this node knew to be committed stays on its disk.
  for (const Witnessed& known : witnessed_) {
    const Index index = known.entry->index;
    if (index < work.entries.front()->index || !disk_.entry(index)) continue;
    if (!disk_.holds(known.entry->id())) continue;
    const bool stays =
        std::any_of(work.entries.begin(), work.entries.end(),
                    [&](const auto& entry) { return entry->id() == known.entry->id(); });
    if (!stays) violated("L6: a committed entry is erased", to_string(known.entry->id()));
  }
}

void NodeModel::check_applied(const Entry& entry) const {
  if (entry.index.value > witnessed_.size()) {
    violated("C6: applied, never committed", to_string(entry.id()));
  }
  if (!(*witnessed_[entry.index.value - 1].entry == entry)) {
    violated("C5: applied is not what was committed", to_string(entry.id()));
  }
  if (!disk_.holds(entry.id())) {
    violated("C6: applied, yet not on disk", to_string(entry.id()));
  }
  if (entry.index != core_->applied_index().next()) {
    violated("C7: applied out of order", to_string(entry.id()));
  }
}

void NodeModel::check_step() {
  if (auto broken = core::check_invariants(*core_, previous_)) throw Violation(*broken);
  follow_peers();
  const core::Log& log = core_->log();
  const Membership& membership = *core_->membership().membership;
  if (core_->role() == RoleNow::candidate || core_->role() == RoleNow::pre_candidate) {
    // Or one that finishes its own removal.
    const Index set_at = core_->membership().index;
    const bool is_leaving =
        set_at > core_->commit() && log.membership_at(set_at.prev()).membership->is_voter(id());
    if (!membership.is_voter(id()) && !is_leaving) {
      violated("E8: a non-voter campaigns", core::describe(*core_));
    }
  }
  if (core_->is_leader()) {
    const auto is_open = [&](const auto& logged) { return logged.index > core_->commit(); };
    if (std::count_if(log.memberships().begin(), log.memberships().end(), is_open) > 1) {
      violated("M2: two changes of membership are under way", core::describe(*core_));
    }
    if (led_.empty() || led_.back().term != core_->term()) {
      std::vector<EntryPtr> elected_with = whole_log();
      elected_with.resize(core_->leader_state()->term_start.prev().value);
      led_.push_back({core_->term(), std::move(elected_with)});
    }
  }
  if (disk_.term_at(log.stable()) != log.term_at(log.stable())) {
    violated("T2: stable, yet not on disk", core::describe(*core_));
  }
  if (log.stable() == log.last_index() && disk_.membership().index != core_->membership().index) {
    violated("M1: the membership in force is not the newest in the log", core::describe(*core_));
  }
  if (core_->durable_hard_state().term > disk_.hard_state().term) {
    violated("E4: a term is believed durable that is not", core::describe(*core_));
  }
}

std::vector<EntryPtr> NodeModel::whole_log() const {
  std::vector<EntryPtr> entries;
  for (Index at{1}; at <= core_->log().last_index(); at = at.next()) entries.push_back(entry(at));
  return entries;
}

// An entry comes from a leader's append, behind the one that precedes it there, or is a leader's
// own. With one leader in each term this is all that L1 and L4 rest on (thesis 3.6.3), and it holds
// or not whatever other nodes do meanwhile.
void NodeModel::check_log(const std::vector<EntryPtr>& before, const Message* message) const {
  const auto* append = message ? std::get_if<AppendRequest>(&message->body) : nullptr;
  const std::vector<EntryPtr> after = whole_log();
  for (std::size_t i = 0; i < after.size(); ++i) {
    const Entry& entry = *after[i];
    if (i < before.size() && *before[i] == entry) continue;
    if (core_->is_leader() && entry.term == core_->term()) continue;
    EntryId previous = append ? append->prev : EntryId{};
    bool is_from_append = false;
    for (std::size_t sent = 0; append && !is_from_append && sent < append->entries.size(); ++sent) {
      is_from_append =
          *append->entries[sent] == entry && previous == (i == 0 ? EntryId{} : after[i - 1]->id());
      previous = append->entries[sent]->id();
    }
    if (!is_from_append) violated("L1: an entry from nowhere", core::describe(*core_));
  }
}

// Before anything is applied: what is committed is what it always was.
void NodeModel::witness() {
  for (Index at{1}; at <= core_->commit(); at = at.next()) {
    const EntryPtr present = entry(at);
    if (!present) violated("L3: a committed entry is nowhere", to_string(at));
    if (at.value > witnessed_.size()) {
      witnessed_.push_back({present, core_->term()});
    } else if (!(*witnessed_[at.value - 1].entry == *present)) {
      violated("L7: two entries are committed", core::describe(*core_));
    }
  }
}

}  // namespace raft::exhaustive
