#include "exhaustive/explorer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "exhaustive/cluster_checks.hpp"

namespace raft::exhaustive {
namespace {

using SpentWords = std::array<std::uint32_t, (sizeof(Spent) + 3) / 4>;
using SpentBytes = std::array<std::uint8_t, sizeof(Spent)>;
static_assert(std::has_unique_object_representations_v<Spent>);

SpentWords words_of(const Spent& spent) {
  const auto bytes = std::bit_cast<SpentBytes>(spent);
  SpentWords words{};
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

Spent spent_of(const SpentWords& words) {
  SpentBytes bytes{};
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return std::bit_cast<Spent>(bytes);
}

}  // namespace

Fingerprint State::fingerprint() const {
  Fingerprinter fingerprinter;
  for (const NodeNumber node : nodes) fingerprinter.add(node);
  for (const std::uint32_t word : words_of(spent)) fingerprinter.add(word);
  for (const MessageNumber message : messages) fingerprinter.add(message);
  return fingerprinter.finish();
}

Report Explorer::run(std::size_t states_per_report,
                     const std::function<void(const Progress&)>& report) {
  Report result;
  try {
    const State first = moves_.first();
    seen_.insert(first.fingerprint());
    steps_.push_back({0, 0});
    push(first);
    std::size_t layer_end = 1;  // Numbers below are of the present depth.
    for (current_ = 0; current_ < steps_.size() && steps_.size() <= bounds_.states_max;
         ++current_) {
      if (current_ == layer_end) {
        layer_end = steps_.size();
        ++progress_.depth;
      }
      expand(pop());
      progress_.states = steps_.size();
      progress_.waiting = steps_.size() - current_ - 1;
      progress_.node_states = catalog_.nodes();
      progress_.reactions = catalog_.reactions();
      progress_.compared = catalog_.compared();
      if (states_per_report > 0 && (current_ + 1) % states_per_report == 0) report(progress_);
    }
    result.is_complete = progress_.waiting == 0;
  } catch (const Violation& violation) {
    result.violation = violation.what();
    result.path = path_here();
  }
  result.progress = progress_;
  return result;
}

void Explorer::expand(const State& state) {
  moves_.list(state, actions_);
  for (action_ = 0; action_ < actions_.size(); ++action_) {
    if (!moves_.make(state, actions_[action_], next_)) continue;
    ++progress_.transitions;
    if (!seen_.insert(next_.fingerprint())) continue;
    check_state(catalog_, next_);
    steps_.push_back({current_, static_cast<std::uint16_t>(action_)});
    push(next_);
  }
}

void Explorer::push(const State& state) {
  queue_.push_back(static_cast<std::uint32_t>(state.messages.size()));
  queue_.insert(queue_.end(), state.nodes.begin(), state.nodes.end());
  const auto spent = words_of(state.spent);
  queue_.insert(queue_.end(), spent.begin(), spent.end());
  queue_.insert(queue_.end(), state.messages.begin(), state.messages.end());
}

State Explorer::pop() {
  const auto take = [&] {
    const std::uint32_t word = queue_.front();
    queue_.pop_front();
    return word;
  };
  State state;
  state.messages.resize(take());
  state.nodes.resize(node_count(bounds_));
  SpentWords spent;
  std::generate(state.nodes.begin(), state.nodes.end(), take);
  std::generate(spent.begin(), spent.end(), take);
  state.spent = spent_of(spent);
  std::generate(state.messages.begin(), state.messages.end(), take);
  return state;
}

std::vector<std::string> Explorer::path_here() { return path_to(current_, action_); }

// States are numbers only, so the path is walked again from the first one.
std::vector<std::string> Explorer::path_to(std::uint32_t state, std::size_t last_action) {
  std::vector<std::size_t> ordinals{last_action};
  for (; state != 0; state = steps_[state].from) ordinals.push_back(steps_[state].action);
  std::vector<std::string> path;
  if (steps_.empty()) return path;  // On the way to the first state.
  State at = moves_.first();
  State next;
  std::vector<Action> actions;
  while (!ordinals.empty()) {
    moves_.list(at, actions);
    if (ordinals.back() >= actions.size()) break;  // It was not an action that failed.
    const Action action = actions[ordinals.back()];
    ordinals.pop_back();
    path.push_back(moves_.describe(at, action));
    if (ordinals.empty()) break;  // Not tried again: it breaks a rule.
    moves_.make(at, action, next);
    at = next;
  }
  return path;
}

}  // namespace raft::exhaustive
