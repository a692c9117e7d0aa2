// A data directory belongs to one process at a time.
#pragma once

#include <string>

#include <libraft/error.hpp>
#include "storage/posix.hpp"

namespace raft::storage {

/// Holds the file LOCK in a folder with flock(2): the kernel lets go of it when the process ends,
/// however it ends, so that a lock left behind by a crash is none.
class DirectoryLock {
 public:
  /// Makes the folder, mode 0700, if it is missing. Errors: busy names the process that holds it;
  /// invalid_argument: everyone may write to the folder; storage_full, storage_failed.
  static Result<DirectoryLock> acquire(const std::string& folder);

 private:
  explicit DirectoryLock(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace raft::storage
