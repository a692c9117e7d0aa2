// The two things that every use of the operating system's file calls needs: an owner for
// descriptors, and errors that name the file.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <libraft/error.hpp>

namespace raft::storage {

/// Owns a file descriptor; negative: none.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileDescriptor();

  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  /// Someone else closes it from now on.
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;
};

/// "cannot open data/LOCK: Permission denied". No space and no quota left are storage_full, all
/// else storage_failed.
Error posix_error(int error_number, std::string_view doing, const std::string& path);

/// Makes the folder and what is missing above it, mode 0700, each synced into its parent.
Result<void> make_private_folder(const std::string& path);

}  // namespace raft::storage
