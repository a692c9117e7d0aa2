#include "exhaustive/moves.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "exhaustive/cluster_checks.hpp"
#include "exhaustive/reduction.hpp"

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
    make(state, {0, {begin, 0}, {}}, next);
    do {
      state = next;
      actions.clear();
      for (std::size_t node = 0; node < state.nodes.size(); ++node) list_of(state, node, actions);
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
  if (bounds_.is_reduced) return list_of_one(state, actions);
  for (std::size_t node = 0; node < state.nodes.size(); ++node) {
    if (!writes_at_once(state, node)) continue;
    list_inputs(state, node, actions);
    return;
  }
  for (std::size_t node = 0; node < state.nodes.size(); ++node) list_of(state, node, actions);
}

void Moves::list_of(const State& state, std::size_t node, std::vector<Action>& actions) const {
  const std::uint8_t awaited = state.spent.waits_for[node];
  if (awaited == 0 && writes_at_once(state, node)) return list_inputs(state, node, actions);
  list_messages(state, node, actions);
  if (awaited == 0) list_inputs(state, node, actions);
}

void Moves::list_messages(const State& state, std::size_t node,
                          std::vector<Action>& actions) const {
  const Facts& facts = catalog_.facts(state.nodes[node]);
  const std::uint8_t awaited = state.spent.waits_for[node];
  for (std::size_t i = 0; i < state.messages.size(); ++i) {
    const MessageNumber message = state.messages[i];
    const Envelope& envelope = catalog_.envelope(message);
    if (envelope.to != node || (awaited != 0 && awaited != envelope.from + 1)) continue;
    if (i > 0) {
      const MessageNumber before = state.messages[i - 1];
      if (bounds_.in_order ? lane_of(catalog_.envelope(before)) == lane_of(envelope)
                           : before == message) {
        continue;
      }
    }
    if (envelope.is_loss || envelope.is_connect) {
      // Only to a follower of that peer the loss itself matters.
      const bool loses = envelope.is_loss && facts.leader == id_of(envelope.from);
      actions.push_back(
          {node,
           {loses ? InputKind::lose_peer : InputKind::connect_peer, argument(envelope.from + 1u)},
           {}});
      continue;
    }
    actions.push_back({node, {InputKind::deliver, message}, {}});
    if (envelope.asks_for_vote && facts.hears_leader) {
      actions.push_back({node, {InputKind::deliver_late, message}, {}});
    }
  }
}

// The choice of the node must depend on the state alone. Any will do: this one leaves few states,
// as the node has few messages to wait for in vain, and then many to read.
void Moves::list_of_one(const State& state, std::vector<Action>& actions) const {
  Traffic traffic = traffic_of(state, catalog_);
  traffic.may_hand_over = bounds_.transfers > 0 || bounds_.changes > 0;
  for (std::size_t node = 0; node < state.nodes.size(); ++node) {
    actions.clear();
    list_inputs(state, node, actions);
    if (!actions.empty()) traffic.has_inputs |= bit(node);
  }
  actions.clear();
  std::size_t lowest = ~std::size_t{0};
  for (std::size_t node = 0; node < state.nodes.size(); ++node) {
    std::uint8_t waits = 0;
    if (state.spent.waits_for[node] == 0 && !writes_at_once(state, node)) {
      waits = senders_to(node, state, traffic) & ~traffic.senders[node];
    }
    const std::size_t score =
        static_cast<std::size_t>(std::popcount(waits)) * 256 + 255 - traffic.unread[node];
    if (score >= lowest) continue;
    options_.clear();
    list_of(state, node, options_);
    std::erase_if(options_, [&](const Action& action) { return !has_effect(state, action); });
    if (options_.empty()) continue;
    for (std::size_t from = 0; from < state.nodes.size(); ++from) {
      if (waits & bit(from)) options_.push_back({node, {}, from});
    }
    lowest = score;
    std::swap(actions, options_);
  }
}

const Outcome& Moves::react(const State& state, const Action& action) const {
  tried_in_ = &state;
  tried_ = action;
  return catalog_.react(state.nodes[action.node], action.input);
}

bool Moves::has_effect(const State& state, const Action& action) const {
  try {
    const Outcome& outcome = react(state, action);
    return outcome.accepted && (!outcome.changes_nothing || makes_way(action.input.kind));
  } catch (const Violation&) {
    return true;  // It is thrown again when the action is made.
  }
}

bool Moves::makes_way(InputKind kind) const {
  return kind == InputKind::lose_peer ||
         (bounds_.in_order && (kind == InputKind::deliver || kind == InputKind::connect_peer));
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
    actions.push_back({node, {kind, argument(value)}, {}});
  };
  if (writes_at_once(state, node)) return may(InputKind::persist, facts.waiting_batches);
  for (std::size_t count = 1; count <= facts.waiting_batches; ++count) {
    may(InputKind::persist, count);
  }
  const auto timeouts = std::accumulate(spent.timeouts.begin(), spent.timeouts.end(), 0u);
  // A leader waits for no election; its clock matters to check-quorum and to a transfer.
  const bool waits = !facts.leads || bounds_.check_quorum || bounds_.transfers > 0;
  if (waits && spent.timeouts[node] < bounds_.timeouts && timeouts < bounds_.timeouts_of_all) {
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
}

bool Moves::make(const State& state, Action action, State& next) {
  const std::size_t node = action.node;
  if (action.waits_for) {
    next = state;
    next.spent.waits_for[node] = static_cast<std::uint8_t>(*action.waits_for + 1);
    return true;
  }
  const Outcome& outcome = react(state, action);
  if (!outcome.accepted) return false;
  // Whatever can happen without this message, or with less left of the bounds, can also happen
  // with it, unless it makes way for something else.
  if (outcome.changes_nothing && !makes_way(action.input.kind)) return false;
  if (bounds_.is_reduced) check_speaks(catalog_, state, action, outcome);
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
    const std::uint8_t to = catalog_.envelope(sent).to;
    if (next.spent.sends_in_vain[node] & bit(to)) continue;
    if (!catalog_.is_dead(next.nodes[to], sent)) put(sent, next);
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
  const std::size_t peer = action.input.argument - 1u;  // If it is about one.
  Spent& spent = next.spent;
  spent.waits_for[node] = 0;
  const auto take = [&](MessageNumber message) {
    const auto found = std::find(next.messages.begin(), next.messages.end(), message);
    if (found != next.messages.end()) next.messages.erase(found);
  };
  switch (action.input.kind) {
    case InputKind::deliver:
    case InputKind::deliver_late:
      take(action.input.argument);
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
      std::replace(next.messages.begin(), next.messages.end(), catalog_.loss(peer, node),
                   catalog_.connect(peer, node));
      break;
    case InputKind::connect_peer:
      take(catalog_.loss(peer, node));
      take(catalog_.connect(peer, node));
      spent.sends_in_vain[node] &= static_cast<std::uint8_t>(~bit(peer));
      break;
    case InputKind::persist:
      break;
  }
}

// What was on the way to it is lost with its connections, and with --order sent whatever its peers
// go on sending until they notice. What it sent still arrives, and then the news.
void Moves::crashed(std::size_t node, State& next) const {
  std::erase_if(next.messages,
                [&](MessageNumber message) { return catalog_.envelope(message).to == node; });
  next.spent.sends_in_vain[node] = 0;
  for (std::size_t peer = 0; peer < next.nodes.size(); ++peer) {
    if (peer == node) continue;
    const Facts& facts = catalog_.facts(next.nodes[peer]);
    if (bounds_.in_order) {
      next.spent.sends_in_vain[peer] |= bit(node);
    } else if (facts.leader != id_of(node) && !facts.leads) {
      continue;  // It would learn nothing from either.
    }
    put(catalog_.loss(node, peer), next);
  }
}

std::string Moves::describe(const State& state, Action action) const {
  const std::string node = "node " + to_string(id_of(action.node));
  const std::string value = std::to_string(action.input.argument);
  if (action.waits_for) {
    return node + ": nothing happens to it before node " + to_string(id_of(*action.waits_for)) +
           " sends something";
  }
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
