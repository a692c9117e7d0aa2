// The log of one simulated process, with a disk that takes its time and may fail.
#pragma once

#include <deque>
#include <vector>

#include "core/random.hpp"
#include "replica/ports.hpp"
#include "sim/checkers/disk_view.hpp"
#include "sim/disk.hpp"
#include "sim/effects.hpp"
#include "sim/events.hpp"
#include "storage/log_store.hpp"

namespace raft::sim {

/// How a node's disk behaves at present.
struct DiskWeather {
  std::uint64_t slow = 0;  ///< In permille: a write or sync takes up to a second.
  Duration stalled_until{0};
  bool is_full = false;  ///< Nearly: proposals are refused.
};

/// What one node's disk holds, and what of it was written and not synced, so that after a power cut
/// it is known what must be there.
class Ledger {
 public:
  void wrote(const PersistWork& work) { unsynced_.push_back({work, {}}); }
  void wrote(const SnapshotMeta& base) { unsynced_.push_back({{}, base}); }
  /// All that was written is on the disk for good.
  void synced();
  /// The last so many writes are gone.
  void lost(std::size_t writes);

  DiskView& view() { return view_; }
  const DiskView& view() const { return view_; }
  std::size_t unsynced() const { return unsynced_.size(); }

 private:
  struct Write {
    PersistWork work;
    std::optional<SnapshotMeta> compaction;
  };

  DiskView view_;
  std::deque<Write> unsynced_;  ///< As the engine has them.
};

/// Who wants to know what became of a process' log.
class LogWatch {
 public:
  virtual ~LogWatch() = default;
  /// More of it is on the disk for good.
  virtual void log_synced() = 0;
  /// A write or sync has failed, and the process is told so next.
  virtual void log_failed() = 0;
  /// Entries from here on could not be read for it.
  virtual void log_unread(Index first) = 0;
};

/// Several batches share one sync, as on the storage thread. A crash may come before the write,
/// between write and sync, and between sync and confirmation.
class SimulatedStorage final : public replica::Storage {
 public:
  struct Ports {
    Events& events;
    Loop& loop;
    Disk& disk;
    DiskWeather& weather;
    Ledger& ledger;
    core::Random& random;
    Effects& effects;
    LogWatch& watch;
  };

  SimulatedStorage(storage::LogStore& store, const Ports& ports, bool writes_inline)
      : store_(store), ports_(ports), writes_inline_(writes_inline) {}

  void write(const PersistWork& work, bool may_wait, Done done) override;
  void compact(const SnapshotMeta& base, Done done) override;
  Result<std::vector<EntryPtr>> read(Index first, Index last, std::size_t bytes_max) const override;
  bool is_full() const override { return ports_.weather.is_full || waits_for_space_; }

 private:
  struct Item {
    storage::KvBatch batch;
    bool syncs = false;
    PersistWork work;
    std::optional<SnapshotMeta> compaction;
    Done done;
  };
  struct Confirmation {
    Done done;
    Written written;
  };

  Duration latency();
  void submit(Item item);
  void write_some();
  /// False: there is no space, and it is tried again later.
  bool write_to_engine(Item& item);
  void sync_written();
  Result<void> sync();
  void confirm(std::vector<Item> items, const Result<void>& result);
  void confirm_next();

  storage::LogStore& store_;
  Ports ports_;
  const bool writes_inline_;
  std::deque<Item> queue_;
  std::size_t to_write_ = 0;   ///< Of the queue, under one sync.
  std::vector<Item> written_;  ///< To the engine, and not yet synced.
  bool is_busy_ = false;
  bool waits_for_space_ = false;
  std::size_t unconfirmed_ = 0;  ///< Queued, written or synced, and not yet told.
  std::deque<Confirmation> confirming_;
  Duration last_told_{0};  ///< Batches are confirmed in their order.
};

/// The log as it is, for whoever judges: read whatever script there is for reads.
class WatchedLog final : public replica::Storage {
 public:
  WatchedLog(const storage::LogStore& store, Disk& disk) : store_(store), disk_(disk) {}

  void write(const PersistWork&, bool, Done) override {}
  void compact(const SnapshotMeta&, Done) override {}
  Result<std::vector<EntryPtr>> read(Index first, Index last, std::size_t bytes_max) const override;
  bool is_full() const override { return false; }

 private:
  const storage::LogStore& store_;
  Disk& disk_;
};

class SimulatedWorker final : public replica::Worker {
 public:
  SimulatedWorker(Loop& loop, core::Random& random) : loop_(loop), random_(random) {}

  void run(util::UniqueFunction<void()> job, util::UniqueFunction<void()> done) override;

 private:
  Duration latency();

  Loop& loop_;
  core::Random& random_;
};

}  // namespace raft::sim
