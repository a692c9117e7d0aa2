// What stands in a snapshot file around the machine's own bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include "protocol/message.hpp"
#include "storage/file_system.hpp"

namespace raft::storage {

/// A file's head and where the machine's bytes are.
struct SnapshotHead {
  SnapshotMeta meta;
  Bytes records;                    ///< libraft's own state, as begin() got it.
  std::uint64_t machine_begin = 0;  ///< Offsets in the file.
  std::uint64_t machine_end = 0;
};

Bytes encode_snapshot_head(const SnapshotMeta& meta, BytesView records);

/// The bytes that end a file whose other bytes have this CRC32C.
Bytes encode_snapshot_trailer(std::uint32_t crc);

/// Errors, naming the file: corrupt, newer_format.
Result<SnapshotHead> read_snapshot_head(const FileSystem& files, const std::string& name);

/// Reads the whole file and checks its trailer and its head. Errors as above.
Result<SnapshotInfo> verify_snapshot(const FileSystem& files, const std::string& name);

/// The names of a group's files. All digits are there always, so that they sort by index.
std::string snapshot_name(GroupId group, EntryId last);
std::string begun_name(GroupId group, EntryId last);
std::string received_name(GroupId group, const SnapshotInfo& info);

/// What a name of a group's snapshot file says about it.
struct SnapshotName {
  enum class Kind : std::uint8_t { complete, begun, received };

  Kind kind = Kind::complete;
  EntryId last;
};

/// Absent: the file is none of this group's snapshots.
std::optional<SnapshotName> parse_snapshot_name(const std::string& name, GroupId group);

}  // namespace raft::storage
