// Makes a durable machine of any machine, whose store forgets at a power cut what it may forget.
#pragma once

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include <libraft/state_machine.hpp>
#include "core/random.hpp"
#include "util/unique_function.hpp"

namespace raft::sim {

/// What a node's own store has on its disk: states that it wrote, of which a power cut may take
/// any of the newest, yet not the one that was flushed.
class FlushPoints {
 public:
  struct Point {
    Index applied;
    Bytes state;  ///< As the machine's capture gave it.
    std::map<Bytes, Bytes> meta;
  };

  bool empty() const { return points_.empty(); }
  const Point& newest() const { return points_.back(); }
  Index durable_index() const { return durable_; }
  void write(Point point);
  /// All that was written survives from now on.
  void flush();
  void replace(Point point);
  /// True if it took something.
  bool power_cut(core::Random& random);

 private:
  std::deque<Point> points_;  ///< The flushed one first, if any was.
  Index durable_;
};

/// Writes a point now and then by itself, as a store does when its memory is full.
class FlushedMachine final : public DurableStateMachine {
 public:
  /// Is told now and then, on all nodes behind the same entries, what stands beside the machine.
  using Listener = util::UniqueFunction<void(Index applied, std::uint64_t meta_digest)>;

  FlushedMachine(StateMachine& machine, FlushPoints& points, std::uint64_t seed, Listener listener)
      : machine_(machine), points_(points), random_(seed), listener_(std::move(listener)) {}

  /// What request_durable() asked for since the last call; whoever drives the machine flushes.
  bool take_flush_wanted() { return std::exchange(flush_wanted_, false); }
  Result<void> flush();

  Bytes apply(const AppliedEntry& entry) override { return machine_.apply(entry); }
  std::unique_ptr<SnapshotReader> capture() override { return machine_.capture(); }
  bool may_block() const override { return machine_.may_block(); }
  Result<void> commit(Index applied, std::span<const MetaRecord> meta) override;
  Result<std::vector<MetaRecord>> load_meta() override;
  Index durable_index() const override { return points_.durable_index(); }
  void request_durable(Index) override { flush_wanted_ = true; }
  Result<void> restore(SnapshotReader& snapshot, Index applied,
                       std::span<const MetaRecord> meta) override;

 private:
  void tell();
  void take(std::span<const MetaRecord> meta);
  Result<FlushPoints::Point> point();

  StateMachine& machine_;
  FlushPoints& points_;
  core::Random random_;
  Listener listener_;
  Index applied_;
  std::map<Bytes, Bytes> meta_;
  bool flush_wanted_ = false;
};

}  // namespace raft::sim
