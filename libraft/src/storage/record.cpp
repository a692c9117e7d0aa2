// value := crc:u32le format:u8 body
// crc   := CRC32C of the key, then format and body
//
// The engine has checksums of its own, but they end where its memory begins. This one goes from
// the encoder to the decoder. It includes the key, so that a value which comes back under another
// key, or a key that has rotted, is noticed too.
#include "storage/record.hpp"

#include <cstddef>
#include <cstdint>

#include "storage/keys.hpp"
#include "util/assert.hpp"
#include "util/bytes.hpp"
#include "util/crc32c.hpp"

namespace raft::storage {
namespace {

constexpr std::uint8_t format_now = 1;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t envelope_bytes = crc_bytes + 1;

std::uint32_t checksum(BytesView key, BytesView format_and_body) {
  return util::crc32c(format_and_body, util::crc32c(key));
}

}  // namespace

Bytes blank_record() { return Bytes(envelope_bytes, '\0'); }

void seal(BytesView key, Bytes& record) {
  RAFT_ASSERT(record.size() >= envelope_bytes);
  record[crc_bytes] = static_cast<char>(format_now);
  Bytes crc;
  util::Writer(crc).u32(checksum(key, BytesView(record).substr(crc_bytes)));
  record.replace(0, crc_bytes, crc);
}

Result<BytesView> unseal(BytesView key, BytesView value) {
  util::Reader in(value);
  const std::uint32_t crc = in.u32();
  const std::uint8_t format = in.u8();
  if (!in.ok()) return corrupt_record(key, "the value is too short");
  // The checksum first: a format number that has rotted must not be reported as a newer format.
  if (crc != checksum(key, value.substr(crc_bytes))) {
    return corrupt_record(key, "checksum mismatch");
  }
  if (format != format_now) {
    return Error{Errc::newer_format, describe_key(key) + ": format " + std::to_string(format) +
                                         " is unknown here; it was written by a newer version"};
  }
  return value.substr(envelope_bytes);
}

Error corrupt_record(BytesView key, const std::string& what) {
  return {Errc::corrupt, describe_key(key) + ": " + what};
}

}  // namespace raft::storage
