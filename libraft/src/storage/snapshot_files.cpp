#include "storage/snapshot_files.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "storage/disk_space.hpp"
#include "util/assert.hpp"
#include "util/crc32c.hpp"

namespace raft::storage {
namespace {

struct Found {
  std::string name;
  SnapshotName parsed;
};

Result<std::vector<Found>> find_snapshots(const FileSystem& files, GroupId group) {
  const Result<std::vector<std::string>> names = files.list();
  if (!names) return names.error();
  std::vector<Found> found;
  for (const std::string& name : *names) {
    if (const auto parsed = parse_snapshot_name(name, group)) found.push_back({name, *parsed});
  }
  return found;
}

// By index, whatever the term; of two at one index the later term. EntryId compares terms first.
bool is_older(const SnapshotName& a, const SnapshotName& b) {
  return std::pair(a.last.index, a.last.term) < std::pair(b.last.index, b.last.term);
}

const Found* newest_complete(const std::vector<Found>& found,
                             const SnapshotFiles::Predicate& belongs) {
  const Found* newest = nullptr;
  for (const Found& file : found) {
    if (file.parsed.kind != SnapshotName::Kind::complete || !belongs(file.parsed.last)) continue;
    if (!newest || is_older(newest->parsed, file.parsed)) newest = &file;
  }
  return newest;
}

// A receive is worth keeping only above what is there; all else under a temporary name is dead.
bool is_leftover(const Found& file, const Found* newest) {
  switch (file.parsed.kind) {
    case SnapshotName::Kind::complete:
      return &file != newest;
    case SnapshotName::Kind::begun:
      return true;
    case SnapshotName::Kind::received:
      return newest && file.parsed.last.index <= newest->parsed.last.index;
  }
  return false;
}

Error no_space(const FileSystem& files, const std::string& name, std::uint64_t bytes) {
  return {Errc::storage_full, "snapshot " + files.path_of(name) + ": " + std::to_string(bytes) +
                                  " bytes are to come, " + std::to_string(files.free_bytes()) +
                                  " are free, and " + std::to_string(low_space_bytes) +
                                  " of them are the log's"};
}

}  // namespace

bool is_same_file(const SnapshotInfo& a, const SnapshotInfo& b) {
  return a.bytes == b.bytes && a.crc == b.crc && a.meta.last == b.meta.last;
}

Result<std::optional<SnapshotInfo>> SnapshotFiles::recover(const Predicate& belongs, Index base) {
  const Result<std::vector<Found>> found = find_snapshots(files_, group_);
  if (!found) return found.error();

  // Verified before anything is removed: with a rotten newest file, an older one is all there is,
  // and where none fits the log, whatever is there may tell why.
  const Found* newest = newest_complete(*found, belongs);
  if (base.value > 0 && (!newest || newest->parsed.last.index < base)) {
    const Found* other = newest_complete(*found, [](EntryId) { return true; });
    return Error{
        Errc::data_missing,
        "the log begins behind " + to_string(base) +
            ", but no snapshot of its history reaches that (" +
            (other ? "the newest of any is " + files_.path_of(other->name) : "none is there") +
            "); restore the directory from a backup, or remove this node and let it "
            "join anew"};
  }
  std::optional<SnapshotInfo> info;
  if (newest) {
    Result<SnapshotInfo> verified = verify_snapshot(files_, newest->name);
    if (!verified) return verified.error();
    if (verified->meta.last != newest->parsed.last) {
      return Error{Errc::corrupt, "snapshot " + files_.path_of(newest->name) + ": it is of entry " +
                                      to_string(verified->meta.last)};
    }
    // Renamed by a process that ended before the folder was synced, or failed to: the log must not
    // be shortened for a name that the next power cut takes.
    if (const Result<void> synced = files_.sync_folder(); !synced) return synced.error();
    info = *std::move(verified);
  }
  for (const Found& file : *found) {
    if (!is_leftover(file, newest)) continue;
    if (const Result<void> removed = files_.remove(file.name); !removed) return removed.error();
  }
  return info;
}

Result<std::unique_ptr<SnapshotFiles::Writer>> SnapshotFiles::begin(const SnapshotMeta& meta,
                                                                    BytesView head_records) {
  Writer::Target target{begun_name(group_, meta.last), snapshot_name(group_, meta.last), meta, {}};
  Result<std::unique_ptr<FileSystem::Writer>> file = files_.create(target.temporary);
  if (!file) return file.error();
  auto writer = std::make_unique<Writer>(files_, *std::move(file), std::move(target), 0);
  const Result<void> begun = writer->append(encode_snapshot_head(meta, head_records));
  if (!begun) return begun.error();
  return writer;
}

Result<std::unique_ptr<SnapshotFiles::Writer>> SnapshotFiles::receive(const SnapshotInfo& info) {
  Writer::Target target{received_name(group_, info), snapshot_name(group_, info.meta.last),
                        info.meta, info};
  if (const auto removed = remove_receives_except(target.temporary); !removed) {
    return removed.error();
  }
  const Result<std::vector<std::string>> names = files_.list();
  if (!names) return names.error();
  const auto is_there = [&names](const std::string& name) {
    return std::find(names->begin(), names->end(), name) != names->end();
  };
  // It was finished when nobody waited for it any more.
  if (is_there(target.name) && is_finished(target.name, info)) {
    return std::make_unique<Writer>(files_, nullptr, std::move(target), info.bytes);
  }

  std::uint64_t bytes = 0;
  if (is_there(target.temporary)) {
    const Result<std::uint64_t> size = files_.size(target.temporary);
    if (!size) return size.error();
    // Only a crash can leave more than was announced; then no byte of it is to be trusted.
    if (*size <= info.bytes) bytes = *size;
  }
  const std::uint64_t space = files_.free_bytes();
  if (space < low_space_bytes || space - low_space_bytes < info.bytes - bytes) {
    if (const auto removed = files_.remove(target.temporary); !removed) return removed.error();
    return no_space(files_, target.temporary, info.bytes - bytes);
  }
  Result<std::unique_ptr<FileSystem::Writer>> file =
      bytes > 0 ? files_.reopen(target.temporary) : files_.create(target.temporary);
  if (!file) return file.error();
  return std::make_unique<Writer>(files_, *std::move(file), std::move(target), bytes);
}

/// Anything else of that name was never installed, or is what the log does not go on from: the file
/// that is received replaces it.
bool SnapshotFiles::is_finished(const std::string& name, const SnapshotInfo& info) const {
  const Result<std::uint64_t> size = files_.size(name);
  if (!size || *size != info.bytes) return false;
  const Result<SnapshotInfo> found = verify_snapshot(files_, name);
  return found && is_same_file(*found, info);
}

Result<void> SnapshotFiles::remove_receives_except(const std::string& kept) {
  const Result<std::vector<Found>> found = find_snapshots(files_, group_);
  if (!found) return found.error();
  for (const Found& file : *found) {
    if (file.parsed.kind != SnapshotName::Kind::received || file.name == kept) continue;
    if (const Result<void> removed = files_.remove(file.name); !removed) return removed;
  }
  return {};
}

Result<Bytes> SnapshotFiles::read_at(const SnapshotInfo& info, std::uint64_t offset,
                                     std::size_t max) const {
  return files_.read(snapshot_name(group_, info.meta.last), offset, max);
}

Result<SnapshotFiles::Contents> SnapshotFiles::open(const SnapshotInfo& info) const {
  std::string name = snapshot_name(group_, info.meta.last);
  Result<SnapshotHead> head = read_snapshot_head(files_, name);
  if (!head) return head.error();
  return Contents(files_, std::move(name), *std::move(head));
}

Result<void> SnapshotFiles::remove_below(Index keep) {
  const Result<std::vector<Found>> found = find_snapshots(files_, group_);
  if (!found) return found.error();
  for (const Found& file : *found) {
    if (file.parsed.kind != SnapshotName::Kind::complete) continue;
    if (file.parsed.last.index >= keep) continue;
    if (const Result<void> removed = files_.remove(file.name); !removed) return removed;
  }
  return {};
}

SnapshotFiles::Writer::Writer(FileSystem& files, std::unique_ptr<FileSystem::Writer> file,
                              Target target, std::uint64_t bytes)
    : files_(files), file_(std::move(file)), target_(std::move(target)), bytes_(bytes) {}

SnapshotFiles::Writer::~Writer() {
  file_.reset();
  if (finished_ || target_.announced) return;
  // If this fails the file stays until the next recover(); there is nobody to tell.
  static_cast<void>(files_.remove(target_.temporary));
}

Result<void> SnapshotFiles::Writer::append(BytesView bytes) {
  if (target_.announced && bytes.size() > target_.announced->bytes - bytes_) {
    return Error{Errc::corrupt,
                 "snapshot " + files_.path_of(target_.temporary) + ": more bytes than announced"};
  }
  if (!target_.announced) return write(bytes);
  // There was enough when it began. From then on half of the log's share will do, so that a disk
  // about as full as it may be does not end what was just let begin.
  const std::uint64_t space = files_.free_bytes();
  if (space < low_space_bytes / 2) {
    return give_up(no_space(files_, target_.temporary, target_.announced->bytes - bytes_));
  }
  const Result<void> written = write(bytes);
  if (!written && written.code() == Errc::storage_full) return give_up(written.error());
  return written;
}

Result<void> SnapshotFiles::Writer::give_up(Error error) {
  failed_ = true;
  file_.reset();
  if (const Result<void> removed = files_.remove(target_.temporary); !removed) return removed;
  return error;
}

Result<void> SnapshotFiles::Writer::write(BytesView bytes) {
  RAFT_ASSERT(!finished_);
  RAFT_ASSERT(!failed_, target_.temporary);
  RAFT_ASSERT(file_, target_.name);
  const Result<void> appended = file_->append(bytes);
  if (!appended) {
    failed_ = true;
    return appended;
  }
  bytes_ += bytes.size();
  if (!target_.announced) crc_ = util::crc32c(bytes, crc_);
  return {};
}

Result<SnapshotInfo> SnapshotFiles::Writer::finish() {
  Result<SnapshotInfo> info = complete();
  if (!info) {
    failed_ = true;
    return info;
  }
  finished_ = true;
  return info;
}

Result<SnapshotInfo> SnapshotFiles::Writer::complete() {
  if (!file_) {
    // Whether its name survives a power cut is not known.
    if (const Result<void> synced = files_.sync_folder(); !synced) return synced.error();
    return *target_.announced;
  }
  if (!target_.announced) {
    if (const auto written = write(encode_snapshot_trailer(crc_)); !written) return written.error();
  }
  if (const Result<void> synced = file_->sync(); !synced) {
    // A later sync of the same file may lie, so a receive must not go on with it.
    static_cast<void>(files_.remove(target_.temporary));
    return synced.error();
  }

  SnapshotInfo info{target_.meta, bytes_, crc_};
  if (target_.announced) {
    Result<SnapshotInfo> received = verify_received();
    if (!received) {
      // Kept, it would be resumed and refused for ever.
      if (received.code() == Errc::corrupt) static_cast<void>(files_.remove(target_.temporary));
      return received;
    }
    info = *std::move(received);
  }
  // The name appears only on a complete file, and nobody counts on it before the folder is synced.
  if (const auto renamed = files_.rename(target_.temporary, target_.name); !renamed) {
    return renamed.error();
  }
  if (const Result<void> synced = files_.sync_folder(); !synced) return synced.error();
  return info;
}

// Reads the file again instead of summing what came in: part of it may come from an earlier life,
// and a power cut may have left holes in that.
Result<SnapshotInfo> SnapshotFiles::Writer::verify_received() {
  Result<SnapshotInfo> received = verify_snapshot(files_, target_.temporary);
  if (!received) return received;
  const SnapshotInfo& announced = *target_.announced;
  if (!is_same_file(*received, announced)) {
    return Error{Errc::corrupt, "snapshot " + files_.path_of(target_.temporary) +
                                    ": not the file that was announced"};
  }
  return received;
}

SnapshotFiles::Contents::Contents(const FileSystem& files, std::string name, SnapshotHead head)
    : files_(&files),
      name_(std::move(name)),
      head_(std::move(head)),
      offset_(head_.machine_begin) {}

Result<Bytes> SnapshotFiles::Contents::read(std::size_t max) {
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(max, remaining()));
  if (wanted == 0) return Bytes{};
  Result<Bytes> bytes = files_->read(name_, offset_, wanted);
  if (!bytes) return bytes;
  if (bytes->size() != wanted) {
    return Error{Errc::corrupt, "snapshot " + files_->path_of(name_) + ": it is cut short"};
  }
  offset_ += wanted;
  return bytes;
}

}  // namespace raft::storage
