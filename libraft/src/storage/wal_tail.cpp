// RocksDB's write-ahead log, as far as it matters here:
//
//   log      := block*                       a block is 32 KiB, the last one may be shorter
//   block    := fragment* padding            fewer than 7 bytes of padding
//   fragment := crc:u32le length:u16le type:u8 byte*
//   record   := full | first middle* last    one write batch
//   crc      := masked CRC32C of type and bytes
//
// How a torn record is told from a rotten one:
//
// 1. Every batch is synced before the next is written. So a torn record is the last of all; the
//    damage in front of another record is rot. That other record is searched for at every offset,
//    for the lengths in between may be what has rotted.
// 2. What did not reach the disk is beyond the end of the file or reads as zeros, for the log is
//    only appended to. A damaged block without any sector of zeros has rotted, too.
//
// What is left in doubt is rot in the very last record, of its length or where it happens to be
// zeros: it is taken for torn.
#include "storage/wal_tail.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

#include "storage/posix.hpp"
#include "storage/posix_files.hpp"
#include "util/bytes.hpp"
#include "util/crc32c.hpp"

namespace raft::storage {
namespace {

constexpr std::size_t block_bytes = 32768;
constexpr std::size_t header_bytes = 7;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t sector_bytes = 512;
constexpr std::string_view wal_ending = ".log";

enum class Type : std::uint8_t { full = 1, first = 2, middle = 3, last = 4 };

struct Fragment {
  Type type = Type::full;
  std::size_t end = 0;
};

std::uint32_t unmasked(std::uint32_t crc) {
  const std::uint32_t rotated = crc - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

std::size_t end_of_block(std::size_t offset) { return (offset / block_bytes + 1) * block_bytes; }

// The fragment at an offset, if there is a whole and valid one.
std::optional<Fragment> fragment_at(BytesView wal, std::size_t offset) {
  const std::size_t block_end = std::min(end_of_block(offset), wal.size());
  if (block_end - offset < header_bytes) return std::nullopt;
  util::Reader in(wal.substr(offset, header_bytes));
  const std::uint32_t crc = unmasked(in.u32());
  const std::size_t length = in.u16();
  const std::uint8_t type = in.u8();
  if (type < static_cast<std::uint8_t>(Type::full) ||
      type > static_cast<std::uint8_t>(Type::last)) {
    return std::nullopt;
  }
  if (length > block_end - offset - header_bytes) return std::nullopt;
  const std::size_t summed = header_bytes - crc_bytes - 2;
  if (crc != util::crc32c(wal.substr(offset + header_bytes - summed, summed + length))) {
    return std::nullopt;
  }
  return Fragment{static_cast<Type>(type), offset + header_bytes + length};
}

struct Damage {
  std::size_t record = 0;  ///< Where the record begins that is not whole.
  std::size_t offset = 0;  ///< The first thing in it that is wrong.
};

// The first record that is not what was written.
std::optional<Damage> find_damage(BytesView wal) {
  std::size_t offset = 0;
  std::size_t record = 0;
  bool in_record = false;
  while (offset < wal.size()) {
    if (end_of_block(offset) - offset < header_bytes) {
      offset = end_of_block(offset);
      continue;
    }
    const std::optional<Fragment> fragment = fragment_at(wal, offset);
    if (!in_record) record = offset;
    const Damage here{record, offset};
    if (!fragment) return here;
    const bool begins = fragment->type == Type::full || fragment->type == Type::first;
    if (begins == in_record) return here;
    in_record = fragment->type == Type::first || fragment->type == Type::middle;
    offset = fragment->end;
  }
  return std::nullopt;
}

// Whether the fragment at an offset goes on beyond the end of the file.
bool is_cut_short(BytesView wal, std::size_t offset) {
  const std::size_t block_end = end_of_block(offset);
  if (wal.size() >= block_end) return false;
  if (wal.size() - offset < header_bytes) return true;
  const std::size_t length = util::Reader(wal.substr(offset + crc_bytes, 2)).u16();
  const std::size_t end = offset + header_bytes + length;
  return end > wal.size() && end <= block_end;
}

bool a_record_begins_behind(BytesView wal, std::size_t offset) {
  for (std::size_t at = offset + 1; at < wal.size(); ++at) {
    const std::optional<Fragment> fragment = fragment_at(wal, at);
    if (fragment && (fragment->type == Type::full || fragment->type == Type::first)) return true;
  }
  return false;
}

// Whether a sector is missing from the block at `offset`: whatever of it lies behind is zeros.
bool has_hole(BytesView wal, std::size_t offset) {
  const std::size_t block_end = std::min(end_of_block(offset), wal.size());
  while (offset < block_end) {
    const std::size_t end = std::min((offset / sector_bytes + 1) * sector_bytes, block_end);
    if (wal.substr(offset, end - offset).find_first_not_of('\0') == BytesView::npos) return true;
    offset = end;
  }
  return false;
}

Result<void> truncate(const std::string& path, std::size_t size) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return posix_error(errno, "open", path);
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) {
    return posix_error(errno, "truncate", path);
  }
  if (::fsync(file.get()) != 0) {
    return Error{Errc::storage_failed, posix_error(errno, "sync", path).detail};
  }
  return {};
}

Error rotten(const std::string& path, std::size_t offset) {
  return {Errc::corrupt, "the write-ahead log " + path + " has rotted at offset " +
                             std::to_string(offset) + "; what was promised there is lost"};
}

// The names of the write-ahead logs with something in them, oldest first.
Result<std::vector<std::string>> find_wals(const FileSystem& files) {
  Result<std::vector<std::string>> names = files.list();
  if (!names) return names;
  std::vector<std::string> wals;
  for (const std::string& name : *names) {
    if (!name.ends_with(wal_ending)) continue;
    const Result<std::uint64_t> size = files.size(name);
    if (!size) return size.error();
    if (*size > 0) wals.push_back(name);
  }
  // Their numbers have six digits, or more.
  std::stable_sort(wals.begin(), wals.end(),
                   [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
  return wals;
}

}  // namespace

Result<void> mend_wal(const std::string& folder, const util::Log& log) {
  const Result<std::unique_ptr<PosixFiles>> files = PosixFiles::open(folder);
  if (!files) return files.error();
  const Result<std::vector<std::string>> wals = find_wals(**files);
  if (!wals) return wals.error();

  for (const std::string& name : *wals) {
    const Result<Bytes> wal = (*files)->read(name, 0, Bytes().max_size());
    if (!wal) return wal.error();
    const std::optional<Damage> damage = find_damage(*wal);
    if (!damage) continue;
    const std::string path = (*files)->path_of(name);
    if (a_record_begins_behind(*wal, damage->offset)) return rotten(path, damage->offset);
    // A file that ends too early is RocksDB's to judge: in the last one that is a torn end, and
    // how long the others must be is written down elsewhere. When a batch found no space, half of
    // it stays at the end of a file that nobody needs any more.
    if (name != wals->back() || is_cut_short(*wal, damage->offset)) continue;
    if (!has_hole(*wal, damage->offset)) return rotten(path, damage->offset);
    RAFT_LOG(log, warning,
             "cut off the last batch of " + path +
                 ", which a power cut had torn before it was "
                 "synced: " +
                 std::to_string(wal->size() - damage->record) + " bytes");
    if (const Result<void> cut = truncate(path, damage->record); !cut) return cut;
  }
  return {};
}

}  // namespace raft::storage
