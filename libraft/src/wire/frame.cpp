// All numbers are little-endian.
//
//   frame  := header payload
//   header := magic:2 version:u8 type:u8 group:u64 length:u32 crc:u32
//
//   magic    b5 52. The first byte is no ASCII and begins no TLS record, so that HTTP and TLS
//            clients on the wrong port are told apart by their first byte.
//   version  0 in a hello or refused frame, else the version that the handshake agreed on.
//   type     1 hello, 2 refused, 3 message, 4 service message.
//   group    0 in a hello or refused frame.
//   length   of the payload, at least 1.
//   crc      CRC32C of the 16 bytes of header before it and of the payload. It covers the header
//            because a flipped bit in `group` would hand a valid message to another group.
#include "wire/frame.hpp"

#include <string>
#include <utility>

#include "util/assert.hpp"
#include "util/bytes.hpp"
#include "util/crc32c.hpp"

namespace raft::wire {
namespace {

constexpr BytesView magic = "\xb5\x52";
constexpr std::size_t length_offset = 12;
constexpr std::size_t crc_offset = 16;

// A buffer that once held a large frame is given back when it is empty and larger than this.
constexpr std::size_t idle_buffer_bytes_max = std::size_t{64} << 10;

struct Header {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  GroupId group;
  std::uint32_t length = 0;
  std::uint32_t crc = 0;
};

Header read_header(BytesView bytes) {
  util::Reader in(bytes.substr(magic.size(), frame_header_bytes - magic.size()));
  Header header;
  header.version = in.u8();
  header.type = in.u8();
  header.group = {in.u64()};
  header.length = in.u32();
  header.crc = in.u32();
  return header;
}

bool is_known(std::uint8_t type) {
  return type >= static_cast<std::uint8_t>(FrameType::hello) &&
         type <= static_cast<std::uint8_t>(FrameType::service);
}

bool is_handshake(std::uint8_t type) {
  return type <= static_cast<std::uint8_t>(FrameType::refused);
}

Error corrupt(std::string detail) { return {Errc::corrupt, std::move(detail)}; }

Result<void> check(const Header& header, const FrameReader::Expected& expected) {
  if (!is_known(header.type)) {
    return corrupt("frame type " + std::to_string(header.type) + " is unknown");
  }
  const std::uint8_t version = is_handshake(header.type) ? handshake_version : expected.version;
  if (header.version != version) {
    return corrupt("frame version " + std::to_string(header.version) + " instead of " +
                   std::to_string(version));
  }
  if (is_handshake(header.type) && header.group != GroupId{}) {
    return corrupt("a handshake frame names group " + to_string(header.group));
  }
  if (header.length == 0) return corrupt("a frame without payload");
  if (header.length > expected.payload_bytes_max) {
    return corrupt("a frame of " + std::to_string(header.length) + " bytes where " +
                   std::to_string(expected.payload_bytes_max) + " are allowed");
  }
  return {};
}

std::uint32_t checksum(BytesView header, BytesView payload) {
  return util::crc32c(payload, util::crc32c(header.substr(0, crc_offset)));
}

void patch(Bytes& out, std::size_t at, std::uint32_t value) {
  Bytes bytes;
  util::Writer(bytes).u32(value);
  out.replace(at, bytes.size(), bytes);
}

}  // namespace

std::size_t begin_frame(Bytes& out, std::uint8_t version, FrameType type, GroupId group) {
  const std::size_t start = out.size();
  out.append(magic);
  util::Writer header(out);
  header.u8(version);
  header.u8(static_cast<std::uint8_t>(type));
  header.u64(group.value);
  header.u32(0);  // Length and checksum are filled in by end_frame().
  header.u32(0);
  return start;
}

void end_frame(Bytes& out, std::size_t start) {
  const std::size_t length = out.size() - start - frame_header_bytes;
  RAFT_ASSERT(length > 0);
  RAFT_ASSERT(length <= ~std::uint32_t{0});
  patch(out, start + length_offset, static_cast<std::uint32_t>(length));
  const BytesView frame = BytesView(out).substr(start);
  patch(out, start + crc_offset, checksum(frame, frame.substr(frame_header_bytes)));
}

void FrameReader::feed(BytesView bytes) {
  in_buffer_ = !buffer_.empty();
  if (in_buffer_) buffer_.append(bytes);
  unread_ = in_buffer_ ? BytesView(buffer_) : bytes;
}

Result<std::optional<Frame>> FrameReader::next(const Expected& expected) {
  const BytesView begin = unread_.substr(0, magic.size());
  if (begin != magic.substr(0, begin.size())) return corrupt("not a raft frame");
  if (unread_.size() < frame_header_bytes) return std::optional<Frame>();

  const Header header = read_header(unread_);
  if (const Result<void> checked = check(header, expected); !checked) return checked.error();
  const std::size_t frame_bytes = frame_header_bytes + header.length;
  if (unread_.size() < frame_bytes) return std::optional<Frame>();

  const BytesView payload = unread_.substr(frame_header_bytes, header.length);
  if (checksum(unread_, payload) != header.crc) return corrupt("frame with a wrong checksum");
  unread_.remove_prefix(frame_bytes);
  return std::optional<Frame>(Frame{static_cast<FrameType>(header.type), header.group, payload});
}

void FrameReader::keep_rest() {
  if (in_buffer_) {
    buffer_.erase(0, buffer_.size() - unread_.size());
  } else {
    buffer_.assign(unread_);
  }
  if (buffer_.empty() && buffer_.capacity() > idle_buffer_bytes_max) Bytes().swap(buffer_);
  unread_ = {};
  in_buffer_ = false;
}

}  // namespace raft::wire
