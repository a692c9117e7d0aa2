#include "node/data_directory.hpp"

#include <filesystem>
#include <random>
#include <utility>

#include "storage/boot_mark.hpp"
#include "storage/disk_space.hpp"

namespace raft::node {
namespace {

std::uint64_t random_number() {
  std::random_device device;  // The system's entropy: two nodes must never agree by chance.
  const std::uint64_t high = device();
  return high << 32 | device();
}

std::string log_folder_in(const std::string& data_dir) { return data_dir + "/log"; }

}  // namespace

DataDirectory::DataDirectory(std::string path, storage::DirectoryLock lock,
                             std::unique_ptr<storage::PosixFiles> files)
    : path_(std::move(path)), lock_(std::move(lock)), files_(std::move(files)) {}

// A node that a full disk has brought down must come up again: what it compacts makes room.
Result<std::unique_ptr<DataDirectory>> DataDirectory::open(const NodeOptions& options,
                                                           const util::Log& log) {
  auto opened = try_to_open(options, log);
  if (opened || opened.code() != Errc::storage_full) return opened;
  if (!storage::DiskSpace::give_up_reserve_of(log_folder_in(options.data_dir))) return opened;
  RAFT_LOG(log, warning, "gave up the reserve to start on a full disk: " + opened.error().detail);
  return try_to_open(options, log);
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::try_to_open(const NodeOptions& options,
                                                                  const util::Log& log) {
  auto lock = storage::DirectoryLock::acquire(options.data_dir);
  if (!lock) return lock.error();
  auto files = storage::PosixFiles::open(options.data_dir);
  if (!files) return files.error();
  std::unique_ptr<DataDirectory> directory(
      new DataDirectory(options.data_dir, *std::move(lock), *std::move(files)));
  if (const auto opened = directory->open_identity(options.id); !opened) return opened.error();

  auto snapshots = storage::PosixFiles::open(options.data_dir + "/snapshots");
  if (!snapshots) return snapshots.error();
  directory->snapshots_ = *std::move(snapshots);
  storage::RocksOptions rocks;
  rocks.folder = directory->log_folder();
  rocks.block_cache = options.block_cache;
  rocks.write_buffer_manager = options.write_buffer_manager;
  rocks.log = log;
  auto engine = storage::RocksEngine::open(rocks);
  if (!engine) return engine.error();
  directory->engine_ = *std::move(engine);
  if (const auto begun = directory->begin_life(); !begun) return begun.error();
  return directory;
}

Result<void> DataDirectory::open_identity(NodeId node) {
  const std::uint64_t high = random_number();
  const InstanceId fresh{high, random_number()};
  auto identity =
      storage::IdentityFile::open(*files_, node, fresh, std::filesystem::exists(log_folder()));
  if (!identity) return identity.error();
  const util::MutexLock lock(mutex_);
  identity_ = *std::move(identity);
  return check_log_is_there();
}

// In this order: the log may know of a life that was cut off here, the identity of none that the
// log has forgotten.
Result<void> DataDirectory::begin_life() {
  const util::MutexLock lock(mutex_);
  const auto marked = storage::mark_boot(*engine_, identity_->identity().boot);
  return marked ? identity_->begin_life() : marked;
}

// Who founded or began to join had a log by then. Begun anew under the same instance it could vote
// a second time in terms in which it has voted, or found the same cluster once more: a folder that
// is not mounted must not do that.
Result<void> DataDirectory::check_log_is_there() const {
  const storage::Identity own = identity_->identity();
  const bool has_begun = own.cluster || !own.joining.empty();
  if (!has_begun || std::filesystem::exists(log_folder() + "/CURRENT")) return {};
  return Error{
      Errc::data_missing,
      "the log " + log_folder() +
          " is missing beside the identity of a node that has begun; bring it back (is its "
          "disk mounted?), or remove this member from the cluster, empty the directory and "
          "let the node join again"};
}

storage::Identity DataDirectory::identity() const {
  const util::MutexLock lock(mutex_);
  return identity_->identity();
}

Result<void> DataDirectory::change_identity(const std::function<void(storage::Identity&)>& change) {
  const util::MutexLock lock(mutex_);
  storage::Identity changed = identity_->identity();
  change(changed);
  return identity_->change(changed);
}

std::optional<Error> DataDirectory::final_error() const {
  const util::MutexLock lock(mutex_);
  return identity_->final_error();
}

std::string DataDirectory::log_folder() const { return log_folder_in(path_); }

}  // namespace raft::node
