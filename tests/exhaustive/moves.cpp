#include "exhaustive/moves.hpp"

#include <algorithm>
#include <numeric>

#include "exhaustive/cluster_checks.hpp"

namespace raft::exhaustive {
namespace {

std::uint8_t bit(std::size_t node) { return static_cast<std::uint8_t>(1u << node); }

/// What one node sends another.
unsigned lane_of(const Envelope& envelope) { return envelope.from * 8u + envelope.to; }

NodeId id_of(std::size_t node) { return {node + 1}; }

std::uint32_t argument(std::size_t value) { return static_cast<std::uint32_t>(value); }

}  // namespace

State Moves::first() {
  State state;
  state.nodes = catalog_.first_nodes();
  if (bounds_.starts_led) let_lead(state);
  return state;
}

// Node 1 campaigns, and all that follows is delivered and written; so is what its heartbeat tells.
void Moves::let_lead(State& state) {
  State next;
  std::vector<Action> actions;
  for (const InputKind begin : {InputKind::time_out, InputKind::tick}) {
    make(state, {0, {begin, 0}}, next);
    do {
      state = next;
      list(state, actions);
    } while (std::any_of(actions.begin(), actions.end(), [&](Action action) {
      const InputKind kind = action.input.kind;
      return (kind == InputKind::deliver || kind == InputKind::persist) &&
             make(state, action, next);
    }));
  }
  state.messages.clear();
  state.spent = {};
}

void Moves::list(const State& state, std::vector<Action>& actions) const {
  actions.clear();
  for (std::size_t node = 0; node < state.nodes.size(); ++node) {
    if (!writes_at_once(state, node)) continue;
    const Facts& facts = catalog_.facts(state.nodes[node]);
    actions.push_back({node, {InputKind::persist, argument(facts.waiting_batches)}});
    return;
  }
  for (std::size_t i = 0; i < state.messages.size(); ++i) {
    const MessageNumber message = state.messages[i];
    const Envelope& envelope = catalog_.envelope(message);
    if (i > 0) {
      const MessageNumber before = state.messages[i - 1];
      if (bounds_.in_order ? lane_of(catalog_.envelope(before)) == lane_of(envelope)
                           : before == message) {
        continue;
      }
    }
    actions.push_back({envelope.to, {InputKind::deliver, message}});
    if (envelope.asks_for_vote && catalog_.facts(state.nodes[envelope.to]).hears_leader) {
      actions.push_back({envelope.to, {InputKind::deliver_late, message}});
    }
  }
  for (std::size_t node = 0; node < state.nodes.size(); ++node) list_inputs(state, node, actions);
}

// What waits for the disk of a node that neither leads nor campaigns is only messages, once nobody
// will crash any more. To write at once leaves them to the network, which may keep them as long;
// README.md has the argument.
bool Moves::writes_at_once(const State& state, std::size_t node) const {
  const Facts& facts = catalog_.facts(state.nodes[node]);
  return facts.waiting_batches > 0 && !facts.leads && !facts.campaigns &&
         state.spent.crashes == bounds_.crashes;
}

void Moves::list_inputs(const State& state, std::size_t node, std::vector<Action>& actions) const {
  const Facts& facts = catalog_.facts(state.nodes[node]);
  const Spent& spent = state.spent;
  const auto may = [&](InputKind kind, std::size_t value = 0) {
    actions.push_back({node, {kind, argument(value)}});
  };
  for (std::size_t count = 1; count <= facts.waiting_batches; ++count) {
    may(InputKind::persist, count);
  }
  const auto timeouts = std::accumulate(spent.timeouts.begin(), spent.timeouts.end(), 0u);
  if (spent.timeouts[node] < bounds_.timeouts && timeouts < bounds_.timeouts_of_all) {
    may(InputKind::time_out);
  }
  if (facts.leads) {
    if (spent.ticks < bounds_.ticks) may(InputKind::tick);
    if (spent.proposals < bounds_.proposals) may(InputKind::propose, spent.proposals);
    if (spent.changes < bounds_.changes) may(InputKind::change);
    for (std::size_t to = 0; to < state.nodes.size(); ++to) {
      if (spent.transfers < bounds_.transfers && to != node) may(InputKind::transfer, to + 1);
    }
  }
  if (spent.crashes < bounds_.crashes) {
    for (std::size_t kept = 0; kept <= facts.waiting_batches; ++kept) may(InputKind::crash, kept);
  }
  for (std::size_t peer = 0; peer < state.nodes.size(); ++peer) {
    if (spent.to_lose[node] & bit(peer)) {
      may(InputKind::lose_peer, peer + 1);
    } else if (spent.to_connect[node] & bit(peer)) {
      may(InputKind::connect_peer, peer + 1);
    }
  }
}

bool Moves::make(const State& state, Action action, State& next) {
  const std::size_t node = action.node;
  const Outcome& outcome = catalog_.react(state.nodes[node], action.input);
  if (!outcome.accepted) return false;
  // Whatever can happen without this message, or with less left of the bounds, can also happen
  // with it, unless it makes way for something else.
  const bool makes_way = action.input.kind == InputKind::lose_peer ||
                         (bounds_.in_order && action.input.kind == InputKind::deliver);
  if (outcome.changes_nothing && !makes_way) return false;
  next.nodes = state.nodes;
  next.nodes[node] = outcome.next;
  next.messages = state.messages;
  next.spent = state.spent;
  spend(action, next);
  if (outcome.next != state.nodes[node]) {
    std::erase_if(next.messages, [&](MessageNumber message) {
      return catalog_.envelope(message).to == node && catalog_.is_dead(outcome.next, message);
    });
  }
  for (const MessageNumber sent : outcome.sent) {
    if (!catalog_.is_dead(next.nodes[catalog_.envelope(sent).to], sent)) put(sent, next);
  }
  check_move(catalog_, state, next, node, outcome);
  return true;
}

void Moves::put(MessageNumber message, State& state) const {
  const auto comes_later = [&](MessageNumber a, MessageNumber b) {
    if (!bounds_.in_order) return a < b;
    return lane_of(catalog_.envelope(a)) < lane_of(catalog_.envelope(b));
  };
  auto& messages = state.messages;
  messages.insert(std::upper_bound(messages.begin(), messages.end(), message, comes_later),
                  message);
}

void Moves::spend(Action action, State& next) const {
  const std::size_t node = action.node;
  Spent& spent = next.spent;
  switch (action.input.kind) {
    case InputKind::deliver:
    case InputKind::deliver_late:
      next.messages.erase(
          std::find(next.messages.begin(), next.messages.end(), action.input.argument));
      break;
    case InputKind::tick:
      ++spent.ticks;
      break;
    case InputKind::time_out:
      ++spent.timeouts[node];
      break;
    case InputKind::propose:
      ++spent.proposals;
      break;
    case InputKind::change:
      ++spent.changes;
      break;
    case InputKind::transfer:
      ++spent.transfers;
      break;
    case InputKind::crash:
      ++spent.crashes;
      crashed(node, next);
      break;
    case InputKind::lose_peer:
      spent.to_lose[node] ^= bit(action.input.argument - 1);
      break;
    case InputKind::connect_peer:
      spent.to_connect[node] ^= bit(action.input.argument - 1);
      break;
    case InputKind::persist:
      break;
  }
}

// What was on the way to it is lost with its connections; what it sent may still arrive. A leader
// gives the connection a new number once it is back, and to lose it first would only give it one
// more. To a follower the loss of its leader matters. The others learn nothing from either.
void Moves::crashed(std::size_t node, State& next) const {
  std::erase_if(next.messages,
                [&](MessageNumber message) { return catalog_.envelope(message).to == node; });
  Spent& spent = next.spent;
  spent.to_lose[node] = spent.to_connect[node] = 0;
  for (std::size_t peer = 0; peer < next.nodes.size(); ++peer) {
    if (peer == node) continue;
    const Facts& facts = catalog_.facts(next.nodes[peer]);
    const bool follows = facts.leader == id_of(node);
    if (follows) spent.to_lose[peer] |= bit(node);
    if (follows || facts.leads) spent.to_connect[peer] |= bit(node);
  }
}

std::string Moves::describe(const State& state, Action action) const {
  const std::string node = "node " + to_string(id_of(action.node));
  const std::string value = std::to_string(action.input.argument);
  switch (action.input.kind) {
    case InputKind::deliver:
      return "deliver " + raft::describe(catalog_.message(action.input.argument));
    case InputKind::persist:
      return node + ": " + value + " of " +
             std::to_string(catalog_.facts(state.nodes[action.node]).waiting_batches) +
             " batches reach the disk";
    case InputKind::time_out:
      return node + ": its clock passes every deadline";
    case InputKind::deliver_late:
      return "deliver, long after anything else, " +
             raft::describe(catalog_.message(action.input.argument));
    case InputKind::tick:
      return node + ": ticks";
    case InputKind::propose:
      return node + ": command " + value + " is proposed";
    case InputKind::change:
      return node + ": the change of membership is proposed";
    case InputKind::transfer:
      return node + ": is to hand leadership to node " + value;
    case InputKind::crash:
      return node + ": crashes and restarts; " + value + " batches had reached the disk unnoticed";
    case InputKind::lose_peer:
      return node + ": notices that its connection to node " + value + " broke";
    case InputKind::connect_peer:
      return node + ": is connected to node " + value + " again";
  }
  return "?";
}

}  // namespace raft::exhaustive
