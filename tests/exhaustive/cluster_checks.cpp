#include "exhaustive/cluster_checks.hpp"

#include <algorithm>
#include <bit>

#include "core/describe.hpp"
#include "core/quorum.hpp"

namespace raft::exhaustive {
namespace {

[[noreturn]] void violated(const std::string& rule, const Catalog& catalog, NodeNumber node) {
  throw Violation(rule + " | " + core::describe(catalog.node(node)->core()));
}

bool is_majority(std::uint32_t who, std::uint32_t half) {
  return std::popcount(who & half) >= std::popcount(half) / 2 + 1;
}

/// A majority of each half. Never without voters.
bool is_quorum(std::uint32_t who, std::uint32_t incoming, std::uint32_t outgoing) {
  return is_majority(who, incoming) && (outgoing == 0 || is_majority(who, outgoing));
}

std::uint32_t bit(NodeId id) { return 1u << id.value; }

// L1 and L4: where two logs have the same term, they are equal up to there.
bool do_match(const LogFacts& a, const LogFacts& b) {
  std::size_t common = std::min(a.places.size(), b.places.size());
  while (common > 0 && a.places[common - 1].term != b.places[common - 1].term) --common;
  return std::equal(a.places.begin(), a.places.begin() + static_cast<std::ptrdiff_t>(common),
                    b.places.begin(),
                    [](const auto& x, const auto& y) { return x.entry == y.entry; });
}

bool holds(const LogFacts& log, std::size_t index, EntryNumber entry) {
  return log.places.size() >= index && log.places[index - 1].entry == entry;
}

/// The longest sequence of entries that any node ever knew to be committed.
const std::vector<Facts::Committed>& committed(const Catalog& catalog, const State& state) {
  const auto longest =
      std::max_element(state.nodes.begin(), state.nodes.end(), [&](NodeNumber a, NodeNumber b) {
        return catalog.facts(a).committed.size() < catalog.facts(b).committed.size();
      });
  return catalog.facts(*longest).committed;
}

void check_pair(const Catalog& catalog, NodeNumber first, NodeNumber second) {
  const Facts& a = catalog.facts(first);
  const Facts& b = catalog.facts(second);
  for (const Facts::Elected& led : a.led) {
    if (std::any_of(b.led.begin(), b.led.end(),
                    [&](const Facts::Elected& other) { return other.term == led.term; })) {
      violated("E1: two leaders in term " + to_string(led.term), catalog, second);
    }
  }
  if (!do_match(a.log, b.log) || !do_match(a.log, b.disk) || !do_match(a.disk, b.log) ||
      !do_match(a.disk, b.disk)) {
    violated("L1: logs differ below an entry that they share", catalog, second);
  }
  for (std::size_t i = 0; i < std::min(a.committed.size(), b.committed.size()); ++i) {
    if (a.committed[i].place.entry != b.committed[i].place.entry) {
      violated("L7: two entries are committed at " + std::to_string(i + 1), catalog, second);
    }
  }
}

/// Entries above one that is lacking are lacking too, so the newest committed one will do.
void check_electable(const Catalog& catalog, const State& state, NodeNumber candidate,
                     const LogFacts& log, std::size_t index, EntryNumber newest) {
  if (holds(log, index, newest)) return;
  std::uint32_t votes = bit(catalog.facts(candidate).id);
  for (const NodeNumber voter : state.nodes) {
    const Facts& facts = catalog.facts(voter);
    if (log.last() >= facts.disk.last()) votes |= bit(facts.id);
  }
  if (is_quorum(votes, log.incoming, log.outgoing)) {
    violated("C2: electable without the entry committed at " + std::to_string(index), catalog,
             candidate);
  }
}

/// Whoever led had, when it was elected, whatever was committed in earlier terms. Asked of the
/// past, so that it does not matter when one node learnt what another one did.
void check_complete(const Catalog& catalog, const State& state) {
  const auto& sequence = committed(catalog, state);
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    Term seen_in = sequence[i].seen_in;
    for (const NodeNumber node : state.nodes) {
      const auto& theirs = catalog.facts(node).committed;
      if (i < theirs.size()) seen_in = std::min(seen_in, theirs[i].seen_in);
    }
    for (const NodeNumber node : state.nodes) {
      for (const Facts::Elected& led : catalog.facts(node).led) {
        if (led.term <= seen_in) continue;
        if (i < led.log.size() && led.log[i].entry == sequence[i].place.entry) continue;
        violated("E13: led without the entry committed at " + std::to_string(i + 1), catalog, node);
      }
    }
  }
}

/// The first to commit anything is its leader, by counting disks.
void check_commit(const Catalog& catalog, const State& before, const State& after,
                  std::size_t node) {
  const NodeNumber number = after.nodes[node];
  const Facts& facts = catalog.facts(number);
  const std::size_t index = facts.committed.size();
  if (index <= committed(catalog, before).size()) return;
  // It may have stepped down with this very commit, if that removed it.
  if (!facts.leads && !catalog.facts(before.nodes[node]).leads) {
    violated("C3: a follower commits before its leader", catalog, number);
  }
  const Facts::Committed& newest = facts.committed.back();
  if (newest.place.term != newest.seen_in) {
    violated("C1: committed by counting an older term", catalog, number);
  }
  std::uint32_t holders = 0;
  for (const NodeNumber other : after.nodes) {
    const Facts& theirs = catalog.facts(other);
    if (holds(theirs.disk, index, newest.place.entry)) holders |= bit(theirs.id);
  }
  if (is_quorum(holders, facts.log.incoming, facts.log.outgoing)) return;
  // The membership that decided may have been followed by another in the same step: a leader
  // leaves a joint membership as soon as it is committed.
  const Membership& decided = *catalog.node(number)->core().log().membership_at({index}).membership;
  std::uint32_t incoming = 0;
  std::uint32_t outgoing = 0;
  core::for_each_incoming(decided, [&](NodeId id) { incoming |= bit(id); });
  core::for_each_outgoing(decided, [&](NodeId id) { outgoing |= bit(id); });
  if (!is_quorum(holders, incoming, outgoing)) {
    violated("C1: no majority of each half has it on disk", catalog, number);
  }
}

/// An acknowledged log is the leader's, as long as it leads.
void check_accepted(const Catalog& catalog, const State& after, NodeNumber sender,
                    const Message& message) {
  const auto* accepted = std::get_if<AppendAccepted>(&message.body);
  if (accepted == nullptr) return;
  const Facts& leader = catalog.facts(after.nodes[message.to.value - 1]);
  const LogFacts& disk = catalog.facts(sender).disk;
  if (!leader.leads || leader.term != message.term) return;
  // In a later term the entries may have been replaced in the same batch.
  if (catalog.facts(sender).durable_term > message.term) return;
  const std::size_t index = accepted->match.value;
  if (index > 0 && (disk.places.size() < index || leader.log.places.size() < index ||
                    disk.places[index - 1].entry != leader.log.places[index - 1].entry)) {
    violated("T2: acknowledges what is not its leader's", catalog, sender);
  }
}

}  // namespace

void check_state(const Catalog& catalog, const State& state) {
  for (std::size_t a = 0; a < state.nodes.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) check_pair(catalog, state.nodes[a], state.nodes[b]);
  }
  check_complete(catalog, state);
  const auto& sequence = committed(catalog, state);
  if (sequence.empty()) return;
  for (const NodeNumber node : state.nodes) {
    const Facts& facts = catalog.facts(node);
    const EntryNumber newest = sequence.back().place.entry;
    check_electable(catalog, state, node, facts.log, sequence.size(), newest);
    check_electable(catalog, state, node, facts.disk, sequence.size(), newest);
  }
}

void check_move(const Catalog& catalog, const State& before, const State& after, std::size_t node,
                const Outcome& outcome) {
  const NodeNumber number = after.nodes[node];
  if (!outcome.has_news) return;
  check_commit(catalog, before, after, node);
  for (const MessageNumber sent : outcome.sent) {
    check_accepted(catalog, after, number, catalog.message(sent));
  }
}

}  // namespace raft::exhaustive
