// One connection as links see it, whatever moves its bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <libraft/types.hpp>
#include "protocol/hello.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"
#include "wire/connection_machine.hpp"
#include "wire/links/ending.hpp"
#include "wire/transport.hpp"

namespace raft::wire {

/// Drives a ConnectionMachine and tells its owner what comes of it. How bytes move and how time
/// passes is up to those who derive from it.
///
/// Used on one strand. After close() and after Owner::closed() whatever it has under way does
/// nothing, so that its owner need not outlive it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Side = ConnectionMachine::Side;

  /// Its calls come from the strand, never from within a call into the connection, but for the
  /// events that accept() and refuse() cause: these follow when hello_received() has returned.
  /// Any of them may close the connection.
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

  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// From now on another owner is told.
  void set_owner(Owner& owner) { owner_ = &owner; }

  void accept() { machine_.accept(); }
  void refuse(const Refused& refused) { machine_.refuse(refused); }

  /// Queues a message for the next flush(). Ignored unless established. If the queue overflows
  /// the connection ends, which its owner is told in a later turn.
  virtual void send(GroupId group, const Message& message) = 0;
  virtual void send(GroupId group, const ServiceMessage& message) = 0;
  virtual void flush() = 0;

  /// Ends it now. Only what was flushed may still arrive.
  virtual void close() = 0;

  /// Ends it after `limit`, whatever happens until then. Replaces earlier limits.
  virtual void limit_life(Duration limit, std::string why) = 0;
  /// Ends it when nothing was sent or received for `limit`, after at most twice that time.
  virtual void limit_idleness(Duration limit, std::string why) = 0;

  /// The way back of one answer, which leaves at once; nothing once the connection is gone.
  TransportHandler::Reply make_reply();

  bool is_established() const { return machine_.is_established(); }
  Side side() const { return machine_.side(); }
  /// The other node: who was dialled or who said hello; 0 while unknown.
  NodeId node() const;
  /// The other side's hello; once established it is there.
  const std::optional<Hello>& peer() const { return machine_.peer(); }
  /// "10.0.0.2:7001": where the other end is.
  const std::string& remote() const { return remote_; }
  /// Without its port, which whoever comes back has another one of.
  std::string remote_host() const { return remote_.substr(0, remote_.rfind(':')); }

 protected:
  /// `own.target` is whom a dialler dials. Its hello is in the machine's output at once.
  Connection(Side side, const Hello& own, const ConnectionMachine::Limits& limits,
             std::string remote, Owner& owner);

  /// Tells what the machine has made of the bytes that it was given. The owner may drop the
  /// connection meanwhile.
  void pass_events_on();

  Owner* owner_;  ///< Null once the connection is over.
  ConnectionMachine machine_;

 private:
  /// The handshake was in time: its limit is void. Called before the owner hears of it.
  virtual void handshake_ended() = 0;
  /// The machine takes no more. To be followed by Owner::closed(), perhaps later.
  virtual void machine_closed(Closed verdict) = 0;

  void pass_on(Event& event);

  const NodeId target_;
  const std::string remote_;
};

}  // namespace raft::wire
