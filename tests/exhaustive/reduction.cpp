#include "exhaustive/reduction.hpp"

namespace raft::exhaustive {
namespace {

std::uint8_t bit(std::size_t node) { return static_cast<std::uint8_t>(1u << node); }

}  // namespace

Traffic traffic_of(const State& state, const Catalog& catalog) {
  Traffic traffic;
  for (const MessageNumber message : state.messages) {
    const Envelope& envelope = catalog.envelope(message);
    traffic.senders[envelope.to] |= bit(envelope.from);
    ++traffic.unread[envelope.to];
    if (envelope.tells_to_campaign) traffic.speaks_first |= bit(envelope.to);
  }
  for (std::size_t node = 0; node < state.nodes.size(); ++node) {
    if (catalog.facts(state.nodes[node]).may_speak_first) traffic.speaks_first |= bit(node);
  }
  return traffic;
}

std::uint8_t senders_to(std::size_t still, const State& state, const Traffic& traffic) {
  std::uint8_t moving = 0;    // They may do something ...
  std::uint8_t speaking = 0;  // ... and send to whom they did not hear from.
  for (bool has_grown = true; has_grown;) {
    has_grown = false;
    for (std::size_t node = 0; node < state.nodes.size(); ++node) {
      const std::uint8_t before = (moving & bit(node)) | (speaking & bit(node));
      if (node == still || (speaking & bit(node))) continue;
      const std::uint8_t awaited = state.spent.waits_for[node];
      const bool has_inputs = traffic.has_inputs & bit(node);
      std::uint8_t heard = traffic.senders[node] | speaking;
      for (std::size_t from = 0; from < state.nodes.size(); ++from) {
        if ((moving & bit(from)) && (traffic.senders[from] & bit(node))) heard |= bit(from);
      }
      if (awaited != 0) heard &= bit(awaited - 1u);
      heard &= static_cast<std::uint8_t>(~bit(node));
      if (heard == 0 && (awaited != 0 || !has_inputs)) continue;
      moving |= bit(node);
      const bool may_be_told = traffic.may_hand_over && speaking != 0;
      if (has_inputs || may_be_told || (traffic.speaks_first & bit(node))) speaking |= bit(node);
      has_grown |= before != ((moving & bit(node)) | (speaking & bit(node)));
    }
  }
  std::uint8_t senders = speaking;
  for (std::size_t node = 0; node < state.nodes.size(); ++node) {
    if ((moving & bit(node)) && (traffic.senders[node] & bit(still))) senders |= bit(node);
  }
  return senders;
}

void check_speaks(const Catalog& catalog, const State& state, const Action& action,
                  const Outcome& outcome) {
  const InputKind kind = action.input.kind;
  if (kind != InputKind::deliver && kind != InputKind::deliver_late) return;
  const Envelope& envelope = catalog.envelope(action.input.argument);
  if (envelope.tells_to_campaign) return;
  if (catalog.facts(state.nodes[action.node]).may_speak_first) return;
  for (const MessageNumber sent : outcome.sent) {
    if (catalog.envelope(sent).to == envelope.from) continue;
    throw Violation("a follower speaks to whom it was not spoken to | " +
                    describe(catalog.message(sent)));
  }
}

}  // namespace raft::exhaustive
