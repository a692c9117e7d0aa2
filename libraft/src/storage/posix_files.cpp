#include "storage/posix_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/assert.hpp"

namespace raft::storage {
namespace {

constexpr mode_t private_file = 0600;

// Calls that a signal may interrupt are simply made again.
template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Nothing is known about the data after a failed sync, and the next one may lie: the kernel marks
// the pages clean. So such an error is never "full", whatever its number says.
Error sync_error(int error_number, const std::string& path) {
  return {Errc::storage_failed, posix_error(error_number, "sync", path).detail};
}

Error read_error(int error_number, const std::string& path) {
  Error error = posix_error(error_number, "read", path);
  if (error_number == ENOENT) error.code = Errc::corrupt;
  return error;
}

class PosixWriter final : public FileSystem::Writer {
 public:
  PosixWriter(FileDescriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  Result<void> append(BytesView bytes) override {
    while (!bytes.empty()) {
      const ssize_t written =
          retried([&] { return ::write(file_.get(), bytes.data(), bytes.size()); });
      if (written < 0) return posix_error(errno, "write", path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<void> sync() override {
    if (retried([&] { return ::fdatasync(file_.get()); }) != 0) return sync_error(errno, path_);
    return {};
  }

 private:
  const FileDescriptor file_;
  const std::string path_;
};

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

bool is_plain(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name != "." && name != "..";
}

}  // namespace

Result<std::unique_ptr<PosixFiles>> PosixFiles::open(const std::string& folder) {
  if (const Result<void> made = make_private_folder(folder); !made) return made.error();
  FileDescriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor) return posix_error(errno, "open", folder);
  return std::make_unique<PosixFiles>(std::move(descriptor), folder);
}

PosixFiles::PosixFiles(FileDescriptor folder, std::string path)
    : folder_(std::move(folder)), path_(std::move(path)) {}

Result<std::unique_ptr<FileSystem::Writer>> PosixFiles::create(const std::string& name) {
  return open_writer(name, O_CREAT | O_TRUNC);
}

Result<std::unique_ptr<FileSystem::Writer>> PosixFiles::reopen(const std::string& name) {
  return open_writer(name, 0);
}

Result<std::unique_ptr<FileSystem::Writer>> PosixFiles::open_writer(const std::string& name,
                                                                    int flags) {
  RAFT_ASSERT(is_plain(name), name);
  FileDescriptor file(retried([&] {
    return ::openat(folder_.get(), name.c_str(),
                    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, private_file);
  }));
  if (!file) return posix_error(errno, "open", path_of(name));
  std::unique_ptr<Writer> writer = std::make_unique<PosixWriter>(std::move(file), path_of(name));
  return writer;
}

Result<Bytes> PosixFiles::read(const std::string& name, std::uint64_t offset,
                               std::size_t max) const {
  RAFT_ASSERT(is_plain(name), name);
  const FileDescriptor file(
      retried([&] { return ::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!file) return read_error(errno, path_of(name));

  // The buffer is for what is there, not for what was asked for.
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return read_error(errno, path_of(name));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (offset >= size) return Bytes{};
  Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(max, size - offset)), '\0');

  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = retried([&] {
      return ::pread(file.get(), bytes.data() + filled, bytes.size() - filled,
                     static_cast<off_t>(offset + filled));
    });
    if (got < 0) return read_error(errno, path_of(name));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<void> PosixFiles::rename(const std::string& from, const std::string& to) {
  RAFT_ASSERT(is_plain(from), from);
  RAFT_ASSERT(is_plain(to), to);
  if (::renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) != 0) {
    return posix_error(errno, "rename", path_of(from));
  }
  return {};
}

Result<void> PosixFiles::remove(const std::string& name) {
  RAFT_ASSERT(is_plain(name), name);
  if (::unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return posix_error(errno, "remove", path_of(name));
  }
  return {};
}

Result<void> PosixFiles::sync_folder() {
  if (retried([&] { return ::fsync(folder_.get()); }) != 0) return sync_error(errno, path_);
  return {};
}

Result<std::vector<std::string>> PosixFiles::list() const {
  // A descriptor of its own: reading a folder moves the position of the one that it is read by.
  FileDescriptor own(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) return posix_error(errno, "list", path_);
  const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(own.get()));
  if (!folder) return posix_error(errno, "list", path_);
  own.release();

  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (!entry) break;
    // Some file systems leave the type to stat().
    struct stat status {};
    if (::fstatat(folder_.get(), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // Removed meanwhile.
      return posix_error(errno, "list", path_);
    }
    if (S_ISREG(status.st_mode)) names.emplace_back(entry->d_name);
  }
  if (errno != 0) return posix_error(errno, "list", path_);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::uint64_t> PosixFiles::size(const std::string& name) const {
  RAFT_ASSERT(is_plain(name), name);
  struct stat status {};
  if (::fstatat(folder_.get(), name.c_str(), &status, 0) != 0) {
    return read_error(errno, path_of(name));
  }
  return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t PosixFiles::free_bytes() const {
  struct statvfs space {};
  if (::fstatvfs(folder_.get(), &space) != 0) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(space.f_bavail) * static_cast<std::uint64_t>(space.f_frsize);
}

std::string PosixFiles::path_of(const std::string& name) const { return path_ + "/" + name; }

}  // namespace raft::storage
