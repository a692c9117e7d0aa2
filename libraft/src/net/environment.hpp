// What all parts of one transport share.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <random>

#include <libraft/types.hpp>
#include "util/log.hpp"
#include "wire/connection_machine.hpp"
#include "wire/transport.hpp"

namespace raft::net {

/// Most users should leave these alone.
struct TcpOptions {
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
  /// How long a refused node may take to read why.
  Duration farewell_timeout = std::chrono::seconds(1);

  Duration redial_first = std::chrono::milliseconds(20);
  Duration redial_max = std::chrono::seconds(2);
  Duration refused_redial_first = std::chrono::seconds(1);
  Duration refused_redial_max = std::chrono::seconds(5);

  /// Inbound connections that have not said who they are, or only introduce themselves.
  std::size_t newcomers_max = 64;
  /// Inbound connections of each kind from nodes that set_peers() does not name.
  std::size_t strangers_max = 64;
  wire::ConnectionMachine::Limits limits{};
};

struct Traffic {
  std::uint64_t connections_refused = 0;
  std::uint64_t frames_rejected = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

/// Lives as long as the transport. What may run later than that does not touch it.
struct Environment {
  boost::asio::any_io_executor executor;  ///< A strand: everything runs on it.
  NodeId own;
  TcpOptions options;
  wire::TransportHandler& handler;
  util::Log log;
  Traffic traffic{};
  std::minstd_rand random{std::random_device{}()};  ///< Only spreads waiting times.
};

}  // namespace raft::net
