// What travels: one frame each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <libraft/sim.hpp>
#include <libraft/types.hpp>
#include "wire/frame.hpp"

namespace raft::sim {

/// The faults that a packet suffered. They count when it arrives, for until then they did nothing.
class Marks {
 public:
  void add(Fault fault) { bits_ |= std::uint64_t{1} << static_cast<unsigned>(fault); }
  bool has(Fault fault) const { return (bits_ >> static_cast<unsigned>(fault) & 1) != 0; }
  bool empty() const { return bits_ == 0; }

 private:
  static_assert(static_cast<unsigned>(Fault::count_) <= 64);
  std::uint64_t bits_ = 0;
};

/// A frame, the beginning of one, or nothing but the end of the connection.
struct Packet {
  enum class Then : std::uint8_t {
    more,
    closed,  ///< The other end has closed.
    broken,  ///< The connection breaks behind these bytes.
  };

  Bytes bytes;
  Duration due{0};  ///< The instant of its arrival.
  Marks marks{};
  Then then = Then::more;
  bool is_message = false;  ///< One of Raft's own: may arrive in any order and number.
  bool waits_for_overtaking = false;
};

/// How many bytes the first of these frames takes; the frames are whole ones of a machine's output.
std::size_t first_frame_bytes(BytesView frames);
wire::FrameType type_of(BytesView frame);
/// 0 if the header is not all there.
std::uint32_t checksum_of(BytesView frame);
/// For a reader of the trace.
std::string describe_frame(BytesView frame);

}  // namespace raft::sim
