// The workload that RocksDB is put through under faults, and what it may give back afterwards.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "disk_journal.hpp"
#include "fault_file_system.hpp"
#include "log_model.hpp"
#include "storage/rocks_engine.hpp"
#include "util/log.hpp"
#include "watched_env.hpp"

namespace raft {

/// Everything that a log goes through: batches of a few bytes and of several blocks, truncations,
/// compactions, installed snapshots. About 5 KiB a step.
LogSequence make_workload(std::size_t steps);

/// A database on a file system that fails on demand; opened, closed and opened again.
class RocksOnFaults {
 public:
  /// A memtable holds this much, the least that RocksDB allows: what is written reaches sorted
  /// files, and files are compacted.
  static constexpr std::size_t small_buffer = std::size_t{64} << 10;

  /// The folder as a power cut left it; nothing in it: a new database.
  explicit RocksOnFaults(std::string folder, const DiskImage& image = {},
                         std::size_t write_buffer_bytes = small_buffer);

  Result<void> open();
  void close() { engine_.reset(); }
  storage::RocksEngine& engine() { return *engine_; }
  FaultFileSystem& files() { return *files_; }
  WatchedEnv& env() { return env_; }

 private:
  const std::string folder_;
  const std::size_t write_buffer_bytes_;
  const std::shared_ptr<FaultFileSystem> files_;
  WatchedEnv env_;
  std::unique_ptr<storage::RocksEngine> engine_;
};

/// Marks of the journal: a step was begun, it was acknowledged.
constexpr int begun_mark(std::size_t step) { return static_cast<int>(step) * 2; }
constexpr int acknowledged_mark(std::size_t step) { return static_cast<int>(step) * 2 + 1; }

/// How far a run has come.
struct Progress {
  std::size_t acknowledged = 0;  ///< Steps: they must be there.
  std::size_t begun = 0;         ///< Steps: the last one may be there.

  void count(const DiskChange& change);
};

/// Writes the steps from `first` to before `last`, with marks; ends at the first error. Every other
/// step finds done what the one before it gave RocksDB to do; the others are written beside that.
Result<void> write_steps(RocksOnFaults& database, const LogSequence& sequence, std::size_t first,
                         std::size_t last, Progress& progress);

/// All keys and values.
Bytes contents(const storage::KvEngine& engine);

/// What may be there after a crash, told by two witnesses that know nothing of RocksDB: the model
/// of a log, and the engine of the simulator in the same situation.
class PossibleStates {
 public:
  explicit PossibleStates(const LogSequence& sequence);

  /// The number of steps that this database shows; absent if it shows something that it must not,
  /// or that the simulated engine never gives back.
  std::optional<std::size_t> find(storage::KvEngine& engine, const Progress& progress) const;

 private:
  const LogSequence& sequence_;
  std::vector<std::vector<Bytes>> simulated_;  ///< By the steps that were acknowledged.
};

/// Makes the folder contain exactly this.
void write_image(const std::string& folder, const DiskImage& image);
DiskImage read_image(const std::string& folder);

}  // namespace raft
