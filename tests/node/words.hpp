// A machine whose whole state is a list of words: easy to compare, easy to lose.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <libraft/state_machine.hpp>

namespace test {

/// Appends each command; the reply is how many there are. `blocks`: runs on the worker threads.
class Words final : public raft::StateMachine {
 public:
  explicit Words(bool blocks = false) : blocks_(blocks) {}

  raft::Bytes apply(const raft::AppliedEntry& entry) override;
  std::unique_ptr<raft::SnapshotReader> capture() override;
  raft::Result<void> restore(raft::SnapshotReader& snapshot) override;
  bool may_block() const override { return blocks_; }

  const std::vector<std::string>& words() const { return words_; }

 private:
  const bool blocks_;
  std::vector<std::string> words_;
};

/// As a snapshot of them, and back.
std::unique_ptr<raft::SnapshotReader> read_words(const std::vector<std::string>& words);
raft::Result<std::vector<std::string>> words_of(raft::SnapshotReader& snapshot);

}  // namespace test
