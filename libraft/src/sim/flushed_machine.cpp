#include "sim/flushed_machine.hpp"

#include <utility>

#include "sim/digest.hpp"
#include "sim/frozen_bytes.hpp"
#include "util/assert.hpp"
#include "util/bytes.hpp"

namespace raft::sim {
namespace {

constexpr std::size_t points_max = 4;
constexpr std::uint64_t told_every = 8;

}  // namespace

void FlushPoints::write(Point point) {
  points_.push_back(std::move(point));
  // What is pushed out reaches the disk: one more point that survives.
  if (points_.size() > points_max) {
    points_.pop_front();
    durable_ = points_.front().applied;
  }
}

void FlushPoints::flush() {
  while (points_.size() > 1) points_.pop_front();
  if (!points_.empty()) durable_ = points_.front().applied;
}

void FlushPoints::replace(Point point) {
  points_.clear();
  points_.push_back(std::move(point));
  flush();
}

bool FlushPoints::power_cut(core::Random& random) {
  const std::size_t before = points_.size();
  const bool has_flushed = durable_.value > 0;
  const std::size_t kept_min = has_flushed ? 1 : 0;
  const std::size_t kept = random.between(kept_min, before + 1);
  points_.resize(kept);
  flush();
  return kept < before;
}

void FlushedMachine::take(std::span<const MetaRecord> meta) {
  for (const MetaRecord& record : meta) {
    if (record.value) {
      meta_.insert_or_assign(record.key, *record.value);
    } else {
      meta_.erase(record.key);
    }
  }
}

void FlushedMachine::tell() {
  Bytes bytes;
  util::Writer out(bytes);
  for (const auto& [key, value] : meta_) {
    out.bytes(key);
    out.bytes(value);
  }
  listener_(applied_, digest_of(bytes));
}

Result<FlushPoints::Point> FlushedMachine::point() {
  Result<Bytes> state = read_all(*machine_.capture());
  if (!state) return state.error();
  return FlushPoints::Point{applied_, *std::move(state), meta_};
}

Result<void> FlushedMachine::commit(Index applied, std::span<const MetaRecord> meta) {
  take(meta);
  applied_ = applied;
  if (applied.value % told_every == 0) tell();
  if (random_.between(0, 8) != 0) return {};
  auto written = point();
  if (!written) return written.error();
  points_.write(*std::move(written));
  return {};
}

Result<void> FlushedMachine::flush() {
  if (points_.empty() || points_.newest().applied < applied_) {
    auto written = point();
    if (!written) return written.error();
    points_.write(*std::move(written));
  }
  points_.flush();
  return {};
}

Result<std::vector<MetaRecord>> FlushedMachine::load_meta() {
  std::vector<MetaRecord> records;
  if (points_.empty()) return records;
  const FlushPoints::Point& newest = points_.newest();
  FrozenBytes state(newest.state);
  if (const auto restored = machine_.restore(state); !restored) return restored.error();
  applied_ = newest.applied;
  meta_ = newest.meta;
  for (const auto& [key, value] : meta_) records.push_back({key, value});
  return records;
}

Result<void> FlushedMachine::restore(SnapshotReader& snapshot, Index applied,
                                     std::span<const MetaRecord> meta) {
  if (const auto restored = machine_.restore(snapshot); !restored) return restored;
  meta_.clear();
  take(meta);
  applied_ = applied;
  auto written = point();
  if (!written) return written.error();
  points_.replace(*std::move(written));
  return {};
}

}  // namespace raft::sim
