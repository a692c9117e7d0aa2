// A KvEngine in memory with the crash rules of a write-ahead log.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "core/random.hpp"
#include "sim/disk_faults.hpp"
#include "storage/kv_engine.hpp"

namespace raft::sim {

/// Batches are atomic and ordered: after a power cut all synced ones are there and any number of
/// the following ones, without a gap. Deterministic and single-threaded; scan() must not be left
/// for a write.
class SimulatedEngine final : public storage::KvEngine {
 public:
  /// The faults must outlive the engine.
  explicit SimulatedEngine(DiskFaults& faults) : faults_(faults) {}

  Result<void> write(const storage::KvBatch& batch, bool sync) override;
  Result<std::optional<Bytes>> get(BytesView key) const override;
  Result<void> scan(
      BytesView first, BytesView last,
      const std::function<bool(BytesView key, BytesView value)>& visit) const override;
  Result<void> resume() override;

  /// What is there after a power cut: a seeded number of the batches that were not synced. Returns
  /// how many are lost.
  std::size_t recover(core::Random& random);
  /// The same with a number of the caller's choice, at most unsynced().
  void recover_keeping(std::size_t batches);
  /// A sync failed, and by script the later ones succeed and do nothing until the power goes off:
  /// worse than what an engine promises, so that whoever goes on after an error is found out.
  bool do_syncs_lie() const { return syncs_lie_; }
  /// Batches that a power cut may take.
  std::size_t unsynced() const { return unsynced_.size(); }

  /// What is synced, and nothing else.
  using Backup = std::map<Bytes, Bytes, std::less<>>;
  const Backup& backup() const { return durable_; }
  void restore(const Backup& backup);

  /// Changes what is stored behind the back of everyone, synced or not: rot, a write that went to
  /// the wrong place (`value`) or to nowhere (absent).
  void damage(BytesView key, std::optional<Bytes> value);
  /// Flips one bit of the value; `bit` counts from its front and wraps round.
  void rot(BytesView key, std::size_t bit);

 private:
  using Map = Backup;

  static void apply(const storage::KvBatch& batch, Map& map);
  Result<void> fail(const Error& error);

  DiskFaults& faults_;
  Map visible_;
  Map durable_;                             ///< Without the batches that follow.
  std::vector<storage::KvBatch> unsynced_;  ///< In the order of their writes.
  std::optional<Error> final_error_;
  bool syncs_lie_ = false;
  bool must_resume_ = false;  ///< A write found no space.
};

}  // namespace raft::sim
