// What a node needs of the network: TCP is one, the simulator's network another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "protocol/hello.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"
#include "util/unique_function.hpp"

namespace raft::wire {

/// The node's side of a transport. All calls come on the node's strand, never from within a call
/// into the transport.
class TransportHandler {
 public:
  virtual ~TransportHandler() = default;

  /// The own hello of this moment.
  virtual Hello hello(Purpose purpose, NodeId target) = 0;
  /// Judges another node's hello, on either side of a connection. Absent: welcome.
  virtual std::optional<Refused> judge(const Hello& hello) = 0;
  /// A peer refused us, for good or until something changes.
  virtual void refused(NodeId peer, const std::string& address, const Refused& why) = 0;

  /// The control connection to a peer came up, or a newer one replaced it.
  virtual void connected(NodeId peer, const Hello& hello) = 0;
  /// It broke. Nothing sent on it before may be counted on.
  virtual void lost(NodeId peer) = 0;

  virtual void received(GroupId group, Message message) = 0;
  /// On control or bulk connections; on `introduce` connections from nodes that need not be
  /// members: `reply` then sends one answer on the same connection, for as long as it lives.
  using Reply = util::UniqueFunction<void(GroupId, ServiceMessage)>;
  virtual void received(GroupId group, ServiceMessage message, Reply reply) = 0;
};

/// Moves messages between nodes. Used on the node's strand only. Messages to one peer on one
/// control connection arrive in order or the connection is lost, told by lost().
class Transport {
 public:
  virtual ~Transport() = default;

  /// Whom to keep a control connection with, and where. Those not named are let go.
  virtual void set_peers(const std::map<NodeId, std::string>& addresses) = 0;

  /// Queues a message on the control connection; without one it is dropped, as lost() has told.
  virtual void send(GroupId group, const Message& message) = 0;
  virtual void send(GroupId group, const ServiceMessage& message) = 0;
  /// Queues a message on the bulk connection, which is dialled on demand by whoever asks for
  /// chunks; answers go back on the connection that the question came on.
  virtual void send_bulk(GroupId group, const ServiceMessage& message) = 0;
  /// The end of a turn: what was queued leaves, one gathered write per connection.
  virtual void flush() = 0;

  virtual bool is_connected(NodeId peer) const = 0;

  /// Asks the node at an address who it is and, with a request, waits for its one reply.
  /// Errors: timed_out (5 s, nobody there), conflict (it refused; the detail says why). A transport
  /// that goes drops `done` uncalled.
  virtual void introduce(const std::string& address, GroupId group,
                         std::optional<ServiceBody> request,
                         util::UniqueFunction<void(Result<Introduction>)> done) = 0;
};

}  // namespace raft::wire
