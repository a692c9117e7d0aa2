// Everything a program did to the files of one folder, in order, and what a power cut at any moment
// between may leave of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <libraft/types.hpp>

namespace raft {

struct DiskChange {
  enum class Kind : std::uint8_t {
    create,       ///< `name` is now a new and empty file, numbered by the files created before.
    append,       ///< `bytes` to `file`.
    sync,         ///< `file`; all that was appended to it is durable.
    failed_sync,  ///< Nothing more of `file` ever becomes durable, for the next sync may lie.
    rename,       ///< `name` to `to`.
    remove,       ///< `name`.
    sync_folder,
    mark,  ///< Nothing was done: a remark of the program.
  };
  Kind kind = Kind::mark;
  std::size_t file = 0;
  std::string name = {};
  std::string to = {};
  Bytes bytes = {};
  int mark = 0;
};

using DiskJournal = std::vector<DiskChange>;

/// The files of a folder: what is there by name.
using DiskImage = std::map<std::string, Bytes>;

/// The folder in the middle of a journal. POSIX orders little, a journalling file system a bit
/// more: of what was appended to a file and not synced any pages may survive, and of the names
/// changed since the folder was synced the first so many.
class DiskState {
 public:
  struct File {
    Bytes content;
    std::size_t durable = 0;  ///< So many bytes at its front.
    bool sync_lies = false;
  };
  /// What a power cut leaves of one file; it begins with what is durable.
  using Survivor = std::function<Bytes(const File& file)>;

  /// Kinds of survivors.
  static Bytes whole(const File& file) { return file.content; }
  static Bytes durable(const File& file) { return file.content.substr(0, file.durable); }
  /// The size has reached the disk, what should be in it has not.
  static Bytes hollow(const File& file);

  /// Nothing was done yet; what is there is durable.
  explicit DiskState(const DiskImage& image = {});

  void apply(const DiskChange& change);

  std::size_t unsynced_names() const { return unsynced_names_.size(); }
  /// The file last appended to. Absent: the last change was something else.
  std::optional<std::size_t> appended() const { return appended_; }
  /// Where the last append begins in it.
  std::size_t append_begin() const { return append_begin_; }
  const File& file(std::size_t number) const { return files_[number]; }

  /// After a power cut that kept so many changes of names.
  DiskImage after_cut(std::size_t names_kept, const Survivor& survivor) const;
  /// The same, with another rule for one of the files.
  DiskImage after_cut(std::size_t names_kept, const Survivor& survivor, std::size_t special,
                      const Bytes& its_bytes) const;

 private:
  using Names = std::map<std::string, std::size_t>;

  struct NameChange {
    DiskChange::Kind kind;
    std::string name;
    std::string to;
    std::size_t file;
  };
  static void apply(const NameChange& change, Names& names);
  void change_name(NameChange change);
  Names names_after_cut(std::size_t names_kept) const;

  std::vector<File> files_;
  Names names_;
  Names durable_names_;
  std::vector<NameChange> unsynced_names_;
  std::optional<std::size_t> appended_;
  std::size_t append_begin_ = 0;
};

}  // namespace raft
