// A log as a plain value, and random sequences of what a core may do to it: what a store must give
// back after a crash is decided here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/random.hpp"
#include "log_samples.hpp"
#include "storage/kv_engine.hpp"
#include "storage/log_store.hpp"

namespace raft {

inline constexpr GroupId model_group{1};

struct LogModel {
  HardState hard_state;
  EntryId base;
  std::vector<EntryPtr> entries;  ///< From base + 1 on.

  Index last() const { return {base.index.value + entries.size()}; }
  Term last_term() const { return entries.empty() ? base.term : entries.back()->term; }
};

/// One batch.
struct LogStep {
  PersistWork work;
  std::optional<SnapshotMeta> compaction;
  bool sync = false;
};

/// How much a step that appends may write.
struct StepSize {
  std::uint64_t entries_max = 60;
  std::size_t padding = 0;  ///< Bytes that are added to each entry.
};

/// Something that a core might do next: append, overwrite a suffix, compact, install a snapshot.
LogStep random_step(const LogModel& model, core::Random& random, const StepSize& size = {});

void apply(const LogStep& step, LogModel& model);

struct LogSequence {
  std::vector<LogStep> steps;
  std::vector<LogModel> models;  ///< Before each step, and after the last.
};

LogSequence make_sequence(std::uint64_t seed, std::size_t length,
                          const std::function<StepSize(std::size_t step)>& size_of_step = {});

/// Adds what the step does to the batch.
void stage(const LogStep& step, storage::LogStore& log, storage::KvBatch& batch);

/// Whether a recovery gives back exactly this log. Recovering must succeed.
bool recovers(storage::KvEngine& engine, const LogModel& expected);

}  // namespace raft
