// The times and limits of links.
#pragma once

#include <chrono>
#include <cstddef>

#include <libraft/types.hpp>
#include "wire/connection_machine.hpp"

namespace raft::wire {

/// Most users should leave these alone.
struct LinkRules {
  Duration connect_timeout = std::chrono::seconds(2);
  /// From the open connection to both hellos being judged.
  Duration handshake_timeout = std::chrono::seconds(5);
  /// For a whole introduction, from the dial to the reply.
  Duration introduce_timeout = std::chrono::seconds(5);
  /// After how long without any sign of life from its system a peer is lost.
  Duration idle_timeout = std::chrono::seconds(5);
  /// A frame that has begun must grow by so much within each idle_timeout, or it never ends: its
  /// length was damaged on the way, or its sender means no good.
  std::size_t frame_bytes_min = std::size_t{64} << 10;
  /// Bulk connections are closed when they have not been used for this long.
  Duration bulk_idle_timeout = std::chrono::seconds(60);

  Duration redial_first = std::chrono::milliseconds(20);
  Duration redial_max = std::chrono::seconds(2);
  Duration refused_redial_first = std::chrono::seconds(1);
  Duration refused_redial_max = std::chrono::seconds(5);

  /// Inbound connections that have not said who they are, or only introduce themselves.
  std::size_t newcomers_max = 64;
  /// Inbound connections of each kind from nodes that set_peers() does not name.
  std::size_t strangers_max = 64;
  ConnectionMachine::Limits limits{};
};

}  // namespace raft::wire
