// file    := head machine:byte* trailer
// head    := magic:8 format:u8 meta:bytes records:bytes
// trailer := masked CRC32C of all bytes before it:u32le
// bytes   := length:u32le byte*
//
// magic   := "RAFTSNAP"
// meta    := snapshot, as in protocol/encoding.cpp
// records := libraft's own state for the volatile machine: sessions and what else must agree
//
// name     := "snapshot-" GROUP "-" INDEX "-" TERM ending        (20 decimal digits each)
// ending   := ".snap"                                            complete
//           | ".snap.tmp"                                        being written from the machine
//           | "." BYTES "-" CRC ".tmp"                           being received (20 and 10 digits)
#include "storage/snapshot_format.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "protocol/encoding.hpp"
#include "util/bytes.hpp"
#include "util/crc32c.hpp"

namespace raft::storage {
namespace {

constexpr std::string_view magic = "RAFTSNAP";
constexpr std::uint8_t format_now = 1;
constexpr std::size_t length_bytes = 4;
constexpr std::size_t trailer_bytes = 4;
constexpr std::size_t read_bytes = std::size_t{256} << 10;

constexpr std::string_view prefix = "snapshot-";
constexpr std::string_view complete_ending = ".snap";
constexpr std::string_view temporary_ending = ".tmp";
constexpr std::size_t number_digits = 20;
constexpr std::size_t crc_digits = 10;

// A CRC directly behind its data makes the CRC of the whole a constant, the same for every file:
// SnapshotInfo::crc would tell no two files apart. Rotation and addition break that.
std::uint32_t masked(std::uint32_t crc) { return ((crc >> 11) | (crc << 21)) + 0x5eed5a17u; }

Error corrupt_file(const FileSystem& files, const std::string& name, const std::string& what) {
  return {Errc::corrupt, "snapshot " + files.path_of(name) + ": " + what};
}

// Reads length-prefixed pieces of a file without trusting the lengths.
class HeadReader {
 public:
  HeadReader(const FileSystem& files, const std::string& name, std::uint64_t end)
      : files_(files), name_(name), end_(end) {}

  Result<Bytes> take(std::uint64_t size) {
    if (size > end_ - offset_) return corrupt_file(files_, name_, "the head is cut short");
    Result<Bytes> bytes = files_.read(name_, offset_, static_cast<std::size_t>(size));
    if (!bytes) return bytes;
    if (bytes->size() != size) return corrupt_file(files_, name_, "it is cut short");
    offset_ += size;
    return bytes;
  }

  Result<Bytes> take_prefixed() {
    const Result<Bytes> length = take(length_bytes);
    if (!length) return length;
    return take(util::Reader(*length).u32());
  }

  std::uint64_t offset() const { return offset_; }

 private:
  const FileSystem& files_;
  const std::string& name_;
  const std::uint64_t end_;
  std::uint64_t offset_ = 0;
};

struct Sum {
  std::uint32_t crc = 0;
  Bytes trailer;
};

// CRC of the bytes in [0, end), and the trailer behind them.
Result<Sum> sum_file(const FileSystem& files, const std::string& name, std::uint64_t end) {
  Sum sum;
  for (std::uint64_t offset = 0; offset < end;) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(read_bytes, end - offset));
    const Result<Bytes> bytes = files.read(name, offset, wanted);
    if (!bytes) return bytes.error();
    if (bytes->size() != wanted) return corrupt_file(files, name, "it is cut short");
    sum.crc = util::crc32c(*bytes, sum.crc);
    offset += wanted;
  }
  Result<Bytes> trailer = files.read(name, end, trailer_bytes);
  if (!trailer) return trailer.error();
  sum.trailer = *std::move(trailer);
  return sum;
}

std::string digits(std::uint64_t value, std::size_t width) {
  const std::string number = std::to_string(value);
  return std::string(width - number.size(), '0') + number;
}

std::string stem(GroupId group, EntryId last) {
  return std::string(prefix) + digits(group.value, number_digits) + "-" +
         digits(last.index.value, number_digits) + "-" + digits(last.term.value, number_digits);
}

// Takes names apart from the front. The first mismatch sticks.
class NameReader {
 public:
  explicit NameReader(std::string_view name) : rest_(name) {}

  bool accept(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) { ok_ = accept(text) && ok_; }

  std::uint64_t number(std::size_t width) {
    std::uint64_t value = 0;
    const std::string_view field = rest_.substr(0, width);
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    ok_ = ok_ && field.size() == width && error == std::errc{} && end == field.data() + width;
    rest_.remove_prefix(field.size());
    return value;
  }

  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

Bytes encode_snapshot_head(const SnapshotMeta& meta, BytesView records) {
  Bytes encoded_meta;
  util::Writer meta_out(encoded_meta);
  encode(meta, meta_out);

  Bytes head(magic);
  util::Writer out(head);
  out.u8(format_now);
  out.bytes(encoded_meta);
  out.bytes(records);
  return head;
}

Bytes encode_snapshot_trailer(std::uint32_t crc) {
  Bytes trailer;
  util::Writer(trailer).u32(masked(crc));
  return trailer;
}

Result<SnapshotHead> read_snapshot_head(const FileSystem& files, const std::string& name) {
  const Result<std::uint64_t> size = files.size(name);
  if (!size) return size.error();
  if (*size < trailer_bytes) return corrupt_file(files, name, "it is cut short");

  SnapshotHead head;
  head.machine_end = *size - trailer_bytes;
  HeadReader in(files, name, head.machine_end);
  const Result<Bytes> mark = in.take(magic.size() + 1);
  if (!mark) return mark.error();
  if (!mark->starts_with(magic)) return corrupt_file(files, name, "it is not a snapshot");
  const auto format = static_cast<std::uint8_t>(mark->back());
  if (format != format_now) {
    return Error{Errc::newer_format, "snapshot " + files.path_of(name) + ": format " +
                                         std::to_string(format) +
                                         " is unknown here; it was written by a newer version"};
  }
  const Result<Bytes> meta = in.take_prefixed();
  if (!meta) return meta.error();
  Result<Bytes> records = in.take_prefixed();
  if (!records) return records.error();

  util::Reader meta_in(*meta);
  head.meta = decode_snapshot_meta(meta_in);
  if (!meta_in.done()) return corrupt_file(files, name, "the head cannot be decoded");
  head.records = *std::move(records);
  head.machine_begin = in.offset();
  return head;
}

Result<SnapshotInfo> verify_snapshot(const FileSystem& files, const std::string& name) {
  const Result<std::uint64_t> size = files.size(name);
  if (!size) return size.error();
  if (*size < trailer_bytes) return corrupt_file(files, name, "it is cut short");

  // The checksum before the head: a head that has rotted is not to be reported as something else.
  const Result<Sum> sum = sum_file(files, name, *size - trailer_bytes);
  if (!sum) return sum.error();
  if (sum->trailer != encode_snapshot_trailer(sum->crc)) {
    return corrupt_file(files, name, "checksum mismatch");
  }
  Result<SnapshotHead> head = read_snapshot_head(files, name);
  if (!head) return head.error();
  return SnapshotInfo{std::move(head->meta), *size, util::crc32c(sum->trailer, sum->crc)};
}

std::string snapshot_name(GroupId group, EntryId last) {
  return stem(group, last) + std::string(complete_ending);
}

std::string begun_name(GroupId group, EntryId last) {
  return snapshot_name(group, last) + std::string(temporary_ending);
}

std::string received_name(GroupId group, const SnapshotInfo& info) {
  return stem(group, info.meta.last) + "." + digits(info.bytes, number_digits) + "-" +
         digits(info.crc, crc_digits) + std::string(temporary_ending);
}

std::optional<SnapshotName> parse_snapshot_name(const std::string& name, GroupId group) {
  NameReader in(name);
  SnapshotName parsed;
  in.expect(prefix);
  const GroupId named{in.number(number_digits)};
  in.expect("-");
  parsed.last.index.value = in.number(number_digits);
  in.expect("-");
  parsed.last.term.value = in.number(number_digits);
  if (in.accept(complete_ending)) {
    if (in.accept(temporary_ending)) parsed.kind = SnapshotName::Kind::begun;
  } else {
    parsed.kind = SnapshotName::Kind::received;
    in.expect(".");
    in.number(number_digits);
    in.expect("-");
    in.number(crc_digits);
    in.expect(temporary_ending);
  }
  if (!in.done() || named != group) return std::nullopt;
  return parsed;
}

}  // namespace raft::storage
