// Visits every state of a small cluster that can be reached within bounds, the nearest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "exhaustive/catalog.hpp"
#include "exhaustive/fingerprint_set.hpp"
#include "exhaustive/moves.hpp"
#include "exhaustive/spill.hpp"

namespace raft::exhaustive {

struct Progress {
  std::size_t states = 0;  ///< Reduced, only those that leave a choice.
  std::size_t transitions = 0;
  std::size_t waiting = 0;  ///< Found, and not yet gone on from.
  std::size_t depth = 0;
  std::size_t node_states = 0;
  std::uint64_t node_states_sum = 0;  ///< Equal for equal sets of them.
  std::size_t reactions = 0;
  std::size_t compared = 0;  ///< Reactions that a second node of the same digest had to repeat.
};

struct Report {
  Progress progress;
  bool is_complete = false;  ///< Nothing within the bounds is left.
  std::optional<std::string> violation;
  /// To the violation. No path is shorter, or if reduced, none has fewer choices.
  std::vector<std::string> path;
};

class Explorer {
 public:
  explicit Explorer(const Bounds& bounds)
      : bounds_(bounds), catalog_(bounds_), moves_(bounds_, catalog_) {}

  /// Once. Tells how far it is after every so many states, and stops if the answer is false.
  Report run(std::size_t states_per_report = 0,
             const std::function<bool(const Progress&)>& report = {});

  /// What a node was given last.
  std::string tried() const { return moves_.describe_tried(); }

  /// The way to the action that is being tried, each step told before it is made again: one that
  /// fails an assertion of the core ends the process.
  void walk_here(const std::function<void(const std::string&)>& tell);

 private:
  void expand(const State& state);
  bool walk_on();
  void push(const State& state);
  State pop();

  const Bounds bounds_;
  Catalog catalog_;
  Moves moves_;
  FingerprintSet seen_;
  std::vector<Action> actions_;
  std::vector<Action> forced_;
  State next_;
  State after_;
  SpillQueue queue_;  ///< States as bytes.
  SpillSteps steps_;
  std::vector<std::uint8_t> record_;
  std::uint32_t current_ = 0;  ///< The state that is being gone on from ...
  std::size_t action_ = 0;     ///< ... and the action that is being tried.
  Progress progress_;
};

}  // namespace raft::exhaustive
