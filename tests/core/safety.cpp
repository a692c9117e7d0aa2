#include "core/safety.hpp"

#include <algorithm>

#include "core/describe.hpp"
#include "core/quorum.hpp"

namespace raft::test {
namespace {

[[noreturn]] void violated(const std::string& rule, const std::string& details) {
  throw Violation(rule + " | " + details);
}

/// What decides an election, as a node is now or as a power cut would leave it.
struct LogEnd {
  EntryId last;
  bool has_committed;
  MembershipPtr membership;
};

bool has_instance(const Membership& membership, const NodeView& node) {
  return membership.names(node.id, node.instance);
}

}  // namespace

void Safety::leaves(const NodeView& sender, const NodeView* receiver, const Message& message) {
  const HardState& disk = sender.disk->hard_state();
  // To ask what others would think of a campaign promises nothing.
  if (!std::holds_alternative<PreVoteRequest>(message.body)) {
    if (disk.term < message.term) violated("E4: the term is not on disk", describe(message));
    promised_[sender.id] = std::max(promised_[sender.id], message.term);
  }
  if (std::holds_alternative<VoteRequest>(message.body)) {
    check_vote(sender, message.term, sender.id);
  } else if (const auto* vote = std::get_if<VoteReply>(&message.body); vote && vote->granted) {
    check_vote(sender, message.term, message.to);
  } else if (const auto* append = std::get_if<AppendRequest>(&message.body)) {
    check_append(sender, *append);
    EntryId prev = append->prev;
    for (const EntryPtr& entry : append->entries) {
      sees(prev, entry);
      prev = entry->id();
    }
  } else if (std::holds_alternative<AppendAccepted>(message.body)) {
    check_accepted(sender, receiver, message);
  }
}

void Safety::check_accepted(const NodeView& sender, const NodeView* leader,
                            const Message& message) const {
  // A later term may have replaced the entries in the same batch; then the claim is history.
  if (sender.disk->hard_state().term > message.term) return;
  const Index match = std::get<AppendAccepted>(message.body).match;
  if (match > sender.disk->last().index) {
    violated("T2: acknowledges what is not on disk", describe(message));
  }
  if (leader == nullptr || leader->core == nullptr || !leader->core->is_leader()) return;
  if (leader->core->term() != message.term) return;
  const auto theirs = leader->core->log().term_at(match);
  const auto ours = sender.disk->term_at(match);
  if (theirs && ours && *theirs != *ours) {
    violated("T2: acknowledges what is not its leader's", describe(message));
  }
}

void Safety::check_vote(const NodeView& voter, Term term, NodeId candidate) {
  const HardState& disk = voter.disk->hard_state();
  if (disk.term == term && disk.vote != candidate) {
    violated("E3: the vote is not on disk", to_string(voter.id) + " for " + to_string(candidate));
  }
  const auto [known, fresh] = votes_.emplace(std::pair(term, voter.id), candidate);
  if (!fresh && known->second != candidate) {
    violated("E2: two votes in term " + to_string(term), to_string(voter.id));
  }
}

void Safety::check_append(const NodeView& sender, const AppendRequest& request) const {
  if (sender.core == nullptr || !sender.core->is_leader()) return;
  const core::Log& log = sender.core->log();
  const auto held = [&](EntryId id) { return id.index < log.base().last.index || log.matches(id); };
  bool all_held = held(request.prev);
  Index at = request.prev.index;
  for (const EntryPtr& entry : request.entries) {
    all_held = all_held && held(entry->id()) && entry->index == at.next();
    at = at.next();
  }
  if (!all_held) violated("T7: an append is not in its sender's log", core::describe(*sender.core));
}

// L4: one entry per (term, index) for ever. L1: with one predecessor each, equal ids mean equal
// prefixes.
void Safety::sees(EntryId prev, const EntryPtr& entry) {
  const auto [known, fresh] = entries_.emplace(entry->id(), Seen{prev, entry});
  if (fresh || known->second.entry == entry) return;
  if (!(*known->second.entry == *entry)) {
    violated("L4: two entries share a term and an index", to_string(entry->id()));
  }
  if (known->second.prev != prev) {
    violated("L1: one entry has two predecessors", to_string(entry->id()));
  }
}

void Safety::writes(const NodeView& node, const PersistWork& work) {
  const ModelDisk& disk = *node.disk;
  EntryId prev = work.base ? work.base->last : EntryId{};
  if (!work.base && !work.entries.empty()) {
    const Index before = work.entries.front()->index.prev();
    prev = {disk.term_at(before).value_or(Term{}), before};
  }
  for (const EntryPtr& entry : work.entries) {
    sees(prev, entry);
    prev = entry->id();
  }
  if (work.entries.empty() && !work.base) return;
  // L6: what was committed and held stays held.
  const Index first = work.base ? Index{} : work.entries.front()->index;
  for (auto at = chosen_.lower_bound(first); at != chosen_.end(); ++at) {
    if (at->first > disk.last().index) break;
    if (!disk.holds(at->second)) continue;
    const bool in_base = work.base && at->first <= work.base->last.index;
    const bool in_entries =
        std::any_of(work.entries.begin(), work.entries.end(),
                    [&](const EntryPtr& entry) { return entry->id() == at->second; });
    if (!in_base && !in_entries) {
      violated("L6: a committed entry is erased", to_string(node.id) + " " + to_string(at->second));
    }
  }
}

void Safety::applies(NodeId node, const Entry& entry) {
  const auto chosen = chosen_.find(entry.index);
  if (chosen == chosen_.end()) {
    violated("C6: applied, never committed", to_string(node) + " " + to_string(entry.id()));
  }
  if (chosen->second != entry.id()) {
    violated("C5: state machines differ", to_string(node) + " " + to_string(entry.id()) +
                                              " instead of " + to_string(chosen->second));
  }
  const auto seen = entries_.find(entry.id());
  if (seen != entries_.end() && !(*seen->second.entry == entry)) {
    violated("C5: state machines differ in content", to_string(entry.id()));
  }
}

void Safety::asks_read(NodeId node, std::uint64_t ticket) { reads_[{node, ticket}] = committed_; }

void Safety::answers_read(NodeId node, std::uint64_t ticket, Index index) const {
  const auto asked = reads_.find({node, ticket});
  if (asked == reads_.end()) violated("R5: an answer to no read", std::to_string(ticket));
  if (index < asked->second) {
    violated("R1: a stale read", to_string(node) + " reads at " + to_string(index) + ", " +
                                     to_string(asked->second) + " was committed when it asked");
  }
}

void Safety::restarts(const NodeView& node) const {
  const auto promised = promised_.find(node.id);
  if (promised != promised_.end() && node.core->term() < promised->second) {
    violated("E5: a term was forgotten", core::describe(*node.core));
  }
}

void Safety::forgets(NodeId node) {
  promised_.erase(node);
  commits_.erase(node);
}

void Safety::check(const std::vector<NodeView>& nodes) {
  for (const NodeView& node : nodes) {
    if (node.core == nullptr) {
      commits_.erase(node.id);
      continue;
    }
    check_new_leader(node);
    check_commit(node, nodes);
    check_disk(node);
  }
  for (const NodeView& node : nodes) check_electable(node, nodes);
}

void Safety::check_new_leader(const NodeView& node) {
  const core::Core& core = *node.core;
  const Membership& membership = *core.membership().membership;
  if (core.role() == RoleNow::candidate || core.role() == RoleNow::pre_candidate) {
    // Or one that finishes its own removal.
    const Index set_at = core.membership().index;
    const bool is_leaving = set_at > core.commit() &&
                            core.log().membership_at(set_at.prev()).membership->is_voter(node.id);
    if (!membership.is_voter(node.id) && !is_leaving) {
      violated("E8: a non-voter campaigns", core::describe(core));
    }
  }
  if (!core.is_leader()) return;
  const auto above = [&](const LoggedMembership& logged) { return logged.index > core.commit(); };
  const auto& memberships = core.log().memberships();
  if (std::count_if(memberships.begin(), memberships.end(), above) > 1) {
    violated("M2: two changes of membership are under way", core::describe(core));
  }
  const auto [known, fresh] = leaders_.emplace(core.term(), node.id);
  if (known->second != node.id) violated("E1: two leaders in one term", core::describe(core));
  if (!fresh) return;
  const auto voted = [&](NodeId id) {
    if (id == node.id) return node.disk->hard_state().vote == node.id;
    const auto vote = votes_.find({core.term(), id});
    return vote != votes_.end() && vote->second == node.id;
  };
  if (!core::has_quorum(membership, voted)) {
    violated("E7: leads without a majority of each half", core::describe(core));
  }
}

void Safety::check_commit(const NodeView& node, const std::vector<NodeView>& nodes) {
  const core::Core& core = *node.core;
  const Index before = std::exchange(commits_[node.id], core.commit());
  for (Index at = before.next(); at <= core.commit(); at = at.next()) {
    const auto term = core.log().term_at(at);
    if (!term) continue;  // Below a snapshot.
    const EntryId id{*term, at};
    const auto [chosen, fresh] = chosen_.emplace(at, id);
    if (chosen->second != id) violated("L7: two entries are committed", core::describe(core));
    committed_ = std::max(committed_, at);
    if (!fresh || at != core.commit()) continue;
    // It may have stepped down with this very commit, if that removed it.
    const auto leader = leaders_.find(core.term());
    if (leader == leaders_.end() || leader->second != node.id) {
      violated("C3: a follower commits before its leader", core::describe(core));
    }
    if (*term != core.term()) {
      violated("C1: committed by counting an older term", core::describe(core));
    }
    const auto durable = [&](NodeId voter) {
      return std::any_of(nodes.begin(), nodes.end(), [&](const NodeView& other) {
        return other.id == voter && other.disk->holds(id);
      });
    };
    // The membership that decided may have been followed by another in the same step: a leader
    // leaves a joint membership as soon as it is committed.
    const core::Log& log = core.log();
    if (!core::has_quorum(*core.membership().membership, durable) &&
        !core::has_quorum(*log.membership_at(at).membership, durable)) {
      violated("C1: no majority of each half has it on disk", core::describe(core));
    }
  }
}

// C2: nobody who lacks a committed entry could win an election now, even if every voter lost what
// it has not yet synced. Entries above one that is lacking are lacking too, so the newest will do.
void Safety::check_electable(const NodeView& node, const std::vector<NodeView>& nodes) const {
  if (committed_.value == 0) return;
  const EntryId newest = chosen_.at(committed_);
  std::vector<LogEnd> ends;
  ends.push_back({node.disk->last(), node.disk->holds(newest), node.disk->membership().membership});
  if (node.core != nullptr) {
    const core::Log& log = node.core->log();
    const bool has = newest.index <= log.base().last.index || log.matches(newest);
    ends.push_back({log.last(), has, log.membership().membership});
  }
  for (const LogEnd& end : ends) {
    if (end.has_committed) continue;
    const auto would_vote = [&](NodeId id) {
      if (id == node.id) return has_instance(*end.membership, node);
      return std::any_of(nodes.begin(), nodes.end(), [&](const NodeView& voter) {
        return voter.id == id && has_instance(*end.membership, voter) &&
               end.last >= voter.disk->last();
      });
    };
    if (core::has_quorum(*end.membership, would_vote)) {
      violated("C2: electable without the committed " + to_string(newest),
               "node " + to_string(node.id) + " with last entry " + to_string(end.last));
    }
  }
}

// What the core believes to be on disk is there.
void Safety::check_disk(const NodeView& node) const {
  const core::Core& core = *node.core;
  const core::Log& log = core.log();
  const Index stable = log.stable();
  if (stable >= log.base().last.index && node.disk->base().last.index <= stable &&
      node.disk->term_at(stable) != log.term_at(stable)) {
    violated("T2: stable, yet not on disk", core::describe(core));
  }
  if (stable == log.last_index() && !log.has_unstaged() &&
      node.disk->membership().index != core.membership().index) {
    violated("M1: the membership in force is not the newest in the log", core::describe(core));
  }
  if (core.durable_hard_state().term > node.disk->hard_state().term) {
    violated("E4: a term is believed durable that is not", core::describe(core));
  }
}

}  // namespace raft::test
