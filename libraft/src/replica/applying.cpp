// Committed entries on their way through the machine, also while it has no space.
#include <algorithm>
#include <utility>

#include "replica/microseconds.hpp"
#include "replica/replica.hpp"
#include "util/assert.hpp"

namespace raft::replica {

void Replica::apply(std::vector<EntryPtr> entries) {
  struct Run {
    std::vector<EntryPtr> entries;
    Result<std::vector<Outcome>> outcomes{std::vector<Outcome>{}};
    Instant begun;
  };
  auto run = std::make_shared<Run>();
  run->entries = std::move(entries);
  run->begun = ports_.driver.now();
  machine_queue_.run([this, run] { run->outcomes = machine_->apply(run->entries); },
                     [this, run] {
                       counters_.apply_us.record(microseconds(ports_.driver.now() - run->begun));
                       applied(std::move(run->entries), std::move(run->outcomes));
                     });
}

void Replica::commit_again() {
  auto outcomes = std::make_shared<Result<std::vector<Outcome>>>(Errc::stopped);
  machine_queue_.run([this, outcomes] { *outcomes = machine_->commit(); },
                     [this, outcomes] { applied({}, std::move(*outcomes)); });
}

/// What was executed without being committed comes first: nobody has been told of it.
void Replica::applied(std::vector<EntryPtr> entries, Result<std::vector<Outcome>> outcomes) {
  if (failure_) return;
  if (!unwritten_.empty()) {
    unwritten_.insert(unwritten_.end(), entries.begin(), entries.end());
    entries = std::exchange(unwritten_, {});
  }
  if (outcomes) {
    machine_is_full_ = false;
    if (!entries.empty()) tell_applied(entries, *std::move(outcomes));
  } else if (outcomes.code() == Errc::storage_full) {
    unwritten_ = std::move(entries);
    machine_is_full(outcomes.error(), [this] { commit_again(); });
  } else {
    fail(outcomes.error());
  }
}

/// No space is a pause, as for the log: nothing that was acknowledged is in danger.
void Replica::machine_is_full(const Error& error, util::UniqueFunction<void()> again) {
  constexpr Duration pause = std::chrono::milliseconds(200);
  if (!std::exchange(machine_is_full_, true)) {
    RAFT_LOG(ports_.log, error, "the state machine waits for space: " + error.detail);
  }
  try_again_ = std::move(again);
  try_again_at_ = ports_.driver.now() + pause;
}

void Replica::tell_applied(const std::vector<EntryPtr>& entries, std::vector<Outcome> outcomes) {
  RAFT_ASSERT(entries.size() == outcomes.size());
  Answers answers;
  Completions completions;
  for (std::size_t at = 0; at < entries.size(); ++at) {
    const Entry& entry = *entries[at];
    sizes_.applied(entry.index, size_of(entry));
    if (const MembershipPtr* membership = entry.membership()) {
      applied_membership_ = {entry.index, *membership};
    }
    changes_.applied(entry.id(), applied_membership_, completions);
    proposals_.applied(std::move(outcomes[at]), answers);
  }
  core_.applied(entries.back()->index);
  tell(answers);
  tell(completions);
  machine_reached(entries.back()->index);
  wake();
}

void Replica::machine_reached(Index index) {
  reached_ = std::max(reached_, index);
  for (Read& read : reads_.take_ready(reached_)) serve(std::move(read));
  fail_if_removed();
}

}  // namespace raft::replica
