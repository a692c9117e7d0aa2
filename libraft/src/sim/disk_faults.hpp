// What can go wrong with a simulated disk, decided in one place for all that is stored on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <libraft/error.hpp>

namespace raft::sim {

/// The kinds of things that are done to a disk.
enum class DiskOperation : std::uint8_t {
  read,
  write,   ///< Needs space.
  rename,  ///< Changes names in a folder, or removes one; needs none.
  sync,
  count_  ///< Not an operation.
};

/// The script of one disk's failures. Single-threaded, like all of the simulator.
class DiskFaults {
 public:
  /// Everything fails from now on. The process that uses the disk has died; it may be destroyed in
  /// any order, for nothing that its destructors do reaches the disk any more.
  void power_off() { powered_ = false; }
  /// The same once so many further writes, renames and syncs have been carried out; the next one
  /// fails and nothing comes of it. To stop at every place of a sequence, count up from 0.
  void power_off_after(std::uint64_t changes) { changes_left_ = changes; }
  /// All scripted errors but a full disk are forgotten.
  void forget();
  /// A new life, with nothing scripted for it but a full disk.
  void power_on();
  bool is_powered() const { return powered_; }
  /// Counts the lives: what was opened in an earlier one is dead.
  std::uint64_t life() const { return life_; }

  /// While full, writes answer storage_full. Renames, syncs and reads go on.
  void set_full(bool full) { full_ = full; }
  /// What those are told who ask how much is free, unless it is full. Plenty, if never set.
  void set_free_bytes(std::uint64_t bytes) { free_bytes_ = bytes; }
  std::uint64_t free_bytes() const { return full_ ? 0 : free_bytes_; }
  /// The operation of this kind after so many successful ones fails, once.
  void fail_write_after(std::uint64_t writes) { writes_left_ = writes; }
  /// `later_lie`: whoever tries the log's sync again is told that all is well, and nothing is.
  void fail_sync_after(std::uint64_t syncs, bool later_lie = false) {
    syncs_left_ = syncs;
    later_syncs_lie_ = later_lie;
  }
  bool do_later_syncs_lie() const { return later_syncs_lie_; }
  void set_reads_fail(bool fail) { reads_fail_ = fail; }
  bool do_reads_fail() const { return reads_fail_; }

  /// A process that begins has met no error yet.
  void begin_life();
  /// The scripted errors that it has met so far; a full disk and the power are none.
  std::uint64_t errors(DiskOperation operation) const {
    return errors_[static_cast<std::size_t>(operation)];
  }

  /// Writes, renames and syncs carried out so far.
  std::uint64_t changes() const { return changes_; }

  /// To be asked before each operation on what `name` says. Errors: storage_full, storage_failed.
  Result<void> allow(DiskOperation operation, const std::string& name);

 private:
  Error met(DiskOperation operation, const std::string& what);

  bool powered_ = true;
  bool full_ = false;
  std::uint64_t free_bytes_ = ~std::uint64_t{0};
  bool reads_fail_ = false;
  std::optional<std::uint64_t> changes_left_;
  std::optional<std::uint64_t> writes_left_;
  std::optional<std::uint64_t> syncs_left_;
  bool later_syncs_lie_ = false;
  std::array<std::uint64_t, static_cast<std::size_t>(DiskOperation::count_)> errors_{};
  std::uint64_t changes_ = 0;
  std::uint64_t life_ = 1;
};

}  // namespace raft::sim
