// Frames: how messages are told apart, checked and bounded in a stream of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <libraft/error.hpp>
#include <libraft/types.hpp>

namespace raft::wire {

inline constexpr std::size_t frame_header_bytes = 20;

/// The version of hello and refused frames, which must be understood before any is agreed on.
inline constexpr std::uint8_t handshake_version = 0;

enum class FrameType : std::uint8_t { hello = 1, refused = 2, message = 3, service = 4 };

/// Starts a frame at the end of `out` and tells where it starts. Append the payload, then end it.
std::size_t begin_frame(Bytes& out, std::uint8_t version, FrameType type, GroupId group);
/// Fills in length and checksum. The payload is not empty and below 4 GiB.
void end_frame(Bytes& out, std::size_t start);

struct Frame {
  FrameType type = FrameType::hello;
  GroupId group;
  BytesView payload;  ///< Valid until keep_rest().
};

/// Cuts received bytes into frames. Whole frames are read in place; only an incomplete one is
/// copied, so that memory grows with what has been received and never with what a header claims.
class FrameReader {
 public:
  struct Expected {
    std::uint8_t version = handshake_version;  ///< Of all frames but those of the handshake.
    std::size_t payload_bytes_max = 0;
  };

  /// Further bytes, which must stay until keep_rest().
  void feed(BytesView bytes);
  /// The next whole frame, checked; absent until more bytes have come. `corrupt` as soon as what
  /// is there cannot become a valid frame; nothing can be read after that.
  Result<std::optional<Frame>> next(const Expected& expected);
  /// Takes what has not been read into a buffer of its own.
  void keep_rest();

  /// Bytes not yet read, of those fed last.
  std::size_t unread() const { return unread_.size(); }
  /// Of a frame that is not yet complete, behind keep_rest().
  std::size_t kept() const { return buffer_.size(); }

 private:
  Bytes buffer_;            // Between keep_rest() and feed(): all that is unread.
  BytesView unread_;        // Between feed() and keep_rest(): the unread end of either
  bool in_buffer_ = false;  // buffer_, when this is true, or of the bytes fed.
};

}  // namespace raft::wire
