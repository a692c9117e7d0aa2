#include "node/durable_words.hpp"

#include <utility>

#include "node/words.hpp"

namespace test {
namespace {

void put(std::map<raft::Bytes, raft::Bytes>& meta, std::span<const raft::MetaRecord> records) {
  for (const raft::MetaRecord& record : records) {
    if (record.value) {
      meta[record.key] = *record.value;
    } else {
      meta.erase(record.key);
    }
  }
}

}  // namespace

DurableDisk::Contents DurableDisk::read() const {
  const std::lock_guard lock(mutex_);
  return contents_;
}

raft::Index DurableDisk::applied() const {
  const std::lock_guard lock(mutex_);
  return contents_.applied;
}

void DurableDisk::write(const Contents& contents) {
  const std::lock_guard lock(mutex_);
  contents_ = contents;
}

DurableWords::DurableWords(DurableDisk& disk)
    : disk_(disk), committed_(disk.read()), staged_(committed_.words) {}

raft::Bytes DurableWords::apply(const raft::AppliedEntry& entry) {
  if (first_applied_ == raft::Index{}) first_applied_ = entry.index;
  staged_.emplace_back(entry.command);
  return std::to_string(staged_.size());
}

std::unique_ptr<raft::SnapshotReader> DurableWords::capture() { return read_words(staged_); }

raft::Result<void> DurableWords::commit(raft::Index applied,
                                        std::span<const raft::MetaRecord> meta) {
  committed_.applied = applied;
  committed_.words = staged_;
  put(committed_.meta, meta);
  return {};
}

raft::Result<std::vector<raft::MetaRecord>> DurableWords::load_meta() {
  std::vector<raft::MetaRecord> records;
  for (const auto& [key, value] : committed_.meta) records.push_back({key, value});
  return records;
}

void DurableWords::request_durable(raft::Index) { disk_.write(committed_); }

raft::Result<void> DurableWords::restore(raft::SnapshotReader& snapshot, raft::Index applied,
                                         std::span<const raft::MetaRecord> meta) {
  auto words = words_of(snapshot);
  if (!words) return words.error();
  DurableDisk::Contents restored;
  restored.applied = applied;
  restored.words = *std::move(words);
  put(restored.meta, meta);
  disk_.write(restored);
  staged_ = restored.words;
  committed_ = std::move(restored);
  return {};
}

}  // namespace test
