#include "sim/simulated_storage.hpp"

#include <algorithm>
#include <utility>

namespace raft::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Duration space_retry = milliseconds(20);

Duration micros(core::Random& random, std::uint64_t low, std::uint64_t high) {
  return microseconds(random.between(low, high));
}

}  // namespace

// --- ledger ---

void Ledger::synced() {
  for (const Write& write : unsynced_) {
    if (write.compaction) {
      view_.compacted(*write.compaction);
    } else {
      view_.synced(write.work);
    }
  }
  unsynced_.clear();
}

void Ledger::lost(std::size_t writes) {
  for (; writes > 0 && !unsynced_.empty(); --writes) unsynced_.pop_back();
}

// --- storage ---

Duration SimulatedStorage::latency() {
  core::Random& random = ports_.random;
  Duration stall{0};
  if (ports_.weather.stalled_until > ports_.events.now()) {
    ports_.effects.hit(Fault::stalled_disk);
    stall = ports_.weather.stalled_until - ports_.events.now();
  }
  if (ports_.weather.slow > 0 && random.between(0, 1000) < ports_.weather.slow) {
    ports_.effects.hit(Fault::slow_disk);
    return stall + micros(random, 20'000, 1'000'000);
  }
  return stall + micros(random, 50, 1'500);
}

void SimulatedStorage::write(const PersistWork& work, bool may_wait, Done done) {
  Item item;
  store_.stage(work, item.batch);
  item.syncs = true;
  item.work.hard_state = work.hard_state;
  item.work.base = work.base;
  item.work.entries = work.entries;
  item.done = std::move(done);
  const bool is_quick =
      ports_.weather.slow == 0 && ports_.weather.stalled_until <= ports_.events.now();
  if (!may_wait && unconfirmed_ == 0 && writes_inline_ && is_quick &&
      ports_.random.between(0, 100) < 60) {
    // Without space it is the queue's business.
    if (write_to_engine(item)) {
      const Result<void> result = sync();
      if (!result) ports_.watch.log_failed();
      item.done({result, microseconds(100)});
      return;
    }
  }
  submit(std::move(item));
}

void SimulatedStorage::compact(const SnapshotMeta& base, Done done) {
  Item item;
  store_.stage_compaction(base, item.batch);
  item.compaction = base;
  item.done = std::move(done);
  submit(std::move(item));
}

void SimulatedStorage::submit(Item item) {
  queue_.push_back(std::move(item));
  ++unconfirmed_;
  if (std::exchange(is_busy_, true)) return;
  const Duration delay = latency();
  ports_.loop.after(delay, [this] { write_some(); });
}

bool SimulatedStorage::write_to_engine(Item& item) {
  storage::KvEngine& engine = ports_.disk.engine();
  if (item.batch.empty()) return true;
  const Result<void> written = engine.write(item.batch, false);
  if (!written && written.code() == Errc::storage_full) {
    ports_.effects.hit(Fault::no_space);
    return false;
  }
  // Any other error stays with the engine: the sync will report it.
  if (!written) return true;
  if (item.compaction) {
    ports_.ledger.wrote(*item.compaction);
  } else {
    ports_.ledger.wrote(item.work);
  }
  return true;
}

void SimulatedStorage::write_some() {
  if (to_write_ == 0) to_write_ = ports_.random.between(1, queue_.size() + 1);
  while (to_write_ > 0) {
    if (!write_to_engine(queue_.front())) {
      waits_for_space_ = true;
      ports_.loop.after(space_retry, [this] {
        static_cast<void>(ports_.disk.engine().resume());
        write_some();
      });
      return;
    }
    --to_write_;
    written_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  waits_for_space_ = false;
  const Duration delay = latency();
  ports_.loop.after(delay, [this] { sync_written(); });
}

void SimulatedStorage::sync_written() {
  const bool syncs =
      std::any_of(written_.begin(), written_.end(), [](const Item& item) { return item.syncs; });
  const Result<void> result = syncs ? sync() : ports_.disk.engine().write({}, false);
  std::vector<Item> written = std::exchange(written_, {});
  is_busy_ = !queue_.empty();
  if (is_busy_) {
    const Duration delay = latency();
    ports_.loop.after(delay, [this] { write_some(); });
  }
  confirm(std::move(written), result);
}

// A sync that lies is believed by the process, and not by the ledger.
Result<void> SimulatedStorage::sync() {
  SimulatedEngine& engine = ports_.disk.engine();
  const Result<void> result = engine.write({}, true);
  if (!result || engine.do_syncs_lie()) return result;
  ports_.ledger.synced();
  ports_.watch.log_synced();
  return result;
}

// At a later moment, all at once or one by one, but in order: also when a paused process wakes up
// and finds them all due.
void SimulatedStorage::confirm(std::vector<Item> items, const Result<void>& result) {
  const Duration now = ports_.events.now();
  const Duration later = now + micros(ports_.random, 0, 200);
  last_told_ = std::max(last_told_, later);
  for (Item& item : items) {
    const Duration delay = last_told_ - now;
    confirming_.push_back({std::move(item.done), {result, milliseconds(1) + delay}});
    ports_.loop.after(delay, [this] { confirm_next(); });
    last_told_ += microseconds(ports_.random.between(0, 5) == 0 ? 300 : 1);
  }
}

void SimulatedStorage::confirm_next() {
  Confirmation next = std::move(confirming_.front());
  confirming_.pop_front();
  --unconfirmed_;
  if (!next.written.result) ports_.watch.log_failed();
  next.done(next.written);
}

Result<std::vector<EntryPtr>> SimulatedStorage::read(Index first, Index last,
                                                     std::size_t bytes_max) const {
  auto entries = store_.read(first, last, bytes_max);
  if (!entries) ports_.watch.log_unread(first);
  return entries;
}

Result<std::vector<EntryPtr>> WatchedLog::read(Index first, Index last,
                                               std::size_t bytes_max) const {
  DiskFaults& faults = disk_.faults();
  const bool do_reads_fail = faults.do_reads_fail();
  faults.set_reads_fail(false);
  auto entries = store_.read(first, last, bytes_max);
  faults.set_reads_fail(do_reads_fail);
  return entries;
}

// --- worker ---

Duration SimulatedWorker::latency() {
  if (random_.between(0, 30) == 0) return micros(random_, 5'000, 150'000);
  return micros(random_, 20, 1'500);
}

void SimulatedWorker::run(util::UniqueFunction<void()> job, util::UniqueFunction<void()> done) {
  const Duration until_run = latency();
  const Duration until_done = latency();
  loop_.after(until_run, [this, until_done, job = std::move(job),
                          done = std::move(done)]() mutable {
    job();
    // What the job holds lives until it is done.
    loop_.after(until_done, [job = std::move(job), done = std::move(done)]() mutable { done(); });
  });
}

}  // namespace raft::sim
