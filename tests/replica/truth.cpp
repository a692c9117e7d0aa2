#include "replica/truth.hpp"

#include <algorithm>

#include "core/describe.hpp"
#include "protocol/encoding.hpp"
#include "util/bytes.hpp"
#include "util/crc32c.hpp"

namespace raft::test {
namespace {

std::uint64_t chained(std::uint64_t before, const Entry& entry) {
  Bytes bytes;
  util::Writer out(bytes);
  encode(entry, out);
  const std::uint64_t both = (std::uint64_t{util::crc32c(bytes, 1)} << 32) | util::crc32c(bytes);
  return core::Random(before ^ both).next();
}

std::string name(NodeId node) { return "node " + to_string(node); }

}  // namespace

void OnDisk::took(const PersistWork& work) {
  if (work.hard_state) {
    term = work.hard_state->term;
    vote = work.hard_state->vote;
  }
  if (work.base) last = work.base->last.index;
  if (!work.entries.empty()) last = work.entries.back()->index;
}

void Truth::violated(std::string what) {
  if (!violation_) violation_ = std::move(what);
}

// --- replicas ---

void Truth::life_begins(NodeId node, const core::Core& core, const std::vector<EntryPtr>& entries) {
  const View before = std::exchange(views_[node], {});
  View& view = views_[node];
  const EntryId base = core.log().base().last;
  if (base.index.value > 0) {
    const auto known = before.at(base.index);
    const auto committed = committed_.find(base.index);
    if (known && known->term == base.term) {
      view.base_chain = known->chain;
    } else if (committed != committed_.end() && committed->second.term == base.term) {
      view.base_chain = committed->second.chain;
    } else {
      violated(name(node) + " starts on a base that was never committed: " + to_string(base));
    }
  }
  view.base = base;
  for (const EntryPtr& entry : entries) append(node, view, entry);
  if (view.last() != core.log().last_index()) violated(name(node) + " cannot read its own log");

  // D3: what was on the disk before is there, unless an installed snapshot has replaced it.
  const auto held = before.at(before.stable);
  if (held && before.stable >= view.base.index && view.at(before.stable) != held) {
    violated("D3 " + name(node) + " has lost what it had synced up to " + to_string(before.stable));
  }
  if (core.term() < promised_[node]) violated("D3 " + name(node) + " has forgotten its term");
  view.term = core.term();
  view.commit = view.base.index;
  view.stable = core.log().stable();
  observe(node, core);
}

void Truth::observe(NodeId node, const core::Core& core) {
  View& view = views_[node];
  follow_log(node, view, core.log());
  view.stable = core.log().stable();
  if (core.term() < view.term) violated("E5 the term of " + name(node) + " fell");
  view.term = core.term();
  follow_commit(node, view, core);
  if (core.is_leader()) {
    const auto [leader, is_new] = leaders_.emplace(core.term(), node);
    if (leader->second != node) {
      violated("E1 two leaders in term " + to_string(core.term()) + ": " +
               name(leader->second) + " and " + core::describe(core));
    }
  }
}

std::optional<Truth::Place> Truth::View::at(Index index) const {
  if (index == base.index) return Place{base.term, base_chain};
  if (index < base.index || index > last()) return std::nullopt;
  const Link& link = links[index.value - base.index.value - 1];
  return Place{link.entry->term, link.chain};
}

void Truth::move_base(NodeId node, View& view, EntryId base) {
  const auto present = view.at(base.index);
  if (present && present->term == base.term) {
    view.links.erase(view.links.begin(),
                     view.links.begin() +
                         static_cast<std::ptrdiff_t>(distance(view.base.index, base.index)));
    view.base_chain = present->chain;
  } else {
    const auto committed = committed_.find(base.index);
    if (committed == committed_.end() || committed->second.term != base.term) {
      return violated("P1 " + name(node) + " installs what was never committed: " +
                      to_string(base));
    }
    view.links.clear();
    view.base_chain = committed->second.chain;
  }
  view.base = base;
}

// Entries never change, so the newest one that is the same object tells that all below are too.
void Truth::follow_log(NodeId node, View& view, const core::Log& log) {
  if (log.base().last != view.base) move_base(node, view, log.base().last);
  Index kept = std::min(view.last(), log.last_index());
  for (; kept > view.base.index && kept >= log.memory_first(); kept = kept.prev()) {
    const Link& link = view.links[kept.value - view.base.index.value - 1];
    if (log.slice(kept, kept, 1).front() == link.entry) break;
  }
  view.links.resize(distance(view.base.index, kept));
  if (kept == log.last_index()) return;
  if (kept.next() < log.memory_first()) {
    return violated(name(node) + " has entries that nobody saw being appended");
  }
  for (EntryPtr& entry : log.slice(kept.next(), log.last_index(), ~std::size_t{0})) {
    append(node, view, std::move(entry));
  }
}

void Truth::append(NodeId node, View& view, EntryPtr entry) {
  const auto before = view.at(view.last());
  if (entry->index != view.last().next() || entry->term < before->term) {
    return violated("L3 the log of " + name(node) + " is out of shape at " +
                    to_string(entry->id()));
  }
  const std::uint64_t chain = chained(before->chain, *entry);
  const auto [known, is_new] = chains_.emplace(entry->id(), chain);
  if (known->second != chain) {
    violated("L1 " + name(node) + " has another log than others below " + to_string(entry->id()));
  }
  view.links.push_back({std::move(entry), chain});
}

void Truth::follow_commit(NodeId node, View& view, const core::Core& core) {
  const Index commit = core.commit();
  if (commit < view.commit) violated("L5 the commit index of " + name(node) + " fell");
  if (commit <= view.commit) return;
  for (Index index = std::max(view.commit.next(), view.base.index); index <= commit;
       index = index.next()) {
    const auto place = view.at(index);
    if (!place) {
      return violated("L5 " + name(node) + " commits what it does not have: " + to_string(index));
    }
    const auto [known, is_new] = committed_.emplace(index, *place);
    if (known->second != *place) {
      return violated("C5 " + name(node) + " commits another entry at " + to_string(index) + ": " +
                      core::describe(core));
    }
    if (index == view.base.index) continue;
    const EntryPtr& entry = view.links[index.value - view.base.index.value - 1].entry;
    if (entry->membership() != nullptr && index > membership_.index) {
      membership_ = {index, *entry->membership()};
    }
  }
  const bool is_news = core.is_leader() && commit > view.commit;
  view.commit = commit;
  if (is_news) check_holders(view, *core.membership().membership);
}

// C1 and D1: what a leader commits is on the disks of a majority, of both halves while joint.
void Truth::check_holders(const View& leader, const Membership& membership) {
  const auto check = [&](const std::vector<NodeId>& voters) {
    const auto holders = std::count_if(voters.begin(), voters.end(),
                                       [&](NodeId voter) { return holds(voter, leader.commit); });
    if (static_cast<std::size_t>(holders) * 2 <= voters.size()) {
      violated("C1 committed " + to_string(leader.commit) + " is on " + std::to_string(holders) +
               " disks of " + to_string(membership));
    }
  };
  check(membership.voters());
  if (membership.is_joint()) check(membership.outgoing);
}

bool Truth::holds(NodeId node, Index index) const {
  const auto found = views_.find(node);
  if (found == views_.end() || found->second.stable < index) return false;
  if (index < found->second.base.index) return true;
  return found->second.at(index) == committed_.at(index);
}

// D2, in general E3 and E4 and T2: nothing is said that a power cut could make untrue.
void Truth::sends(NodeId node, const Message& message, const OnDisk& disk) {
  const bool is_probe = std::holds_alternative<PreVoteRequest>(message.body);
  if (!is_probe && message.term > disk.term) {
    violated("E4 the term is not on disk: " + describe(message));
  }
  if (!is_probe) promised_[node] = std::max(promised_[node], message.term);
  if (const auto* vote = std::get_if<VoteReply>(&message.body); vote != nullptr && vote->granted) {
    if (disk.term == message.term && disk.vote != message.to) {
      violated("E3 the vote is not on disk: " + describe(message));
    }
    const auto [cast, is_new] = votes_.emplace(std::pair(node, message.term), message.to);
    if (cast->second != message.to) violated("E2 a second vote: " + describe(message));
  }
  if (const auto* accepted = std::get_if<AppendAccepted>(&message.body)) {
    if (accepted->match > disk.last) violated("T2 the match is not on disk: " + describe(message));
  }
}

void Truth::forget(NodeId node) {
  views_.erase(node);
  promised_.erase(node);
  std::erase_if(votes_, [&](const auto& cast) { return cast.first.first == node; });
}

// --- machines ---

void Truth::executed(const Operation& operation, const RegisterState& state, bool again) {
  const std::string number = "operation " + std::to_string(operation.number);
  if (again) violated("D6 executed twice: " + number);
  if (never_.contains(operation.number)) violated("D7 executed although refused: " + number);
  const auto [hash, is_new] = hashes_.emplace(state.last, state.hash);
  if (hash->second != state.hash) violated("D8 machines differ at " + to_string(state.last));
  const OperationReply reply{state.last, state.hash};
  if (replies_.emplace(operation.number, reply).first->second != reply) {
    violated("D6 executed at two places: " + number);
  }
}

void Truth::restored(const RegisterState& state) {
  if (state.last.value == 0) return;
  const auto hash = hashes_.find(state.last);
  if (hash == hashes_.end() || hash->second != state.hash) {
    violated("P3 restored a state that never was, at " + to_string(state.last));
  }
}

// --- clients ---

void Truth::acknowledged(std::uint64_t operation, const Applied& applied) {
  const OperationReply reply = decode_reply(applied.reply);
  const auto known = replies_.find(operation);
  const std::string number = "operation " + std::to_string(operation);
  if (known == replies_.end() || known->second != reply) {
    return violated("D6 a reply that no machine gave, to " + number);
  }
  if (applied.id.index < reply.executed || !committed_.contains(applied.id.index)) {
    violated("D1 acknowledged before it was committed: " + number);
  }
  acknowledged_.insert(operation);
  witness_ = std::max(witness_, reply.executed);
}

void Truth::never(std::uint64_t operation) {
  if (replies_.contains(operation)) {
    violated("D7 refused although executed: operation " + std::to_string(operation));
  }
  never_.insert(operation);
}

void Truth::has_read(Index witness, Index seen) {
  if (seen < witness) {
    violated("D9 a read saw " + to_string(seen) + " although " + to_string(witness) +
             " was known when it began");
  }
  // Whoever reads from now on must see as much.
  witness_ = std::max(witness_, seen);
}

void Truth::check_final(const RegisterState& state) {
  for (const std::uint64_t operation : acknowledged_) {
    const auto found = state.executed.find(operation);
    if (found == state.executed.end() || found->second != replies_.at(operation).executed) {
      violated("D1 acknowledged and lost: operation " + std::to_string(operation));
    }
  }
  for (const std::uint64_t operation : never_) {
    if (state.executed.contains(operation)) {
      violated("D7 refused and executed: operation " + std::to_string(operation));
    }
  }
}

}  // namespace raft::test
