#include "exhaustive/catalog.hpp"

#include <algorithm>

#include "core/describe.hpp"
#include "core/quorum.hpp"
#include "protocol/encoding.hpp"
#include "util/bytes.hpp"
#include "wire/codec.hpp"

namespace raft::exhaustive {
namespace {

std::uint64_t key_of(NodeNumber node, Input input) {
  return std::uint64_t{node} << 32 | std::uint64_t{static_cast<std::uint8_t>(input.kind)} << 28 |
         input.argument;
}

void add_membership(LogFacts& facts, const Membership& membership) {
  core::for_each_incoming(membership, [&](NodeId id) { facts.incoming |= 1u << id.value; });
  core::for_each_outgoing(membership, [&](NodeId id) { facts.outgoing |= 1u << id.value; });
}

}  // namespace

// Terms never fall below the one on disk; what is on the way to a node that crashes is lost. So an
// answer to a request is dead once the request's circumstances are gone for good: a campaign or a
// leadership ends with its term, and a session that ended never begins again.
bool is_dead(const Facts& node, const Message& message) {
  const Term durable = node.durable_term;
  if (message.term > durable) return false;
  if (std::holds_alternative<VoteReply>(message.body)) {
    return !node.campaigns || node.term > message.term;
  }
  if (const auto* reply = std::get_if<PreVoteReply>(&message.body)) {
    return reply->campaign <= durable;
  }
  if (std::holds_alternative<TimeoutNow>(message.body)) return message.term < durable;
  const PeerMark* mark = nullptr;
  if (const auto* body = std::get_if<AppendAccepted>(&message.body)) mark = &body->mark;
  if (const auto* body = std::get_if<AppendRejected>(&message.body)) mark = &body->mark;
  if (const auto* body = std::get_if<HeartbeatReply>(&message.body)) mark = &body->mark;
  if (mark == nullptr) return false;
  const PeerSession session = node.sessions[message.from.value - 1];
  return !node.leads || message.term < durable || session.value == 0 || session != mark->session;
}

Catalog::Catalog(const Bounds& bounds) : bounds_(bounds) {
  for (std::uint8_t from = 0; from < nodes_max; ++from) {
    for (std::uint8_t to = 0; to < nodes_max; ++to) {
      envelopes_.push_back({from, to, false, false, true, false});
      envelopes_.push_back({from, to, false, false, false, true});
    }
  }
  messages_.resize(envelopes_.size());
}

std::vector<NodeNumber> Catalog::first_nodes() {
  std::vector<NodeNumber> first;
  SnapshotMeta base = founding(bounds_);
  for (std::uint64_t id = 1; id <= node_count(bounds_); ++id) {
    if (id > bounds_.nodes) base.membership.membership = std::make_shared<Membership>();
    first_.push_back(std::make_shared<const NodeModel>(bounds_, NodeId{id}, base));
    first.push_back(number_of(first_.back(), {}));
  }
  return first;
}

const Outcome& Catalog::react(NodeNumber node, Input input) {
  const auto [known, fresh] = outcome_numbers_.try_emplace(
      key_of(node, input), static_cast<std::uint32_t>(outcomes_.size()));
  if (!fresh) return outcomes_[known->second];
  Outcome outcome;
  try {
    outcome = compute(node, input);
    if (nodes_[node].twin) compare(node, input, outcome);
  } catch (const Violation&) {
    outcome_numbers_.erase(key_of(node, input));  // So that it is thrown again when replayed.
    throw;
  }
  nodes_[node].inputs.push_back(input);
  outcomes_.push_back(std::move(outcome));
  return outcomes_.back();
}

MessageNumber Catalog::loss(std::size_t from, std::size_t to) const {
  return static_cast<MessageNumber>(2 * (from * nodes_max + to));
}

MessageNumber Catalog::connect(std::size_t from, std::size_t to) const {
  return loss(from, to) + 1;
}

bool Catalog::is_dead(NodeNumber node, MessageNumber message) {
  if (!messages_[message] || !exhaustive::is_dead(facts_[node], *messages_[message])) return false;
  try {
    return react(node, {InputKind::deliver, message}).is_dead;
  } catch (const Violation&) {
    return false;  // It is thrown again when the message arrives, at the end of its path.
  }
}

const Message* Catalog::message_of(Input input) const {
  const bool delivers = input.kind == InputKind::deliver || input.kind == InputKind::deliver_late;
  return delivers ? messages_[input.argument].get() : nullptr;
}

Outcome Catalog::compute(NodeNumber number, Input input) {
  const Message* message = message_of(input);
  auto node = std::make_shared<NodeModel>(*model_of({number, false}));
  const std::size_t witnessed = node->witnessed().size();
  const Reaction reaction = node->react(input, message);
  Outcome outcome;
  outcome.accepted = reaction.accepted;
  for (const Message& sent : reaction.sent) {
    outcome.sent.push_back(number_of(sent));
    outcome.has_news |= std::holds_alternative<AppendAccepted>(sent.body);
  }
  outcome.has_news |= node->witnessed().size() > witnessed;
  outcome.is_dead = message != nullptr && exhaustive::is_dead(facts_[number], *message);
  // A node that did nothing would make a twin that shows nothing.
  const bool is_same = outcome.sent.empty() && fingerprint_of(node->digest()) == digests_[number];
  outcome.next = is_same ? number : number_of(std::move(node), {number, input});
  outcome.changes_nothing = outcome.next == number && outcome.sent.empty();
  if (outcome.is_dead && !outcome.changes_nothing) {
    throw Violation("T6: a message taken for dead has an effect | " + describe(*message));
  }
  return outcome;
}

void Catalog::compare(NodeNumber number, Input input, const Outcome& outcome) {
  NodeModel twin = *model_of({number, true});
  const Reaction reaction = twin.react(input, message_of(input));
  bool equal = reaction.accepted == outcome.accepted &&
               reaction.sent.size() == outcome.sent.size() &&
               fingerprint_of(twin.digest()) == digests_[outcome.next];
  for (std::size_t i = 0; equal && i < reaction.sent.size(); ++i) {
    equal = number_of(reaction.sent[i]) == outcome.sent[i];
  }
  ++compared_;
  if (equal) return;
  throw Violation("the digest misses a difference between two nodes | " +
                  core::describe(model_of({number, false})->core()) + " | " +
                  core::describe(model_of({number, true})->core()));
}

std::shared_ptr<const NodeModel> Catalog::model_of(Which which) const {
  const std::uint64_t key = std::uint64_t{which.node} << 1 | (which.is_twin ? 1u : 0u);
  if (!which.is_twin && which.node < first_.size()) return first_[which.node];
  if (auto known = models_.find(key)) return known;
  const Recipe& recipe = which.is_twin ? *nodes_[which.node].twin : nodes_[which.node].made;
  auto model = std::make_shared<NodeModel>(*model_of({recipe.from, false}));
  model->react(recipe.input, message_of(recipe.input));
  models_.insert(key, model);
  return model;
}

NodeNumber Catalog::number_of(std::shared_ptr<const NodeModel> node, Recipe made) {
  const Fingerprint digest = fingerprint_of(node->digest());
  const auto [known, fresh] =
      node_numbers_.try_emplace(digest, static_cast<NodeNumber>(nodes_.size()));
  const NodeNumber number = known->second;
  if (fresh) {
    facts_.push_back(facts_of(*node));
    digests_.push_back(digest);
    nodes_sum_ += digest.low;
    nodes_.push_back({made, {}, {}});
    models_.insert(std::uint64_t{number} << 1, std::move(node));
  } else if (!nodes_[number].twin) {
    nodes_[number].twin = made;
    models_.insert(std::uint64_t{number} << 1 | 1u, std::move(node));
    for (const Input input : nodes_[number].inputs) {
      compare(number, input, outcomes_[outcome_numbers_.at(key_of(number, input))]);
    }
  }
  return number;
}

MessageNumber Catalog::number_of(const Message& message) {
  Bytes bytes;
  wire::encode(message, bytes);
  const auto [known, fresh] =
      message_numbers_.try_emplace(std::move(bytes), static_cast<MessageNumber>(messages_.size()));
  if (fresh) {
    messages_.push_back(std::make_unique<const Message>(message));
    envelopes_.push_back({static_cast<std::uint8_t>(message.from.value - 1),
                          static_cast<std::uint8_t>(message.to.value - 1),
                          std::holds_alternative<PreVoteRequest>(message.body) ||
                              std::holds_alternative<VoteRequest>(message.body),
                          std::holds_alternative<TimeoutNow>(message.body), false, false});
  }
  return known->second;
}

EntryNumber Catalog::number_of(const Entry& entry) {
  Bytes bytes;
  util::Writer writer(bytes);
  encode(entry, writer);
  return entry_numbers_
      .try_emplace(std::move(bytes), static_cast<EntryNumber>(entry_numbers_.size()))
      .first->second;
}

LogFacts::Place Catalog::place_of(const Entry& entry) { return {entry.term, number_of(entry)}; }

Facts Catalog::facts_of(const NodeModel& node) {
  Facts facts;
  const core::Core& core = node.core();
  facts.id = node.id();
  facts.term = core.term();
  facts.leads = core.is_leader();
  facts.campaigns = core.role() == RoleNow::candidate;
  facts.may_speak_first = core.role() != RoleNow::follower;
  facts.hears_leader = node.hears_leader();
  facts.leader = core.leader();
  facts.waiting_batches = node.waiting_batches();
  facts.durable_term = node.disk().hard_state().term;
  if (const core::Leader* leader = core.leader_state()) {
    for (const auto& [id, peer] : leader->peers) facts.sessions[id.value - 1] = peer.session;
  }
  for (const Led& led : node.led()) {
    facts.led.push_back({led.term, {}});
    for (const EntryPtr& entry : led.log) facts.led.back().log.push_back(place_of(*entry));
  }
  for (const Witnessed& known : node.witnessed()) {
    facts.committed.push_back({place_of(*known.entry), known.seen_in});
  }
  for (Index at{1}; at <= core.log().last_index(); at = at.next()) {
    facts.log.places.push_back(place_of(*node.entry(at)));
  }
  add_membership(facts.log, *core.membership().membership);
  for (Index at{1}; at <= node.disk().last().index; at = at.next()) {
    facts.disk.places.push_back(place_of(*node.disk().entry(at)));
  }
  add_membership(facts.disk, *node.disk().membership().membership);
  return facts;
}

}  // namespace raft::exhaustive
