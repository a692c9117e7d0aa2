#include "sim/calls.hpp"

#include <utility>
#include <vector>

namespace raft::sim {

Calls::Calls(World& world) : world_(world) {
  world_.life_ended = [this](NodeId node) { life_ended(node); };
}

std::uint64_t Calls::begin(NodeId node, const char* what, std::function<void()> given_up,
                           Instant deadline) {
  waiting_.emplace(++last_, Call{node, what, std::move(given_up), deadline});
  return last_;
}

bool Calls::answered(std::uint64_t call) {
  if (waiting_.erase(call) > 0) return true;
  world_.checkers().violated("V3", "a caller is answered twice, or after its process has ended");
  return false;
}

void Calls::life_ended(NodeId node) {
  std::vector<std::function<void()>> given_up;
  std::erase_if(waiting_, [&](auto& item) {
    if (item.second.node != node) return false;
    given_up.push_back(std::move(item.second.given_up));
    return true;
  });
  for (const auto& call : given_up) {
    if (call) call();
  }
}

std::string Calls::unanswered() const {
  std::string text;
  for (const auto& [number, call] : waiting_) {
    if (!text.empty()) text += "; ";
    text += std::string(call.what) + " of node " + to_string(call.node);
  }
  return text;
}

// Whoever stands still cannot answer, and has much to do when it goes on; whose clock has jumped
// knows at its next tick. A read that the machine
// has been given is answered when the machine has looked, whatever the time.
std::string Calls::overdue() const {
  constexpr Duration patience = std::chrono::seconds(1);
  std::string text;
  for (const auto& [number, call] : waiting_) {
    const Node& node = world_.node(call.node);
    if (node.paused_until + patience > world_.now() || node.has_jumped) continue;
    if (call.deadline == replica::never) continue;
    if (node.clock.at(world_.now()) - call.deadline < patience) continue;
    if (!text.empty()) text += "; ";
    text += std::string(call.what) + " of node " + to_string(call.node);
  }
  return text;
}

}  // namespace raft::sim
