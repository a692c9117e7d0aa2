// One attempt to open a connection.
#pragma once

#include <utility>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "sim/network/stream.hpp"
#include "util/unique_function.hpp"
#include "wire/links/link_environment.hpp"

namespace raft::sim {

struct DialTimes {
  Duration pause{0};    ///< Before anything is done.
  Duration timeout{0};  ///< For the answer.
};

/// Called back once, never from within the call that began it, and not after cancel().
class Dial final : public wire::Dial {
 public:
  using Done = util::UniqueFunction<void(Result<Socket>)>;

  explicit Dial(Done done) : done_(std::move(done)) {}

  void cancel() override { done_ = {}; }
  bool is_over() const { return !done_; }
  /// Too late, the result is dropped, and a socket in it closed.
  void finish(Result<Socket> result) {
    if (Done done = std::exchange(done_, {})) done(std::move(result));
  }

 private:
  Done done_;
};

}  // namespace raft::sim
