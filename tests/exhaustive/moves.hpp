// What may happen next in a state of the cluster, and what it leads to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exhaustive/bounds.hpp"
#include "exhaustive/catalog.hpp"
#include "exhaustive/state.hpp"

namespace raft::exhaustive {

class Moves {
 public:
  Moves(const Bounds& bounds, Catalog& catalog) : bounds_(bounds), catalog_(catalog) {}

  /// Before anything happened, or with a leader if the bounds say so.
  State first();
  /// All actions that the bounds permit, in an order that depends on the state alone.
  void list(const State& state, std::vector<Action>& actions) const;
  /// False if the action is refused, or leads to a state from which nothing can happen that cannot
  /// happen from this one. Throws Violation if a rule is broken on the way.
  bool make(const State& state, Action action, State& next);
  /// "deliver 2>1 t5 vote reply granted".
  std::string describe(const State& state, Action action) const;
  /// What a node was given last, for when that ended the process.
  std::string describe_tried() const { return tried_ ? describe(*tried_in_, *tried_) : "nothing"; }

 private:
  bool writes_at_once(const State& state, std::size_t node) const;
  void list_of(const State& state, std::size_t node, std::vector<Action>& actions) const;
  void list_messages(const State& state, std::size_t node, std::vector<Action>& actions) const;
  void list_inputs(const State& state, std::size_t node, std::vector<Action>& actions) const;
  void list_of_one(const State& state, std::vector<Action>& actions) const;
  const Outcome& react(const State& state, const Action& action) const;
  bool has_effect(const State& state, const Action& action) const;
  bool makes_way(InputKind kind) const;
  void spend(Action action, State& next) const;
  void crashed(std::size_t node, State& next) const;
  void put(MessageNumber message, State& state) const;
  void let_lead(State& state);

  const Bounds& bounds_;
  Catalog& catalog_;
  mutable std::vector<Action> options_;  ///< Kept for its memory only.
  mutable const State* tried_in_ = nullptr;
  mutable std::optional<Action> tried_;
};

}  // namespace raft::exhaustive
