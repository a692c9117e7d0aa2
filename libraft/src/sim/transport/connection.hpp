// One connection of the simulated network that drives a wire::ConnectionMachine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <libraft/types.hpp>
#include "sim/network/stream.hpp"
#include "sim/transport/environment.hpp"
#include "wire/connection_machine.hpp"
#include "wire/links/connection.hpp"
#include "wire/links/ending.hpp"

namespace raft::sim {

/// Moves bytes between a socket and a machine.
class Connection final : public wire::Connection, public Stream::Owner {
 public:
  using Owner = wire::Connection::Owner;

  /// The socket is open. A dialler's hello leaves as soon as the connection is begun.
  static wire::Opened opened(TransportEnvironment& environment, Socket socket, Side side);

  Connection(TransportEnvironment&, Socket, Side, const Hello& own, Owner&);

  void send(GroupId group, const Message& message) override { queue(group, message); }
  void send(GroupId group, const ServiceMessage& message) override { queue(group, message); }
  void flush() override;
  void close() override;
  void limit_life(Duration limit, std::string why) override;
  void limit_idleness(Duration limit, std::string why) override;

 private:
  void begin();
  std::shared_ptr<Connection> shared();

  void arrived(BytesView bytes) override;
  void broken() override;

  template <class AnyMessage>
  void queue(GroupId group, const AnyMessage& message);

  void handshake_ended() override;
  void machine_closed(wire::Closed verdict) override;

  void end(const wire::Ending& ending);
  void limit_reached(std::uint64_t limit);
  void watch_frame();
  void look_at_frame(const wire::ConnectionMachine::Reading& before);

  TransportEnvironment& environment_;
  Socket socket_;

  std::uint64_t limit_ = 0;   ///< Counts them: only the last one is in force.
  Duration idleness_max_{0};  ///< 0: the limit is not about idleness.
  bool was_active_ = false;   ///< Since the limit was set.
  std::string limit_reason_;

  bool is_watching_frame_ = false;  ///< One that does not come to its end.
};

}  // namespace raft::sim
