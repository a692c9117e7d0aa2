// The few file operations that snapshots and the identity need; POSIX in production, with crash
// rules in the simulator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>

namespace raft::storage {

/// The files of one folder. Names are relative to it and never contain a slash. What is written
/// survives a power cut once the writer was synced; a name that was made, changed or removed does
/// so once the folder was synced. Any number of threads, as long as no two change the same file.
///
/// Errors of all: storage_full (never from a sync, and what was not written can be written again
/// once there is space) and storage_failed; the detail names the file.
class FileSystem {
 public:
  /// A file being written from front to back. One thread at a time.
  class Writer {
   public:
    virtual ~Writer() = default;
    /// All of the bytes, or an error; then an unknown part of them was written.
    virtual Result<void> append(BytesView bytes) = 0;
    virtual Result<void> sync() = 0;
  };

  virtual ~FileSystem() = default;

  /// An empty file of this name, whatever was there before.
  virtual Result<std::unique_ptr<Writer>> create(const std::string& name) = 0;
  /// Goes on at the end of a file that is there.
  virtual Result<std::unique_ptr<Writer>> reopen(const std::string& name) = 0;
  /// Up to `max` bytes at `offset`; fewer only at the end. corrupt: no such file.
  virtual Result<Bytes> read(const std::string& name, std::uint64_t offset,
                             std::size_t max) const = 0;
  /// Replaces `to` in one step.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& name) = 0;  ///< No error if it is not there.
  virtual Result<void> sync_folder() = 0;
  virtual Result<std::vector<std::string>> list() const = 0;  ///< Ascending; no folders.
  virtual Result<std::uint64_t> size(const std::string& name) const = 0;  ///< As read().
  /// Bytes that may still be written. Unknown counts as plenty.
  virtual std::uint64_t free_bytes() const = 0;

  /// What people know the file by, for messages.
  virtual std::string path_of(const std::string& name) const = 0;
};

}  // namespace raft::storage
