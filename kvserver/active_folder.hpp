// Which of several generations of a database is the present one: one small file says so.
#pragma once

#include <cstdint>
#include <string>

#include <libraft/error.hpp>

namespace kv {

/// A folder with sub-folders `db-NNNNNN` and a file `ACTIVE` that holds the name of one of them.
/// The file is replaced by a rename, the one step of a switch; every other sub-folder is what an
/// interrupted switch left behind. Not for concurrent use. Errors name the path: corrupt,
/// data_missing, storage_full, storage_failed.
class ActiveFolder {
 public:
  /// Creates the folder, with mode 0700, when it is missing; its parent must exist. corrupt: ACTIVE
  /// holds something else; data_missing: it is gone, but not the generations.
  static raft::Result<ActiveFolder> open(const std::string& folder);

  /// The present generation.
  std::string path() const;
  /// Whether the present generation may still have to be created: no switch ever made it.
  bool is_first() const { return generation_ == 1; }

  /// Removes all other generations. Call it only while no other process can be here: with the
  /// present generation locked. What cannot be removed is left to the next call.
  void remove_others() const;

  /// The generation after this one, to be built before switch_to_next().
  std::string next_path() const;
  /// All files of the next generation must be synced already. After an error, which of the two
  /// generations a restart will find is unknown: keep both.
  raft::Result<void> switch_to_next();

 private:
  ActiveFolder(std::string folder, std::uint64_t generation)
      : folder_(std::move(folder)), generation_(generation) {}

  std::string folder_;
  std::uint64_t generation_;
};

}  // namespace kv
