// Named values, each set as a whole: the machine of the command raft-sim.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include <libraft/sim.hpp>
#include <libraft/state_machine.hpp>

namespace raft::sim {

class RegisterMachine final : public StateMachine {
 public:
  /// A reply is the value that was there before.
  Bytes apply(const AppliedEntry& entry) override;
  std::unique_ptr<SnapshotReader> capture() override;
  Result<void> restore(SnapshotReader& snapshot) override;

  std::optional<Bytes> value_of(const Bytes& key) const;

 private:
  std::map<Bytes, Bytes> values_;
};

}  // namespace raft::sim
