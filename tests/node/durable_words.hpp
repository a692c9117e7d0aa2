// A list of words that survives its process, up to the last flush: a durable machine without files.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <libraft/state_machine.hpp>

namespace test {

/// What is left of a machine after a power cut. Outlives the machines that are made on it.
class DurableDisk {
 public:
  struct Contents {
    raft::Index applied;
    std::vector<std::string> words;
    std::map<raft::Bytes, raft::Bytes> meta;
  };

  Contents read() const;
  raft::Index applied() const;
  void write(const Contents& contents);

 private:
  mutable std::mutex mutex_;
  Contents contents_;
};

/// Appends each command; the reply is how many there are. A commit stays in memory until a flush is
/// asked for, so that a new machine on the same disk finds itself at an earlier index.
class DurableWords final : public raft::DurableStateMachine {
 public:
  explicit DurableWords(DurableDisk& disk);

  raft::Bytes apply(const raft::AppliedEntry& entry) override;
  std::unique_ptr<raft::SnapshotReader> capture() override;
  raft::Result<void> commit(raft::Index applied, std::span<const raft::MetaRecord> meta) override;
  raft::Result<std::vector<raft::MetaRecord>> load_meta() override;
  raft::Index durable_index() const override { return disk_.applied(); }
  void request_durable(raft::Index upto) override;
  raft::Result<void> restore(raft::SnapshotReader& snapshot, raft::Index applied,
                             std::span<const raft::MetaRecord> meta) override;
  bool may_block() const override { return false; }

  const std::vector<std::string>& words() const { return staged_; }
  /// The first index that this machine was given.
  raft::Index first_applied() const { return first_applied_; }

 private:
  DurableDisk& disk_;
  DurableDisk::Contents committed_;
  std::vector<std::string> staged_;  ///< With what apply() did since the last commit.
  raft::Index first_applied_;
};

}  // namespace test
