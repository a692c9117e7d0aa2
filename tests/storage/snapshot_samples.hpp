// Snapshots for the tests of their files.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "log_samples.hpp"
#include "storage/snapshot_files.hpp"

namespace raft {

constexpr GroupId snapshot_group{1};
constexpr std::uint64_t file_max = std::uint64_t{1} << 30;

/// Several pages, and different for each place in the log.
inline Bytes machine_of(std::uint64_t index, std::size_t size = 20'000) {
  Bytes bytes;
  while (bytes.size() < size) bytes += "state " + std::to_string(index) + " ";
  bytes.resize(size);
  return bytes;
}

inline Result<SnapshotInfo> try_to_save(storage::SnapshotFiles& snapshots, SnapshotMeta meta) {
  Result<std::unique_ptr<storage::SnapshotFiles::Writer>> writer = snapshots.begin(meta, "records");
  if (!writer) return writer.error();
  const Bytes machine = machine_of(meta.last.index.value);
  for (std::size_t at = 0; at < machine.size(); at += 7'000) {
    const Result<void> appended = (*writer)->append(BytesView(machine).substr(at, 7'000));
    if (!appended) return appended.error();
  }
  return (*writer)->finish();
}

inline SnapshotInfo save(storage::SnapshotFiles& snapshots, std::uint64_t index,
                         std::uint64_t term) {
  return value_of(try_to_save(snapshots, base_at(index, term)));
}

/// With a log that every snapshot belongs to.
inline Result<std::optional<SnapshotInfo>> recover(storage::SnapshotFiles& snapshots) {
  return snapshots.recover([](EntryId) { return true; });
}

/// All of the machine's bytes.
inline Bytes read_all(storage::SnapshotFiles::Contents& contents, std::size_t max = 4'096) {
  Bytes all;
  for (;;) {
    const Bytes next = value_of(contents.read(max));
    if (next.empty()) return all;
    REQUIRE(next.size() <= max);
    all += next;
  }
}

inline void check_complete(storage::SnapshotFiles& snapshots, const SnapshotInfo& info) {
  storage::SnapshotFiles::Contents contents = value_of(snapshots.open(info));
  CHECK(contents.meta().last == info.meta.last);
  CHECK(contents.head_records() == "records");
  CHECK(read_all(contents) == machine_of(info.meta.last.index.value));
}

inline bool same(const SnapshotInfo& a, const SnapshotInfo& b) {
  return a.meta.last == b.meta.last && a.bytes == b.bytes && a.crc == b.crc;
}

}  // namespace raft
