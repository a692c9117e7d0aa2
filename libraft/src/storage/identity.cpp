// identity := magic:8 format:u8 node:u64 instance:u64,u64 cluster:u64,u64 boot:u64
//             groups:u32 joining* crc:u32
// joining  := group:u64 addresses:u32 address:bytes*
// magic    := "RAFTNODE"
// crc      := CRC32C of all bytes before it
//
// Numbers are little-endian, of instance and cluster the high half first; `bytes` is a u32 length
// and as many bytes. Groups ascend, and each has an address.
#include "storage/identity.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "util/bytes.hpp"
#include "util/crc32c.hpp"

namespace raft::storage {
namespace {

constexpr std::string_view file_name = "identity";
constexpr std::string_view temporary_name = "identity.tmp";
constexpr std::string_view magic = "RAFTNODE";
constexpr std::uint8_t format_now = 1;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t address_bytes_min = 4;
constexpr std::size_t joining_bytes_min = 12 + address_bytes_min;
constexpr std::size_t file_bytes_max = std::size_t{1} << 20;

Bytes encode(const Identity& identity) {
  Bytes file(magic);
  util::Writer out(file);
  out.u8(format_now);
  out.u64(identity.node.value);
  out.u64(identity.instance.high);
  out.u64(identity.instance.low);
  out.u64(identity.cluster.high);
  out.u64(identity.cluster.low);
  out.u64(identity.boot.value);
  out.u32(static_cast<std::uint32_t>(identity.joining.size()));
  for (const auto& [group, addresses] : identity.joining) {
    out.u64(group.value);
    out.u32(static_cast<std::uint32_t>(addresses.size()));
    for (const std::string& address : addresses) out.bytes(address);
  }
  out.u32(util::crc32c(file));
  return file;
}

void decode_joining(util::Reader& in, Identity& identity) {
  const GroupId group{in.u64()};
  std::vector<std::string> addresses;
  for (std::size_t left = in.count(address_bytes_min); left > 0; --left) {
    addresses.emplace_back(in.bytes());
  }
  const bool ascends = identity.joining.empty() || identity.joining.rbegin()->first < group;
  if (addresses.empty() || !ascends) in.fail();
  identity.joining.emplace(group, std::move(addresses));
}

// Everything between the format and the checksum.
std::optional<Identity> decode_body(BytesView body) {
  util::Reader in(body);
  Identity identity;
  identity.node.value = in.u64();
  identity.instance.high = in.u64();
  identity.instance.low = in.u64();
  identity.cluster.high = in.u64();
  identity.cluster.low = in.u64();
  identity.boot.value = in.u64();
  for (std::size_t left = in.count(joining_bytes_min); left > 0 && in.ok(); --left) {
    decode_joining(in, identity);
  }
  if (!in.done() || !identity.node || !identity.instance) return std::nullopt;
  return identity;
}

// A guessed identity could vote twice in one term. The way back is to come back as someone else.
Error corrupt_identity(const FileSystem& files, const std::string& what) {
  return {Errc::corrupt, "identity file " + files.path_of(std::string(file_name)) + ": " + what +
                             "; remove this member from the cluster, empty the directory and let "
                             "the node join again"};
}

Error newer_identity(const FileSystem& files, unsigned format) {
  return {Errc::newer_format,
          "identity file " + files.path_of(std::string(file_name)) + ": format " +
              std::to_string(format) +
              " is unknown here; it was written by a newer version: start that one"};
}

Result<std::optional<Identity>> decode(const FileSystem& files, BytesView file) {
  constexpr std::size_t head_bytes = magic.size() + 1;
  if (!file.starts_with(magic)) return corrupt_identity(files, "it does not begin like one");
  if (file.size() < head_bytes + crc_bytes) return corrupt_identity(files, "it is cut short");
  const BytesView summed = file.substr(0, file.size() - crc_bytes);
  if (util::Reader(file.substr(summed.size())).u32() != util::crc32c(summed)) {
    return corrupt_identity(files, "checksum mismatch");
  }
  const auto format = static_cast<std::uint8_t>(file[magic.size()]);
  if (format != format_now) return newer_identity(files, format);
  std::optional<Identity> identity = decode_body(summed.substr(head_bytes));
  if (!identity) return corrupt_identity(files, "it cannot be decoded");
  return identity;
}

}  // namespace

Result<std::optional<Identity>> read_identity(const FileSystem& files) {
  const Result<std::vector<std::string>> names = files.list();
  if (!names) return names.error();
  if (std::find(names->begin(), names->end(), file_name) == names->end()) {
    return std::optional<Identity>{};
  }
  const Result<Bytes> file = files.read(std::string(file_name), 0, file_bytes_max);
  if (!file) return file.error();
  return decode(files, *file);
}

Result<void> write_identity(FileSystem& files, const Identity& identity) {
  const std::string temporary(temporary_name);
  Result<std::unique_ptr<FileSystem::Writer>> writer = files.create(temporary);
  if (!writer) return writer.error();
  if (const auto written = (*writer)->append(encode(identity)); !written) return written;
  if (const auto synced = (*writer)->sync(); !synced) return synced;
  writer->reset();
  if (const auto renamed = files.rename(temporary, std::string(file_name)); !renamed) {
    return renamed;
  }
  return files.sync_folder();
}

Result<IdentityFile> IdentityFile::open(FileSystem& files, NodeId node, InstanceId fresh,
                                        bool has_log) {
  const auto read = read_identity(files);
  if (!read) return read.error();
  if (!*read && has_log) {
    return Error{Errc::data_missing,
                 files.path_of(std::string(file_name)) +
                     " is missing beside a log; restore it or remove the directory "
                     "and let the node join anew"};
  }
  Identity identity;
  identity.node = node;
  identity.instance = fresh;
  if (*read) {
    identity = **read;
  } else if (const auto written = write_identity(files, identity); !written) {
    return written.error();
  }
  if (identity.node != node) {
    return Error{Errc::id_taken, files.path_of(std::string(file_name)) + " belongs to node " +
                                     to_string(identity.node) + ", not to node " + to_string(node)};
  }
  ++identity.boot.value;
  return IdentityFile(files, std::move(identity));
}

Result<void> IdentityFile::change(const Identity& identity) {
  if (final_error_) return *final_error_;
  const Result<void> written = write_identity(*files_, identity);
  if (written) {
    identity_ = identity;
  } else if (written.code() == Errc::storage_failed) {
    final_error_ = written.error();
  }
  return written;
}

}  // namespace raft::storage
