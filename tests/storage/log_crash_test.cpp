// Power cuts at every place of a sequence of batches, compared with a model of what the log was
// after each of them.
#include <algorithm>

#include "core/random.hpp"
#include "log_samples.hpp"
#include "sim/disk.hpp"
#include "storage/log_store.hpp"

namespace raft {
namespace {

using storage::KvBatch;
using storage::LogStore;

constexpr GroupId group{1};

/// The log as a plain value.
struct Model {
  HardState hard_state;
  EntryId base;
  std::vector<EntryPtr> entries;  ///< From base + 1 on.

  Index last() const { return {base.index.value + entries.size()}; }
  Term last_term() const { return entries.empty() ? base.term : entries.back()->term; }
};

struct Step {
  PersistWork work;
  std::optional<SnapshotMeta> compaction;
  bool sync = false;
};

void erase_to(Model& model, EntryId base) {
  const std::uint64_t covered = distance(model.base.index, base.index);
  const auto count =
      static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(covered, model.entries.size()));
  model.entries.erase(model.entries.begin(), model.entries.begin() + count);
  model.base = base;
}

void apply(const Step& step, Model& model) {
  if (step.work.base) model = {model.hard_state, step.work.base->last, {}};
  if (step.work.hard_state) model.hard_state = *step.work.hard_state;
  if (!step.work.entries.empty()) {
    const Index first = step.work.entries.front()->index;
    model.entries.resize(static_cast<std::size_t>(distance(model.base.index, first.prev())));
    model.entries.insert(model.entries.end(), step.work.entries.begin(), step.work.entries.end());
  }
  if (step.compaction) erase_to(model, step.compaction->last);
}

// Something that a core might do next.
Step random_step(const Model& model, core::Random& random) {
  Step step;
  step.sync = random.between(0, 3) != 0;
  HardState next = model.hard_state;
  next.term.value += random.between(next.term.value == 0 ? 1 : 0, 2);
  const std::uint64_t kind = random.between(0, 10);
  if (kind == 0 && model.last() > model.base.index) {
    const std::uint64_t at = random.between(model.base.index.value + 1, model.last().value + 1);
    const std::size_t place = static_cast<std::size_t>(at - model.base.index.value - 1);
    step.compaction = base_at(at, model.entries[place]->term.value);
    return step;
  }
  if (kind == 1) {
    const std::uint64_t at = model.last().value + random.between(1, 50);
    next.term = std::max(next.term, model.last_term());
    step.work = work_of(next, {});
    step.work.base = base_at(at, next.term.value);
    return step;
  }
  // Appends, from behind the commit index on; most often at the end.
  next.commit = std::max(next.commit, model.base.index);
  const std::uint64_t committed = std::max(next.commit, model.base.index).value;
  const std::uint64_t first = random.between(0, 3) == 0
                                  ? random.between(committed + 1, model.last().value + 2)
                                  : model.last().value + 1;
  const std::uint64_t last = first + random.between(0, 60);
  next.commit.value = random.between(committed, std::min(first, last) + 1);
  next.commit = std::min(next.commit, Index{last});
  step.work = work_of(next, entries_from_to(first, last, next.term.value));
  return step;
}

struct Sequence {
  std::vector<Step> steps;
  std::vector<Model> models;  ///< Before each step, and after the last.
};

Sequence make_sequence(std::uint64_t seed, std::size_t length) {
  core::Random random(seed);
  Sequence sequence;
  sequence.models.emplace_back();
  for (std::size_t i = 0; i < length; ++i) {
    sequence.steps.push_back(random_step(sequence.models.back(), random));
    Model next = sequence.models.back();
    apply(sequence.steps.back(), next);
    sequence.models.push_back(std::move(next));
  }
  return sequence;
}

bool agrees(const RecoveredLog& log, const std::vector<EntryPtr>& entries, const Model& model) {
  HardState hard_state = model.hard_state;
  hard_state.commit = std::max(hard_state.commit, model.base.index);
  return log.hard_state == hard_state && log.base.last == model.base && log.last == model.last() &&
         std::equal(entries.begin(), entries.end(), model.entries.begin(), model.entries.end(),
                    [](const EntryPtr& a, const EntryPtr& b) { return *a == *b; });
}

struct Progress {
  std::size_t written = 0;       ///< Steps whose batch the engine took.
  std::size_t acknowledged = 0;  ///< Steps up to the last successful sync.
};

// Runs until the power is cut.
Progress run(const Sequence& sequence, storage::KvEngine& engine) {
  Progress progress;
  LogStore log(engine, group);
  if (!log.recover()) return progress;
  for (const Step& step : sequence.steps) {
    KvBatch batch;
    log.stage(step.work, batch);
    if (step.compaction) log.stage_compaction(*step.compaction, batch);
    if (!engine.write(batch, step.sync)) return progress;
    ++progress.written;
    if (step.sync) progress.acknowledged = progress.written;
  }
  return progress;
}

void check_recovered(storage::KvEngine& engine, const Model& expected) {
  LogStore log(engine, group);
  const RecoveredLog recovered = value_of(log.recover());
  const std::vector<EntryPtr> entries =
      value_of(log.read(recovered.base.last.index.next(), recovered.last, ~std::size_t{0}));
  CHECK(agrees(recovered, entries, expected));
}

}  // namespace

// Would catch: a batch that is not atomic, an acknowledged batch that a power cut takes, a state
// that never was, a torn tail that keeps the node from starting (DU-01, DU-05), and a recovery that
// changes what it finds (DU-16).
TEST_CASE("a power cut leaves the log as it was after some batch, no earlier than acknowledged",
          "[storage][log][crash][DU-01][DU-05][DU-16]") {
  const std::uint64_t seed = GENERATE(range(1u, 13u));
  const Sequence sequence = make_sequence(seed, 25);
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
      check_recovered(disk.engine(), sequence.models[survived]);
      check_recovered(disk.engine(), sequence.models[survived]);
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
  Model model;
  for (int life = 0; life < 12; ++life) {
    LogStore log(disk.engine(), group);
    value_of(log.recover());
    std::vector<Model> models{model};
    std::size_t acknowledged = 0;
    disk.faults().power_off_after(random.between(0, 20));
    for (;;) {
      const Step step = random_step(models.back(), random);
      Model next = models.back();
      apply(step, next);
      KvBatch batch;
      log.stage(step.work, batch);
      if (step.compaction) log.stage_compaction(*step.compaction, batch);
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
    check_recovered(disk.engine(), model);
    model.hard_state.commit = std::max(model.hard_state.commit, model.base.index);
  }
}

}  // namespace raft
