// How large things may be, so that whatever is accepted can also be sent: an entry that fits no
// frame would close every connection that it is tried on, and the group would stand still.
#pragma once

#include <cstddef>

namespace raft {

/// The payload of one frame between nodes.
inline constexpr std::size_t frame_bytes_max = std::size_t{8} << 20;
/// What of it may be a command, a run of entries, or a reply: the rest is for what surrounds them.
inline constexpr std::size_t content_bytes_max = frame_bytes_max - 1024;
/// What waits for one connection. Beyond, it is closed.
inline constexpr std::size_t send_queue_bytes_max = std::size_t{64} << 20;

// A membership travels as a whole: in one entry, in each snapshot's head and in each offer of one.
inline constexpr std::size_t members_max = 1000;
/// With more, a node's hello would not fit the handshake.
inline constexpr std::size_t address_bytes_max = 256;
inline constexpr std::size_t attributes_bytes_max = std::size_t{4} << 10;

}  // namespace raft
