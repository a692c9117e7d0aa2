#include "kvserver/data_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "kvserver/exit_code.hpp"

namespace kv {
namespace {

namespace fs = std::filesystem;

Failure cannot(const std::string& what, const std::string& path, int error) {
  const bool forbidden = error == EACCES || error == EPERM;
  return {forbidden ? exit_code::permission : exit_code::cannot_create,
          "cannot " + what + " " + path + ": " + std::generic_category().message(error)};
}

// Folder by folder, so that each gets its mode at once and never stands open to others.
Failure make_folders(const fs::path& path) {
  fs::path made;
  for (const fs::path& part : path) {
    made /= part;
    if (made.empty() || ::mkdir(made.c_str(), 0700) == 0 || errno == EEXIST) continue;
    // A folder above on a file system mounted read-only exists, and says so last.
    const int error = errno;
    std::error_code ignored;
    if (!fs::is_directory(made, ignored)) return cannot("create", made.native(), error);
  }
  return {};
}

// What another user has left here would look like a broken disk later.
Failure check_owner(const std::string& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const std::string& name = entry.path().native();
    const int needed = R_OK | W_OK | (entry.is_directory(error) ? X_OK : 0);
    if (::access(name.c_str(), needed) == 0 || errno == ENOENT) continue;
    Failure failure = cannot("use", name, errno);
    failure.text += "; make it this user's: chown -R $(id -un) " + path;
    return failure;
  }
  return {};
}

}  // namespace

bool is_empty_folder(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error) && !error) return true;
  return fs::is_directory(path, error) && fs::is_empty(path, error) && !error;
}

Failure prepare_data_folder(const std::string& path) {
  if (Failure failure = make_folders(fs::path(path).lexically_normal())) return failure;
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return cannot("use", path, errno);
  if (!S_ISDIR(facts.st_mode)) return cannot("use", path, ENOTDIR);
  if ((facts.st_mode & S_IWOTH) != 0) {
    return {exit_code::permission,
            "everybody may write to " + path + "; take that away: chmod o-w " + path};
  }
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return cannot("write to", path, errno);
  return check_owner(path);
}

std::optional<std::uint64_t> free_bytes(const std::string& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error) return std::nullopt;
  return space.available;
}

raft::Result<std::unique_ptr<TemporaryFolder>> TemporaryFolder::make() {
  std::error_code error;
  std::string path = (fs::temp_directory_path(error) / "kvserver-XXXXXX").native();
  if (error || ::mkdtemp(path.data()) == nullptr) {
    return raft::Error{raft::Errc::storage_failed, "cannot create a temporary directory"};
  }
  return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(path)));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace kv
