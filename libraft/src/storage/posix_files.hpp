// FileSystem over a real folder.
#pragma once

#include <memory>
#include <string>

#include "storage/file_system.hpp"
#include "storage/posix.hpp"

namespace raft::storage {

/// Files are made with mode 0600. The folder is found once, when it is opened: renaming or
/// replacing it afterwards changes nothing for this object.
class PosixFiles final : public FileSystem {
 public:
  /// Makes the folder, mode 0700, if it is missing.
  static Result<std::unique_ptr<PosixFiles>> open(const std::string& folder);

  PosixFiles(FileDescriptor folder, std::string path);

  Result<std::unique_ptr<Writer>> create(const std::string& name) override;
  Result<std::unique_ptr<Writer>> reopen(const std::string& name) override;
  Result<Bytes> read(const std::string& name, std::uint64_t offset, std::size_t max) const override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  Result<void> sync_folder() override;
  Result<std::vector<std::string>> list() const override;
  Result<std::uint64_t> size(const std::string& name) const override;
  std::uint64_t free_bytes() const override;
  std::string path_of(const std::string& name) const override;

 private:
  Result<std::unique_ptr<Writer>> open_writer(const std::string& name, int flags);

  const FileDescriptor folder_;
  const std::string path_;
};

}  // namespace raft::storage
