#include "exhaustive/explorer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "exhaustive/cluster_checks.hpp"

namespace raft::exhaustive {
namespace {

using SpentBytes = std::array<std::uint8_t, sizeof(Spent)>;
static_assert(std::has_unique_object_representations_v<Spent>);

/// More steps without a choice than there can be.
constexpr std::size_t forced_max = 10'000;

void add_words(const std::vector<std::uint32_t>& words, std::vector<std::uint8_t>& record) {
  const std::size_t size = record.size();
  record.resize(size + words.size() * sizeof words[0]);
  std::memcpy(record.data() + size, words.data(), words.size() * sizeof words[0]);
}

}  // namespace

std::uint64_t State::fingerprint() const {
  Fingerprinter fingerprinter;
  for (const NodeNumber node : nodes) fingerprinter.add(node);
  for (const std::uint8_t byte : std::bit_cast<SpentBytes>(spent)) fingerprinter.add(byte);
  for (const MessageNumber message : messages) fingerprinter.add(message);
  return fingerprinter.finish().low;
}

Report Explorer::run(std::size_t states_per_report,
                     const std::function<bool(const Progress&)>& report) {
  Report result;
  try {
    const State first = moves_.first();
    seen_.insert(first.fingerprint());
    steps_.push({0, 0});
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
      progress_.node_states_sum = catalog_.nodes_sum();
      progress_.reactions = catalog_.reactions();
      progress_.compared = catalog_.compared();
      if (states_per_report == 0 || (current_ + 1) % states_per_report != 0) continue;
      if (!report(progress_)) break;
    }
    result.is_complete = progress_.waiting == 0;
  } catch (const Violation& violation) {
    result.violation = violation.what();
    walk_here([&](const std::string& line) { result.path.push_back(line); });
  }
  result.progress = progress_;
  return result;
}

void Explorer::expand(const State& state) {
  moves_.list(state, actions_);
  for (action_ = 0; action_ < actions_.size(); ++action_) {
    if (!moves_.make(state, actions_[action_], next_)) continue;
    ++progress_.transitions;
    if (bounds_.is_reduced && !walk_on()) continue;
    if (!seen_.insert(next_.fingerprint())) continue;
    check_state(catalog_, next_);
    steps_.push({current_, static_cast<std::uint16_t>(action_)});
    push(next_);
  }
}

/// To the next state that leaves a choice, past those that need not be remembered as there is only
/// one way on from them. False: it ends before.
bool Explorer::walk_on() {
  for (std::size_t steps = 0; steps < forced_max; ++steps) {
    moves_.list(next_, forced_);
    if (forced_.size() > 1) return true;
    check_state(catalog_, next_);
    if (forced_.empty() || !moves_.make(next_, forced_.front(), after_)) return false;
    std::swap(next_, after_);
    ++progress_.transitions;
  }
  throw Violation("V9: steps without an end");
}

void Explorer::push(const State& state) {
  record_.clear();
  add_words(state.nodes, record_);
  const auto spent = std::bit_cast<SpentBytes>(state.spent);
  record_.insert(record_.end(), spent.begin(), spent.end());
  add_words(state.messages, record_);
  queue_.push(record_);
}

State Explorer::pop() {
  queue_.pop(record_);
  State state;
  const std::uint8_t* at = record_.data();
  const auto take = [&](void* to, std::size_t size) {
    std::memcpy(to, at, size);
    at += size;
  };
  state.nodes.resize(node_count(bounds_));
  const std::size_t nodes_size = state.nodes.size() * sizeof(NodeNumber);
  take(state.nodes.data(), nodes_size);
  SpentBytes spent;
  take(spent.data(), spent.size());
  state.spent = std::bit_cast<Spent>(spent);
  state.messages.resize((record_.size() - nodes_size - spent.size()) / sizeof(MessageNumber));
  take(state.messages.data(), state.messages.size() * sizeof(MessageNumber));
  return state;
}

// States are numbers only, so the path is walked again from the first one. Nothing more is tried
// once a rule is broken.
void Explorer::walk_here(const std::function<void(const std::string&)>& tell) {
  if (steps_.size() == 0) return;  // On the way to the first state.
  std::vector<std::size_t> ordinals{action_};
  for (std::uint32_t state = current_; state != 0;) {
    const Step step = steps_.at(state);
    ordinals.push_back(step.action);
    state = step.from;
  }
  State at = moves_.first();
  std::vector<Action> actions;
  try {
    for (bool is_first = true;; is_first = false) {
      moves_.list(at, actions);
      const bool is_forced = bounds_.is_reduced && actions.size() == 1 && !is_first;
      if (!is_forced && (ordinals.empty() || ordinals.back() >= actions.size())) break;
      const Action action = actions[is_forced ? 0 : ordinals.back()];
      if (!is_forced) ordinals.pop_back();
      tell(moves_.describe(at, action));
      State next;
      if (!moves_.make(at, action, next)) break;
      check_state(catalog_, next);
      at = next;
    }
  } catch (const Violation&) {  // It is known already.
  }
}

}  // namespace raft::exhaustive
