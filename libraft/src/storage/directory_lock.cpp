#include "storage/directory_lock.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raft::storage {
namespace {

Error held_by_another(const FileDescriptor& file, const std::string& folder) {
  std::array<char, 32> process{};
  const ssize_t size = ::pread(file.get(), process.data(), process.size(), 0);
  std::string who = "another process";
  if (size > 0) who = "process " + std::string(process.data(), static_cast<std::size_t>(size));
  return {Errc::busy, "data directory " + folder + " is in use by " + who};
}

// Only a courtesy to whoever is refused: a failure here takes nothing from the lock.
void write_process(const FileDescriptor& file) {
  const std::string process = std::to_string(::getpid());
  if (::ftruncate(file.get(), 0) != 0) return;
  static_cast<void>(::pwrite(file.get(), process.data(), process.size(), 0) < 0);
}

}  // namespace

Result<DirectoryLock> DirectoryLock::acquire(const std::string& folder) {
  if (const Result<void> made = make_private_folder(folder); !made) return made.error();

  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return posix_error(errno, "open", folder);
  if ((status.st_mode & S_IWOTH) != 0) {
    return Error{
        Errc::invalid_argument,
        "data directory " + folder + " may be written by everyone; run: chmod 700 " + folder};
  }
  const std::string path = folder + "/LOCK";
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return posix_error(errno, "open", path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return held_by_another(file, folder);
    return posix_error(errno, "lock", path);
  }
  write_process(file);
  return DirectoryLock(std::move(file));
}

}  // namespace raft::storage
