#include "sim/network/packet.hpp"

#include "protocol/service.hpp"
#include "util/bytes.hpp"
#include "wire/codec.hpp"

namespace raft::sim {
namespace {

// The layout is at the head of wire/frame.cpp.
constexpr std::size_t type_offset = 3;
constexpr std::size_t length_offset = 12;
constexpr std::size_t checksum_offset = 16;

std::uint32_t number_at(BytesView frame, std::size_t offset) {
  return frame.size() < offset ? 0 : util::Reader(frame.substr(offset)).u32();
}

}  // namespace

std::size_t first_frame_bytes(BytesView frames) {
  return wire::frame_header_bytes + number_at(frames, length_offset);
}

wire::FrameType type_of(BytesView frame) {
  return static_cast<wire::FrameType>(static_cast<unsigned char>(frame[type_offset]));
}

std::uint32_t checksum_of(BytesView frame) { return number_at(frame, checksum_offset); }

std::string describe_frame(BytesView frame) {
  const std::string size = std::to_string(frame.size()) + " bytes";
  if (frame.size() < wire::frame_header_bytes || frame.size() != first_frame_bytes(frame)) {
    return size + ", no whole frame";
  }
  const BytesView payload = frame.substr(wire::frame_header_bytes);
  switch (type_of(frame)) {
    case wire::FrameType::hello:
      return "hello";
    case wire::FrameType::refused:
      return "refused";
    case wire::FrameType::message:
      if (const auto message = wire::decode_message(payload)) return describe(*message);
      break;
    case wire::FrameType::service:
      if (const auto message = wire::decode_service_message(payload)) {
        return name_of(message->body) + (", " + size);
      }
      break;
  }
  return size + " that cannot be read";
}

}  // namespace raft::sim
