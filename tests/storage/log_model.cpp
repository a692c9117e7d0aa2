#include "log_model.hpp"

#include <algorithm>
#include <utility>

namespace raft {
namespace {

void erase_to(LogModel& model, EntryId base) {
  const std::uint64_t covered = distance(model.base.index, base.index);
  const auto count =
      static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(covered, model.entries.size()));
  model.entries.erase(model.entries.begin(), model.entries.begin() + count);
  model.base = base;
}

std::vector<EntryPtr> padded_entries(Index first, Index last, Term term, std::size_t padding) {
  std::vector<EntryPtr> entries = entries_from_to(first.value, last.value, term.value);
  if (padding == 0) return entries;
  for (EntryPtr& entry : entries) {
    Bytes bytes = to_string(entry->id());
    bytes.resize(bytes.size() + padding, '.');
    entry = command_at(entry->index.value, term.value, std::move(bytes));
  }
  return entries;
}

}  // namespace

void apply(const LogStep& step, LogModel& model) {
  if (step.work.base) model = {model.hard_state, step.work.base->last, {}};
  if (step.work.hard_state) model.hard_state = *step.work.hard_state;
  if (!step.work.entries.empty()) {
    const Index first = step.work.entries.front()->index;
    model.entries.resize(static_cast<std::size_t>(distance(model.base.index, first.prev())));
    model.entries.insert(model.entries.end(), step.work.entries.begin(), step.work.entries.end());
  }
  if (step.compaction) erase_to(model, step.compaction->last);
}

LogStep random_step(const LogModel& model, core::Random& random, const StepSize& size) {
  LogStep step;
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
  const std::uint64_t committed = next.commit.value;
  const bool at_the_end = random.between(0, 3) != 0;
  const std::uint64_t end = model.last().value + 1;
  const std::uint64_t first = at_the_end ? end : random.between(committed + 1, end + 1);
  const std::uint64_t last = first + random.between(0, size.entries_max);
  next.commit.value = random.between(committed, std::min(first, last) + 1);
  next.commit = std::min(next.commit, Index{last});
  step.work = work_of(next, padded_entries({first}, {last}, next.term, size.padding));
  return step;
}

LogSequence make_sequence(std::uint64_t seed, std::size_t length,
                          const std::function<StepSize(std::size_t step)>& size_of_step) {
  core::Random random(seed);
  LogSequence sequence;
  sequence.models.emplace_back();
  for (std::size_t i = 0; i < length; ++i) {
    const StepSize size = size_of_step ? size_of_step(i) : StepSize{};
    sequence.steps.push_back(random_step(sequence.models.back(), random, size));
    LogModel next = sequence.models.back();
    apply(sequence.steps.back(), next);
    sequence.models.push_back(std::move(next));
  }
  return sequence;
}

void stage(const LogStep& step, storage::LogStore& log, storage::KvBatch& batch) {
  log.stage(step.work, batch);
  if (step.compaction) log.stage_compaction(*step.compaction, batch);
}

bool recovers(storage::KvEngine& engine, const LogModel& expected) {
  storage::LogStore log(engine, model_group);
  const RecoveredLog recovered = value_of(log.recover());
  const std::vector<EntryPtr> entries =
      value_of(log.read(recovered.base.last.index.next(), recovered.last, ~std::size_t{0}));
  HardState hard_state = expected.hard_state;
  hard_state.commit = std::max(hard_state.commit, expected.base.index);
  return recovered.hard_state == hard_state && recovered.base.last == expected.base &&
         recovered.last == expected.last() &&
         std::equal(entries.begin(), entries.end(), expected.entries.begin(),
                    expected.entries.end(),
                    [](const EntryPtr& a, const EntryPtr& b) { return *a == *b; });
}

}  // namespace raft
