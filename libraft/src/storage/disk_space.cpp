#include "storage/disk_space.hpp"

#include <cerrno>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "storage/posix.hpp"

namespace raft::storage {
namespace {

std::string reserve_in(const std::string& folder) { return folder + "/reserve"; }

}  // namespace

DiskSpace::DiskSpace(std::string folder, std::uint64_t reserve_bytes)
    : folder_(std::move(folder)), path_(reserve_in(folder_)), reserve_bytes_(reserve_bytes) {
  struct stat status {};
  // One that an earlier life left behind; a part of one, after a crash, is of no use.
  held_ = ::stat(path_.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
          static_cast<std::uint64_t>(status.st_size) == reserve_bytes_ && reserve_bytes_ > 0;
  if (!held_) ::unlink(path_.c_str());
}

std::uint64_t DiskSpace::free_bytes() const {
  struct statvfs space {};
  if (::statvfs(folder_.c_str(), &space) != 0) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(space.f_bavail) * static_cast<std::uint64_t>(space.f_frsize);
}

void DiskSpace::restore_reserve() {
  if (held_ || !possible_ || reserve_bytes_ == 0) return;
  if (free_bytes() / 2 < reserve_bytes_) return;
  const FileDescriptor file(
      ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return;
  // Not posix_fallocate(): where space cannot be set aside, that one writes it out instead.
  if (::fallocate(file.get(), 0, 0, static_cast<off_t>(reserve_bytes_)) == 0) {
    held_ = true;
    return;
  }
  possible_ = errno != EOPNOTSUPP && errno != ENOSYS;
  ::unlink(path_.c_str());
}

bool DiskSpace::give_up_reserve() {
  return std::exchange(held_, false) && ::unlink(path_.c_str()) == 0;
}

bool DiskSpace::give_up_reserve_of(const std::string& folder) {
  return ::unlink(reserve_in(folder).c_str()) == 0;
}

}  // namespace raft::storage
