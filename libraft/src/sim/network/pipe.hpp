// What is under way in one direction of one connection.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include <libraft/types.hpp>
#include "sim/network/packet.hpp"

namespace raft::sim {

/// Packets in the order of their arrival. Those whose time came while the way was blocked are held
/// at the front until release().
class Pipe {
 public:
  /// Behind everything that was pushed in order before.
  void push(Packet packet);
  /// Before the last one, or so much later that others may overtake it: Raft's messages pass Raft's
  /// messages only.
  void push_before_last(Packet packet);
  /// At its own time, whatever comes before or after it.
  void push_aside(Packet packet);

  /// The arrival of the first packet that is not held; absent: there is none.
  std::optional<Duration> next_due() const;
  /// The first one; none may be held.
  Packet pop();

  bool empty() const { return packets_.empty(); }
  bool can_be_overtaken() const;
  /// Holds what is due and tells how many packets that were.
  std::size_t hold(Duration now);
  bool holds_any() const { return held_ > 0; }
  /// What was held goes on and arrives at this instant.
  void release(Duration due);
  /// What was held is gone, but for the end of the connection, which a system sends again. Tells
  /// how many packets were lost; the rest is released.
  std::size_t lose_held(Duration due);
  void clear();
  /// Only the first bytes of the first packet arrive, and then the connection breaks.
  void break_at(std::size_t bytes);
  std::size_t first_bytes() const { return packets_.front().bytes.size(); }

  /// Sent and not yet there.
  std::size_t bytes() const { return bytes_; }

  /// Sends so many bytes one after the other at that speed; tells when the last one has left.
  Duration occupy(Duration now, std::size_t bytes, std::uint64_t bytes_per_second);

 private:
  using Position = std::deque<Packet>::iterator;

  void insert(Position before, Packet packet);

  std::deque<Packet> packets_;  ///< By `due`, but for those held.
  std::size_t held_ = 0;        ///< So many at the front.
  std::size_t bytes_ = 0;       ///< Of all packets.
  Duration last_due_{0};        ///< Of what was pushed in order.
  Duration busy_until_{0};
};

}  // namespace raft::sim
