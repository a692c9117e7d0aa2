// The state machine of these tests: named values, and a hash over all that was ever applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <libraft/state_machine.hpp>
#include "core/random.hpp"

namespace raft::test {

/// One write. Every operation has a number of its own; a retry has the same.
struct Operation {
  std::uint64_t number = 0;
  Bytes key;
  Bytes value;
};

Bytes encode(const Operation& operation);

/// What an execution answers: where it happened, and the hash of the state behind it. A retry that
/// were executed again, or on another state, would answer something else.
struct OperationReply {
  Index executed;
  std::uint64_t hash = 0;

  bool operator==(const OperationReply&) const = default;
};

OperationReply decode_reply(BytesView bytes);

struct RegisterState {
  std::map<Bytes, Bytes> values;
  std::map<std::uint64_t, Index> executed;  ///< Operations, and where.
  Index last;                               ///< Of the last command executed.
  std::uint64_t hash = 0;
};

/// Hears what the machines do, and judges it.
class MachineWitness {
 public:
  virtual ~MachineWitness() = default;
  /// `again`: this operation was in the state before.
  virtual void executed(const Operation& operation, const RegisterState& state, bool again) = 0;
  virtual void restored(const RegisterState& state) = 0;
  virtual void unreadable(const char* what) = 0;
};

/// How a machine behaves, drawn by seed.
struct MachineTraits {
  bool may_block = true;
  /// So many bytes follow the state in each snapshot, so that it takes several chunks.
  std::size_t padding_bytes = 0;
};

/// Applies operations to a state; both machines are made of it.
class RegisterCore {
 public:
  RegisterCore(MachineWitness& witness, const MachineTraits& traits)
      : witness_(witness), traits_(traits) {}

  const MachineTraits& traits() const { return traits_; }
  Bytes apply(const AppliedEntry& entry, RegisterState& state);
  std::unique_ptr<SnapshotReader> capture(const RegisterState& state) const;
  Result<RegisterState> read(SnapshotReader& snapshot);

 private:
  MachineWitness& witness_;
  const MachineTraits traits_;
};

/// Forgets everything with its process.
class VolatileRegister final : public StateMachine {
 public:
  VolatileRegister(MachineWitness& witness, const MachineTraits& traits) : core_(witness, traits) {}

  const RegisterState& state() const { return state_; }

  Bytes apply(const AppliedEntry& entry) override { return core_.apply(entry, state_); }
  std::unique_ptr<SnapshotReader> capture() override { return core_.capture(state_); }
  Result<void> restore(SnapshotReader& snapshot) override;
  bool may_block() const override { return core_.traits().may_block; }

 private:
  RegisterCore core_;
  RegisterState state_;
};

/// What a durable register has on its disk: committed versions, of which a power cut takes any
/// number of the newest, yet none that was flushed.
class RegisterStore {
 public:
  struct Version {
    RegisterState state;
    std::map<Bytes, Bytes> meta;
    Index applied;
  };

  const Version& newest() const { return versions_.back(); }
  Index durable_index() const { return versions_.front().applied; }
  void commit(Version version);
  /// Everything committed so far survives from now on.
  void flush();
  void replace(Version version);
  /// While there is no space nothing is committed or replaced.
  void set_full(bool full) { full_ = full; }
  bool is_full() const { return full_; }
  /// Commits fail, and what they were to write is lost.
  void set_failing(bool failing) { failing_ = failing; }
  bool is_failing() const { return failing_; }
  void power_cut(core::Random& random);

 private:
  std::deque<Version> versions_{Version{}};  ///< The flushed one first.
  bool full_ = false;
  bool failing_ = false;
};

class DurableRegister final : public DurableStateMachine {
 public:
  DurableRegister(MachineWitness& witness, const MachineTraits& traits, RegisterStore& store)
      : core_(witness, traits), store_(store), state_(store.newest().state) {}

  const RegisterState& state() const { return state_; }
  /// What request_durable() asked for since the last call; whoever drives the machine flushes.
  bool take_flush_wanted() { return std::exchange(flush_wanted_, false); }

  Bytes apply(const AppliedEntry& entry) override;
  std::unique_ptr<SnapshotReader> capture() override { return core_.capture(state_); }
  bool may_block() const override { return core_.traits().may_block; }
  Result<void> commit(Index applied, std::span<const MetaRecord> meta) override;
  Result<std::vector<MetaRecord>> load_meta() override;
  Index durable_index() const override { return store_.durable_index(); }
  void request_durable(Index) override { flush_wanted_ = true; }
  Result<void> restore(SnapshotReader& snapshot, Index applied,
                       std::span<const MetaRecord> meta) override;

 private:
  RegisterCore core_;
  RegisterStore& store_;
  RegisterState state_;
  bool flush_wanted_ = false;
};

}  // namespace raft::test
