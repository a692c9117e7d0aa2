// A FileSystem in memory that forgets at a power cut whatever POSIX allows it to forget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "sim/disk_faults.hpp"
#include "storage/file_system.hpp"

namespace raft::sim {

/// Until a file is synced, each of its changed 4 KiB pages may survive, vanish or be torn on its
/// own, and its size may be the old one, the new one or one between. Until the folder is synced,
/// each new, changed or removed name may survive or vanish on its own. After a failed sync later
/// ones succeed and do nothing, as the kernel's may. A write that finds no space writes half.
/// Deterministic and single-threaded.
class SimulatedFiles final : public storage::FileSystem {
 public:
  /// The faults must outlive the files and their writers.
  explicit SimulatedFiles(DiskFaults& faults) : faults_(faults) {}

  Result<std::unique_ptr<Writer>> create(const std::string& name) override;
  Result<std::unique_ptr<Writer>> reopen(const std::string& name) override;
  Result<Bytes> read(const std::string& name, std::uint64_t offset, std::size_t max) const override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& name) override;
  Result<void> sync_folder() override;
  Result<std::vector<std::string>> list() const override;
  Result<std::uint64_t> size(const std::string& name) const override;
  std::uint64_t free_bytes() const override { return faults_.free_bytes(); }
  std::string path_of(const std::string& name) const override { return "disk/" + name; }

  /// What is there after a power cut.
  void recover(core::Random& random);

  /// Every synced file under a synced name.
  using Backup = std::map<std::string, Bytes>;
  Backup backup() const;
  void restore(const Backup& backup);

  /// What is there now, synced or not, whatever script there is for reads.
  std::vector<std::string> names() const;
  /// The whole file; null: there is none.
  const Bytes* look_at(const std::string& name) const;
  /// Called behind each rename that was carried out.
  std::function<void(const std::string& from, const std::string& to)> renamed;

  /// Flips one bit of a file that is there, synced or not; `bit` counts from its front and wraps
  /// round.
  void rot(const std::string& name, std::size_t bit);

 private:
  struct File {
    Bytes content;
    Bytes durable;           ///< As of the last sync.
    bool sync_lies = false;  ///< A sync failed: nothing becomes durable any more.
  };
  using FilePtr = std::shared_ptr<File>;
  using Names = std::map<std::string, FilePtr>;

  /// A file got, changed or lost its name.
  struct NameChange {
    FilePtr file;
    std::optional<std::string> from;
    std::optional<std::string> to;
  };

  class FileWriter;

  void change_name(NameChange change);
  static void apply(const NameChange& change, Names& names);
  static void settle(File& file, core::Random& random);
  Result<FilePtr> find(const std::string& name) const;

  DiskFaults& faults_;
  Names names_;
  Names durable_names_;               ///< As of the last sync of the folder.
  std::vector<NameChange> unsynced_;  ///< Since then, in their order.
};

}  // namespace raft::sim
