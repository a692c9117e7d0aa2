// Power cuts at every place of a sequence of batches, compared with a model of what the log was
// after each of them.
#include "core/random.hpp"
#include "log_model.hpp"
#include "log_samples.hpp"
#include "sim/disk.hpp"
#include "storage/log_store.hpp"

namespace raft {
namespace {

using storage::KvBatch;
using storage::LogStore;

struct Progress {
  std::size_t written = 0;       ///< Steps whose batch the engine took.
  std::size_t acknowledged = 0;  ///< Steps up to the last successful sync.
};

// Runs until the power is cut.
Progress run(const LogSequence& sequence, storage::KvEngine& engine) {
  Progress progress;
  LogStore log(engine, model_group);
  if (!log.recover()) return progress;
  for (const LogStep& step : sequence.steps) {
    KvBatch batch;
    stage(step, log, batch);
    if (!engine.write(batch, step.sync)) return progress;
    ++progress.written;
    if (step.sync) progress.acknowledged = progress.written;
  }
  return progress;
}

}  // namespace

// Would catch: a batch that is not atomic, an acknowledged batch that a power cut takes, a state
// that never was, a torn tail that keeps the node from starting (DU-01, DU-05), and a recovery that
// changes what it finds (DU-16).
TEST_CASE("a power cut leaves the log as it was after some batch, no earlier than acknowledged",
          "[storage][log][crash][DU-01][DU-05][DU-16]") {
  const std::uint64_t seed = GENERATE(range(1u, 13u));
  const LogSequence sequence = make_sequence(seed, 25);
  std::uint64_t cuts = 0;
  for (bool finished = false; !finished; ++cuts) {
    for (std::size_t kept = 0;; ++kept) {
      sim::Disk disk;
      disk.faults().power_off_after(cuts);
      const Progress progress = run(sequence, disk.engine());
      finished = progress.written == sequence.steps.size() && disk.faults().is_powered();
      const std::size_t unsynced = disk.engine().unsynced();
      REQUIRE(kept <= unsynced);
      disk.faults().power_on();
      disk.engine().recover_keeping(kept);

      // A sync that was cut off leaves its own batch among the un-synced.
      const std::size_t survived = progress.acknowledged + kept;
      INFO("seed " << seed << " cut after " << cuts << " changes, " << kept << " kept");
      REQUIRE(survived < sequence.models.size());
      CHECK(recovers(disk.engine(), sequence.models[survived]));
      CHECK(recovers(disk.engine(), sequence.models[survived]));
      if (kept == unsynced) break;
    }
  }
  CHECK(cuts > sequence.steps.size());
}

// Would catch: a state of the store object that does not survive the restart it was made by, and
// damage that only shows when the next life goes on writing (DU-16).
TEST_CASE("life goes on after any number of power cuts", "[storage][log][crash][DU-16]") {
  const std::uint64_t seed = GENERATE(range(100u, 120u));
  core::Random random(seed);
  sim::Disk disk;
  LogModel model;
  for (int life = 0; life < 12; ++life) {
    LogStore log(disk.engine(), model_group);
    value_of(log.recover());
    std::vector<LogModel> models{model};
    std::size_t acknowledged = 0;
    disk.faults().power_off_after(random.between(0, 20));
    for (;;) {
      const LogStep step = random_step(models.back(), random);
      LogModel next = models.back();
      apply(step, next);
      KvBatch batch;
      stage(step, log, batch);
      const std::uint64_t changes = disk.faults().changes();
      const bool written = disk.engine().write(batch, step.sync).has_value();
      if (written || disk.faults().changes() > changes) models.push_back(next);
      if (!written) break;
      if (step.sync) acknowledged = models.size() - 1;
    }
    const std::size_t unsynced = disk.engine().unsynced();
    REQUIRE(acknowledged + unsynced == models.size() - 1);
    const auto kept = static_cast<std::size_t>(random.between(0, unsynced + 1));
    disk.faults().power_on();
    disk.engine().recover_keeping(kept);
    model = models[acknowledged + kept];
    INFO("seed " << seed << " life " << life);
    CHECK(recovers(disk.engine(), model));
    model.hard_state.commit = std::max(model.hard_state.commit, model.base.index);
  }
}

}  // namespace raft
