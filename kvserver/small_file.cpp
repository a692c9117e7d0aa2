#include "kvserver/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace kv {
namespace {

using raft::Errc;
using raft::Error;
using raft::Result;

constexpr std::size_t start_bytes = 64;

class File {
 public:
  File(const std::string& path, int flags)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (is_open()) ::close(descriptor_);
  }
  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<void> write_synced(const std::string& path, std::string_view content) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.is_open()) return file_error("create", path, errno);
  while (!content.empty()) {
    const ssize_t written = ::write(file.descriptor(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.descriptor()) != 0) return file_error("sync", path, errno);
  return {};
}

}  // namespace

Result<std::optional<std::string>> read_small_file(const std::string& path) {
  const File file(path, O_RDONLY);
  if (!file.is_open() && errno == ENOENT) return std::optional<std::string>{};
  if (!file.is_open()) return file_error("open", path, errno);
  std::string content(start_bytes, '\0');
  ssize_t size = 0;
  do {
    size = ::read(file.descriptor(), content.data(), content.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0) return file_error("read", path, errno);
  content.resize(static_cast<std::size_t>(size));
  return std::optional<std::string>{std::move(content)};
}

// The file is complete and synced under another name before it gets its own; then the folder is
// synced, for until then a power cut may bring the old name back.
Result<void> replace_small_file(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  if (auto written = write_synced(temporary, content); !written) return written;
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return file_error("rename", temporary, errno);
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return sync_folder(folder.empty() ? "." : folder);
}

Result<void> sync_folder(const std::string& path) {
  const File folder(path, O_RDONLY | O_DIRECTORY);
  if (!folder.is_open()) return file_error("open", path, errno);
  if (::fsync(folder.descriptor()) != 0) return file_error("sync", path, errno);
  return {};
}

Error file_error(const char* action, const std::string& path, int error) {
  const Errc code = error == ENOSPC || error == EDQUOT ? Errc::storage_full : Errc::storage_failed;
  return {code, std::string("cannot ") + action + " " + path + ": " +
                    std::generic_category().message(error)};
}

}  // namespace kv
