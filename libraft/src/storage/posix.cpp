#include "storage/posix.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raft::storage {
namespace {

constexpr mode_t private_folder = 0700;

// "a/b" for "a/b/c", "." for "a", "/" for "/a".
std::string parent_of(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return "/";
  const std::size_t slash = path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_directory(const std::string& path) {
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return posix_error(errno, "open", path);
  if (::fsync(folder.get()) != 0) {
    return Error{Errc::storage_failed, posix_error(errno, "sync", path).detail};
  }
  return {};
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Error posix_error(int error_number, std::string_view doing, const std::string& path) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  return {full ? Errc::storage_full : Errc::storage_failed,
          "cannot " + std::string(doing) + " " + path + ": " +
              std::generic_category().message(error_number)};
}

Result<void> make_private_folder(const std::string& path) {
  const std::string parent = parent_of(path);
  if (::mkdir(path.c_str(), private_folder) != 0) {
    if (errno == EEXIST) return {};
    if (errno != ENOENT || parent == path) return posix_error(errno, "create", path);
    if (const Result<void> made = make_private_folder(parent); !made) return made;
    if (::mkdir(path.c_str(), private_folder) != 0 && errno != EEXIST) {
      return posix_error(errno, "create", path);
    }
  }
  return sync_directory(parent);
}

}  // namespace raft::storage
