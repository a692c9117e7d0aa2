// Visits every state of a small cluster that can be reached within bounds, the nearest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "exhaustive/catalog.hpp"
#include "exhaustive/fingerprint_set.hpp"
#include "exhaustive/moves.hpp"

namespace raft::exhaustive {

struct Progress {
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::size_t waiting = 0;  ///< Found, and not yet gone on from.
  std::size_t depth = 0;
  std::size_t node_states = 0;
  std::size_t reactions = 0;
  std::size_t compared = 0;  ///< Reactions that a second node of the same digest had to repeat.
};

struct Report {
  Progress progress;
  bool is_complete = false;  ///< Nothing within the bounds is left.
  std::optional<std::string> violation;
  std::vector<std::string> path;  ///< To the violation; no path is shorter.
};

class Explorer {
 public:
  explicit Explorer(const Bounds& bounds)
      : bounds_(bounds), catalog_(bounds_), moves_(bounds_, catalog_) {}

  /// Once. Tells how far it is after every so many states.
  Report run(std::size_t states_per_report = 0,
             const std::function<void(const Progress&)>& report = {});

  /// To the action that is being tried: for when it ends the process.
  std::vector<std::string> path_here();

 private:
  /// How a state was reached first: from which one, by which of its actions.
  struct Step {
    std::uint32_t from;
    std::uint16_t action;
  };

  void expand(const State& state);
  void push(const State& state);
  State pop();
  std::vector<std::string> path_to(std::uint32_t state, std::size_t last_action);

  const Bounds bounds_;
  Catalog catalog_;
  Moves moves_;
  FingerprintSet seen_;
  std::vector<Action> actions_;
  State next_;
  std::deque<std::uint32_t> queue_;  ///< States as words, first in, first out.
  std::deque<Step> steps_;           ///< By the number of the state.
  std::uint32_t current_ = 0;        ///< The state that is being gone on from ...
  std::size_t action_ = 0;           ///< ... and the action that is being tried.
  Progress progress_;
};

}  // namespace raft::exhaustive
