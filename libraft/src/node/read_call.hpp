// A read with a function that may run on a worker while its caller has to be told something else.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include <libraft/error.hpp>
#include "node/call.hpp"

namespace raft::node {

/// The function uses what belongs to its caller, who may take that away once told. So a caller who
/// gives up, or whose node goes, is told when the function cannot run any more: at once, or when it
/// returns if it is just running.
class ReadCall {
 public:
  ReadCall(std::function<void()> function, Call<> call)
      : function_(std::move(function)), call_(std::move(call)) {}

  /// On the machine's thread.
  void run() {
    State expected = State::waiting;
    if (!state_.compare_exchange_strong(expected, State::running)) return;
    const Running running{*this};  // It may throw.
    function_();
  }

  /// On the strand, once.
  void complete(const Result<void>& result) {
    outcome_ = code_of(result);
    if (state_.exchange(State::told) != State::running) call_.complete(outcome_);
  }

 private:
  enum class State { waiting, running, has_run, told };

  /// Its end is the function's.
  struct Running {
    ~Running() {
      State expected = State::running;
      if (!call.state_.compare_exchange_strong(expected, State::has_run)) {
        call.call_.complete(call.outcome_);
      }
    }
    ReadCall& call;
  };

  std::function<void()> function_;
  Call<> call_;
  boost::system::error_code outcome_;  ///< Set before the state is `told`.
  std::atomic<State> state_{State::waiting};
};

}  // namespace raft::node
