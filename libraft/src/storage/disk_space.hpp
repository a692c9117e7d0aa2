// How much room the disk has left, and a little of it held back for the day when there is none.
#pragma once

#include <cstdint>
#include <string>

namespace raft::storage {

/// With less than this free the log is about to find no room. Clients are refused from here on, and
/// nothing that may as well wait takes what is left.
inline constexpr std::uint64_t low_space_bytes = std::uint64_t{256} << 20;

/// The space around one folder. A reserve file in it takes up room that is given up when a write
/// finds none: enough for the database to finish what it is doing, and to make room by compaction.
/// One thread at a time. Failures are never errors: without a reserve there is just none.
class DiskSpace {
 public:
  /// `reserve_bytes` 0: hold nothing back.
  DiskSpace(std::string folder, std::uint64_t reserve_bytes);

  /// Bytes that may still be written to this file system. Unknown counts as plenty.
  std::uint64_t free_bytes() const;

  /// Makes the reserve unless it is there or less than twice its size is free.
  void restore_reserve();
  /// Whether there was one to give up.
  bool give_up_reserve();
  /// The same with what an earlier life has left, whole or not, before anything watches the folder.
  static bool give_up_reserve_of(const std::string& folder);

 private:
  const std::string folder_;
  const std::string path_;
  const std::uint64_t reserve_bytes_;
  bool held_ = false;
  bool possible_ = true;  ///< The file system can set space aside.
};

}  // namespace raft::storage
