// Who a data directory is. A small checksummed file beside the log, replaced atomically.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
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
  /// Raft addresses to join each group through, for as long as this node joins it, so that a
  /// restart resumes it. No list is empty.
  std::map<GroupId, std::vector<std::string>> joining;

  bool operator==(const Identity&) const = default;
};

/// Absent: there is none. Errors: corrupt and newer_format name the file and what to do;
/// storage_failed.
Result<std::optional<Identity>> read_identity(const FileSystem& files);

/// Temporary file, sync, rename, directory sync. After an error or a crash the file holds the old
/// identity or the new one, whole. Errors: storage_full, storage_failed.
Result<void> write_identity(FileSystem& files, const Identity& identity);

/// The identity of a running node.
class IdentityFile {
 public:
  /// Reads the identity, or makes one with `fresh` as its instance and no life so far, and counts
  /// the boot number up, which is not written yet. `has_log`: there is a log beside it, so that a
  /// missing file is a loss. Errors: id_taken, data_missing, those of read_identity() and of
  /// write_identity().
  static Result<IdentityFile> open(FileSystem& files, NodeId node, InstanceId fresh, bool has_log);
  /// Writes what open() has counted: a new life begins. Errors as write_identity().
  Result<void> begin_life() { return change(identity_); }

  const Identity& identity() const { return identity_; }
  /// After an error the old one stands. After storage_failed so it does for good: what a second
  /// sync says about a file whose first one failed means nothing.
  Result<void> change(const Identity& identity);
  /// The first storage_failed of change(), if there was one.
  const std::optional<Error>& final_error() const { return final_error_; }

 private:
  IdentityFile(FileSystem& files, Identity identity)
      : files_(&files), identity_(std::move(identity)) {}

  FileSystem* files_;
  Identity identity_;
  std::optional<Error> final_error_;
};

}  // namespace raft::storage
