#include "fault_file_system.hpp"

#include <filesystem>
#include <utility>

namespace raft {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

std::string name_in(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

// True when the countdown is over.
bool is_due(std::optional<std::uint64_t>& left) {
  if (!left) return false;
  if (*left == 0) {
    left.reset();
    return true;
  }
  --*left;
  return false;
}

}  // namespace

class FaultFileSystem::JournalledFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  JournalledFile(std::unique_ptr<rocksdb::FSWritableFile> file, FaultFileSystem& files,
                 std::size_t number)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), files_(files), number_(number) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* context) override {
    const std::lock_guard lock(files_.mutex_);
    rocksdb::Slice written = data;
    const IOStatus allowed = files_.allow_write();
    if (!allowed.ok()) written = {data.data(), allowed.IsNoSpace() ? data.size() / 2 : 0};
    const IOStatus status = target()->Append(written, options, context);
    if (!status.ok()) return status;
    files_.write_down(
        {.kind = DiskChange::Kind::append, .file = number_, .bytes = written.ToString()});
    return allowed;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const IOOptions&,
                            IODebugContext*) override {
    return IOStatus::NotSupported("only with direct writes");
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const IOOptions&,
                            const rocksdb::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported("only with direct writes");
  }
  IOStatus Truncate(uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("only with direct writes");
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(files_.mutex_);
    const IOStatus allowed = files_.allow_sync("While fdatasync: a file");
    files_.write_down(
        {.kind = allowed.ok() ? DiskChange::Kind::sync : DiskChange::Kind::failed_sync,
         .file = number_});
    return allowed;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return Sync(options, context);
  }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();  // Promises nothing.
  }

 private:
  FaultFileSystem& files_;
  const std::size_t number_;
};

class FaultFileSystem::JournalledFolder final : public rocksdb::FSDirectoryWrapper {
 public:
  JournalledFolder(std::unique_ptr<rocksdb::FSDirectory> folder, FaultFileSystem& files)
      : rocksdb::FSDirectoryWrapper(std::move(folder)), files_(files) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(files_.mutex_);
    const IOStatus allowed = files_.allow_sync("While fsync: a directory");
    // File systems end when they cannot write their folders, so no later sync lies about them.
    if (allowed.ok()) files_.write_down({.kind = DiskChange::Kind::sync_folder});
    return allowed;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, context);
  }

 private:
  FaultFileSystem& files_;
};

FaultFileSystem::FaultFileSystem(const DiskImage& files)
    : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), files_(files.size()) {}

std::unique_ptr<rocksdb::Env> FaultFileSystem::make_env(
    const std::shared_ptr<FaultFileSystem>& self) const {
  return rocksdb::NewCompositeEnv(self);
}

void FaultFileSystem::fill_after(std::uint64_t writes) {
  const std::lock_guard lock(mutex_);
  writes_left_ = writes;
}

void FaultFileSystem::fail_sync_after(std::uint64_t syncs) {
  const std::lock_guard lock(mutex_);
  syncs_left_ = syncs;
}

void FaultFileSystem::mark(int number) {
  const std::lock_guard lock(mutex_);
  write_down({.kind = DiskChange::Kind::mark, .mark = number});
}

DiskJournal FaultFileSystem::journal() const {
  const std::lock_guard lock(mutex_);
  return journal_;
}

IOStatus FaultFileSystem::allow_write() {
  if (is_due(writes_left_)) {
    full_ = true;
    was_filled_ = true;
  }
  if (full_) return IOStatus::NoSpace("full");
  if (writes_fail_) return IOStatus::IOError("write error");
  return IOStatus::OK();
}

IOStatus FaultFileSystem::allow_sync(const char* what) {
  const bool fails_now = is_due(syncs_left_);
  if (fails_now) sync_failed_ = true;
  // In the words of RocksDB's own file system.
  if (fails_now || syncs_fail_) return IOStatus::NoSpace(what);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* context) {
  const std::lock_guard lock(mutex_);
  if (const IOStatus allowed = allow_write(); !allowed.ok()) return allowed;
  const IOStatus status = target()->NewWritableFile(path, options, file, context);
  if (!status.ok()) return status;
  write_down({.kind = DiskChange::Kind::create, .name = name_in(path)});
  *file = std::make_unique<JournalledFile>(std::move(*file), *this, files_++);
  return status;
}

// RocksDB reopens files that it recycles, which the log does not.
IOStatus FaultFileSystem::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                             std::unique_ptr<rocksdb::FSWritableFile>*,
                                             IODebugContext*) {
  return IOStatus::NotSupported("nobody reopens " + path);
}

IOStatus FaultFileSystem::ReuseWritableFile(const std::string& path, const std::string&,
                                            const rocksdb::FileOptions&,
                                            std::unique_ptr<rocksdb::FSWritableFile>*,
                                            IODebugContext*) {
  return IOStatus::NotSupported("nobody reuses " + path);
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* folder,
                                       IODebugContext* context) {
  const IOStatus status = target()->NewDirectory(path, options, folder, context);
  if (status.ok()) *folder = std::make_unique<JournalledFolder>(std::move(*folder), *this);
  return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* context) {
  const std::lock_guard lock(mutex_);
  const IOStatus status = target()->RenameFile(from, to, options, context);
  if (status.ok()) {
    write_down({.kind = DiskChange::Kind::rename, .name = name_in(from), .to = name_in(to)});
  }
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                     IODebugContext* context) {
  const std::lock_guard lock(mutex_);
  const IOStatus status = target()->DeleteFile(path, options, context);
  if (status.ok()) write_down({.kind = DiskChange::Kind::remove, .name = name_in(path)});
  return status;
}

IOStatus FaultFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options,
                                       uint64_t* free, IODebugContext* context) {
  if (!full_) return target()->GetFreeSpace(path, options, free, context);
  *free = 0;
  return IOStatus::OK();
}

}  // namespace raft
