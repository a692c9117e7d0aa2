// Snapshot files: written under a temporary name, checksummed, synced, renamed, directory synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include <libraft/state_machine.hpp>
#include "protocol/message.hpp"
#include "storage/file_system.hpp"
#include "storage/snapshot_format.hpp"

namespace raft::storage {

/// Byte for byte, as far as a checksum can tell.
bool is_same_file(const SnapshotInfo& a, const SnapshotInfo& b);

/// The files of one group. A file is libraft's head (SnapshotMeta and meta records), the machine's
/// bytes, and a trailing checksum; `SnapshotInfo` counts and sums all of it. Methods may block and
/// run on worker threads; one thread at a time, except read_at() and the reading of Contents.
class SnapshotFiles {
 public:
  class Writer;
  class Contents;

  SnapshotFiles(FileSystem& files, GroupId group) : files_(files), group_(group) {}

  /// Whether a snapshot of this last entry is part of the log's history.
  using Predicate = std::function<bool(EntryId)>;

  /// Verifies the newest complete snapshot that belongs to the log and makes its name durable, then
  /// removes all others, and temporary files that can no longer be completed: a receive above it is
  /// kept for receive().
  /// A file that was received but not yet installed when the node stopped does not belong. Newest
  /// is the highest index, whatever the term. The log begins behind `base`, so that with one above
  /// 0 a snapshot must reach it. Absent: there is none. Errors: corrupt and newer_format name
  /// the file, data_missing the index that none reaches; then nothing was removed.
  Result<std::optional<SnapshotInfo>> recover(const Predicate& belongs, Index base = {});

  /// Begins a snapshot of the own machine: the head first, then append(), then finish().
  Result<std::unique_ptr<Writer>> begin(const SnapshotMeta& meta, BytesView head_records);

  /// Begins to receive the very file of another node, byte for byte, or goes on with what came of
  /// it before: at Writer::bytes_written(). That is all of it if the finished file is there. A
  /// receive of any other file is given up. storage_full: what is to come would leave the log less
  /// than low_space_bytes; nothing of the file is kept.
  Result<std::unique_ptr<Writer>> receive(const SnapshotInfo& info);

  /// Bytes of the finished file for a peer. Empty past the end. corrupt: it is no longer there.
  Result<Bytes> read_at(const SnapshotInfo& info, std::uint64_t offset, std::size_t max) const;

  /// A reader over the machine's bytes; the checksum was verified when the file was finished.
  Result<Contents> open(const SnapshotInfo& info) const;

  /// Removes every finished snapshot below `keep`.
  Result<void> remove_below(Index keep);

 private:
  Result<void> remove_receives_except(const std::string& kept);
  bool is_finished(const std::string& name, const SnapshotInfo& info) const;

  FileSystem& files_;
  const GroupId group_;
};

/// A snapshot being written here, from the machine or from the leader. Without a successful
/// finish() its destructor removes what the machine wrote, and keeps what was received, unless
/// there was no space for it: the log needs that more.
class SnapshotFiles::Writer {
 public:
  /// What is written and under which name it ends. `announced`: it comes from another node.
  struct Target {
    std::string temporary;
    std::string name;
    SnapshotMeta meta;
    std::optional<SnapshotInfo> announced;
  };

  /// Goes on behind the `bytes` that are in the temporary file; without a `file` the finished one
  /// is there, and verified. SnapshotFiles makes writers.
  Writer(FileSystem& files, std::unique_ptr<FileSystem::Writer> file, Target target,
         std::uint64_t bytes);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// The next bytes. Errors: storage_full and storage_failed end this writer; corrupt: more than
  /// was announced. What is received finds no space already when the log is nearly out of it.
  Result<void> append(BytesView bytes);

  /// Makes the file complete, checked, durable and visible to the others. Errors: as append();
  /// corrupt: what was received is not what was announced, and is removed.
  Result<SnapshotInfo> finish();

  /// In the file, its head included: where a receive goes on.
  std::uint64_t bytes_written() const { return bytes_; }

 private:
  Result<SnapshotInfo> complete();
  Result<SnapshotInfo> verify_received();
  Result<void> write(BytesView bytes);
  Result<void> give_up(Error error);

  FileSystem& files_;
  std::unique_ptr<FileSystem::Writer> file_;
  const Target target_;

  std::uint64_t bytes_;
  std::uint32_t crc_ = 0;  ///< Of what the machine wrote; a received file is summed at its end.
  bool failed_ = false;    ///< An unknown part of an append was written: nothing may follow it.
  bool finished_ = false;
};

/// The machine's part of a finished file, from front to back. Opened at one time, it may be read by
/// one thread at a time while the other files change.
class SnapshotFiles::Contents final : public SnapshotReader {
 public:
  Contents(const FileSystem& files, std::string name, SnapshotHead head);

  const SnapshotMeta& meta() const { return head_.meta; }
  /// As begin() got them.
  BytesView head_records() const { return head_.records; }
  /// The machine's bytes that were not yet read.
  std::uint64_t remaining() const { return head_.machine_end - offset_; }

  Result<Bytes> read(std::size_t max) override;

 private:
  const FileSystem* files_;
  std::string name_;
  SnapshotHead head_;
  std::uint64_t offset_;
};

}  // namespace raft::storage
