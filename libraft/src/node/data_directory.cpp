#include "node/data_directory.hpp"

#include <filesystem>
#include <random>
#include <utility>

namespace raft::node {
namespace {

std::uint64_t random_number() {
  std::random_device device;  // The system's entropy: two nodes must never agree by chance.
  const std::uint64_t high = device();
  return high << 32 | device();
}

}  // namespace

DataDirectory::DataDirectory(std::string path, storage::DirectoryLock lock,
                             std::unique_ptr<storage::PosixFiles> files)
    : path_(std::move(path)), lock_(std::move(lock)), files_(std::move(files)) {}

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(const NodeOptions& options,
                                                           util::Log log) {
  auto lock = storage::DirectoryLock::acquire(options.data_dir);
  if (!lock) return lock.error();
  auto files = storage::PosixFiles::open(options.data_dir);
  if (!files) return files.error();
  std::unique_ptr<DataDirectory> directory(
      new DataDirectory(options.data_dir, *std::move(lock), *std::move(files)));
  if (const auto opened = directory->open_identity(options.id); !opened) return opened.error();
  if (const auto checked = directory->check_log(); !checked) return checked.error();

  auto snapshots = storage::PosixFiles::open(options.data_dir + "/snapshots");
  if (!snapshots) return snapshots.error();
  directory->snapshots_ = *std::move(snapshots);
  storage::RocksOptions rocks;
  rocks.folder = directory->log_folder();
  rocks.block_cache = options.block_cache;
  rocks.write_buffer_manager = options.write_buffer_manager;
  rocks.log = std::move(log);
  auto engine = storage::RocksEngine::open(rocks);
  if (!engine) return engine.error();
  directory->engine_ = *std::move(engine);
  return directory;
}

Result<void> DataDirectory::open_identity(NodeId node) {
  const std::uint64_t high = random_number();
  const InstanceId fresh{high, random_number()};
  auto identity =
      storage::IdentityFile::open(*files_, node, fresh, std::filesystem::exists(log_folder()));
  if (!identity) return identity.error();
  identity_ = *std::move(identity);
  return {};
}

/// Who founded or began to join had a log by then. With a fresh one, under the same instance, it
/// could found the same cluster again, or vote twice in one term.
Result<void> DataDirectory::check_log() const {
  const storage::Identity& own = identity();
  const bool has_begun = own.cluster || !own.joining.empty();
  if (!has_begun || std::filesystem::exists(log_folder() + "/CURRENT")) return {};
  return Error{Errc::data_missing,
               log_folder() +
                   " is missing or empty beside the identity of a node that has begun; "
                   "restore it, or remove this member from the cluster, empty the "
                   "directory and let the node join again"};
}

Result<void> DataDirectory::change_identity(const storage::Identity& identity) {
  return identity_->change(identity);
}

std::string DataDirectory::log_folder() const { return path_ + "/log"; }

}  // namespace raft::node
