// The loop of one simulated process, as plain as it can be.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "sim/events.hpp"

namespace raft::test {

/// Runs its events until it is destroyed; while it is paused they gather.
class ProcessLoop final : public sim::Loop {
 public:
  explicit ProcessLoop(sim::Events& events) : events_(events) {}

  void after(Duration delay, sim::Events::Function function) override {
    events_.after(delay, [weak = std::weak_ptr(state_), function = std::move(function)]() mutable {
      const auto state = weak.lock();
      if (!state) return;
      if (state->is_paused) {
        state->waiting.push_back(std::move(function));
      } else {
        function();
      }
    });
  }

  void pause() { state_->is_paused = true; }
  void resume() {
    state_->is_paused = false;
    for (auto& function : std::exchange(state_->waiting, {}))
      after(Duration{0}, std::move(function));
  }

 private:
  struct State {
    bool is_paused = false;
    std::vector<sim::Events::Function> waiting;
  };

  sim::Events& events_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace raft::test
