// Every call into a replica is answered exactly once, or its process ends first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sim/world.hpp"

namespace raft::sim {

class Calls {
 public:
  /// Takes World::life_ended.
  explicit Calls(World& world);

  /// Notes a call of a node's present life, to be answered before `deadline` on that node's clock.
  /// `given_up`: the life ended first.
  std::uint64_t begin(NodeId node, const char* what, std::function<void()> given_up = {},
                      Instant deadline = replica::never);
  /// To be called by every answer. False: there was one before, which is a violation.
  bool answered(std::uint64_t call);

  /// V3: for a person; empty if nobody waits.
  std::string unanswered() const;
  /// V3: those whose deadline has passed by more than a turn or two can take.
  std::string overdue() const;

 private:
  struct Call {
    NodeId node;
    const char* what;
    std::function<void()> given_up;
    Instant deadline;
  };

  void life_ended(NodeId node);

  World& world_;
  std::map<std::uint64_t, Call> waiting_;
  std::uint64_t last_ = 0;
};

}  // namespace raft::sim
