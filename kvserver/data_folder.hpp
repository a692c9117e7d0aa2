// The data directory before libraft opens it: errors that deserve their own exit code.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <libraft/error.hpp>

namespace kv {

/// Why the process must end, and with which code.
struct Failure {
  int exit_code = 0;
  std::string text;  ///< Empty: there is none.

  explicit operator bool() const { return exit_code != 0; }
};

/// Whether there is nothing at this path, or a directory without anything in it.
bool is_empty_folder(const std::string& path);

/// Makes the directory and those above it, mode 0700, and checks that nobody else may write there.
Failure prepare_data_folder(const std::string& path);

/// What may still be written to the file system around a folder. Absent: it cannot be told.
std::optional<std::uint64_t> free_bytes(const std::string& folder);

/// A directory that is removed with all its content in the end: for `--dev`.
class TemporaryFolder {
 public:
  static raft::Result<std::unique_ptr<TemporaryFolder>> make();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

}  // namespace kv
