// The user's machine, with an ear at it: what it is given and answers goes to the checkers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include <libraft/sim.hpp>
#include "sim/checkers/checkers.hpp"

namespace raft::sim {

/// By digest, every command, and where it was first executed.
using Executions = std::map<std::uint64_t, Index>;

/// Its captures begin with the last command in them and a digest of the state, so that a restored
/// state can be judged whatever the user's machine is.
class ObservedMachine final : public StateMachine {
 public:
  ObservedMachine(NodeId node, const Subject& subject, Checkers& checkers, Executions& executions,
                  bool may_block)
      : node_(node),
        subject_(subject),
        checkers_(checkers),
        executions_(executions),
        may_block_(may_block),
        machine_(subject.machine()) {}

  const StateMachine& inner() const { return *machine_; }
  /// Of the last command that is in the state.
  Index applied() const { return applied_; }
  /// Compares the state with that of every other node that was at the same command.
  void compare();

  Bytes apply(const AppliedEntry& entry) override;
  std::unique_ptr<SnapshotReader> capture() override;
  Result<void> restore(SnapshotReader& snapshot) override;
  bool may_block() const override { return may_block_; }

 private:
  std::uint64_t digest();

  const NodeId node_;
  const Subject& subject_;
  Checkers& checkers_;
  Executions& executions_;
  const bool may_block_;
  Index applied_;
  std::unique_ptr<StateMachine> machine_;
};

}  // namespace raft::sim
