// One connection of the simulated network that drives a wire::ConnectionMachine.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <libraft/types.hpp>
#include "sim/network/stream.hpp"
#include "sim/transport/environment.hpp"
#include "wire/connection_machine.hpp"
#include "wire/transport.hpp"

namespace raft::sim {

/// Why a connection is over.
struct Ending {
  std::optional<wire::Closed>
      verdict;  ///< The machine's; absent: the network or a deadline did it.
  std::string text;

  /// Whether one of the two nodes did not want the other.
  bool is_refusal() const;
  /// The other side's refusal, if that was it.
  const Refused* refused_by_peer() const;
};

/// Moves bytes between a socket and a machine, and tells its owner what comes of it. After close()
/// and after Owner::closed() its pending events do nothing, so that its owner need not outlive it.
class Connection final : public Stream::Owner, public std::enable_shared_from_this<Connection> {
 public:
  using Side = wire::ConnectionMachine::Side;

  /// Its calls come from events of the process, never from within a call into the connection, but
  /// for the events that accept() and refuse() cause: these follow when hello_received() has
  /// returned. Any of them may close the connection.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// To be answered at once with accept(), refuse() or close().
    virtual void hello_received(Connection&, const Hello&) = 0;
    virtual void established(Connection&) = 0;
    virtual void received(Connection&, GroupId, Message&&) = 0;
    virtual void received(Connection&, GroupId, ServiceMessage&&) = 0;
    /// The last call. Not told after close().
    virtual void closed(Connection&, const Ending&) = 0;
  };

  /// A dialler's hello leaves at once. `own.target` is whom it dials.
  static std::shared_ptr<Connection> start(TransportEnvironment&, Socket, Side, const Hello& own,
                                           Owner&);

  Connection(TransportEnvironment&, Socket, Side, const Hello& own, Owner&);

  /// From now on another owner is told.
  void set_owner(Owner& owner) { owner_ = &owner; }

  void accept() { machine_.accept(); }
  void refuse(const Refused& refused) { machine_.refuse(refused); }

  /// Queues a message for the next flush(). Ignored unless established. If the queue overflows
  /// the connection ends, which its owner is told in a later event.
  template <class AnyMessage>
  void send(GroupId group, const AnyMessage& message);
  void flush();

  /// Ends it now. What was flushed before still arrives.
  void close();

  /// Ends it after `limit`, whatever happens until then. Replaces earlier limits.
  void limit_life(Duration limit, std::string why);
  /// Ends it when nothing was sent or received for `limit`, after at most twice that time.
  void limit_idleness(Duration limit, std::string why);

  /// One answer on this connection, for as long as it lives.
  wire::TransportHandler::Reply make_reply();

  bool is_established() const { return machine_.is_established(); }
  Side side() const { return machine_.side(); }
  /// The other node: who was dialled or who said hello; 0 while unknown.
  NodeId node() const;
  /// The other side's hello; once established it is there.
  const std::optional<Hello>& peer() const { return machine_.peer(); }

 private:
  void arrived(BytesView bytes) override;
  void broken() override;

  void pass_events_on();
  void pass_on(wire::Event& event);
  void end(const Ending& ending);
  void limit_reached(std::uint64_t limit);
  void watch_frame();
  void look_at_frame(const wire::ConnectionMachine::Reading& before);

  TransportEnvironment& environment_;
  Owner* owner_;  ///< Null once the connection is over.
  Socket socket_;
  wire::ConnectionMachine machine_;
  const NodeId target_;

  std::uint64_t limit_ = 0;   ///< Counts them: only the last one is in force.
  Duration idleness_max_{0};  ///< 0: the limit is not about idleness.
  bool was_active_ = false;   ///< Since the limit was set.
  std::string limit_reason_;

  bool is_watching_frame_ = false;  ///< One that does not come to its end.
};

}  // namespace raft::sim
