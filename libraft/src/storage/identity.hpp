// Who a data directory is. A small checksummed file beside the log, replaced atomically.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "storage/file_system.hpp"

namespace raft::storage {

struct Identity {
  NodeId node;
  InstanceId instance;
  ClusterId cluster;  ///< 0: not yet a member of any.
  BootNumber boot;    ///< Of the present life: counted up and written at each start.
  /// Raft addresses to join through; not empty while joining, so that a restart resumes it.
  std::vector<std::string> joining;

  bool operator==(const Identity&) const = default;
};

/// Absent: there is none. Errors: corrupt names the file and what to do; storage_failed.
Result<std::optional<Identity>> read_identity(const FileSystem& files);

/// Temporary file, sync, rename, directory sync. After an error or a crash the file holds the old
/// identity or the new one, whole. Errors: storage_full, storage_failed.
Result<void> write_identity(FileSystem& files, const Identity& identity);

}  // namespace raft::storage
