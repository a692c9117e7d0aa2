// One TCP connection that drives a wire::ConnectionMachine.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libraft/types.hpp>
#include "net/environment.hpp"
#include "wire/connection_machine.hpp"

namespace raft::net {

/// Why a connection is over.
struct Ending {
  std::optional<wire::Closed> verdict;  ///< The machine's; absent: the socket or a deadline did it.
  std::string text;                     ///< One line for a person.

  /// What counts as the same for the log: nothing in it is the other side's to choose.
  std::string kind() const;

  /// Whether one of the two nodes did not want the other.
  bool is_refusal() const;
  /// The other side's refusal, if that was it.
  const Refused* refused_by_peer() const;
};

/// Moves bytes between a socket and a machine, and tells its owner what comes of it. Used on one
/// strand. Its pending handlers keep it alive, and after close() or Owner::closed() they do
/// nothing, so that neither owner nor environment need outlive them.
///
/// Reading is one receive at a time into one buffer. Writing is one send at a time of all that
/// has gathered since the last, tried at once before the system is asked to say when.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  using Side = wire::ConnectionMachine::Side;

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

  /// Takes an open socket. A dialler's hello leaves at once. `hello.target` is whom it dials.
  static std::shared_ptr<Connection> start(Environment&, boost::asio::ip::tcp::socket, Side,
                                           const Hello& own, Owner&);

  Connection(Environment&, boost::asio::ip::tcp::socket, Side, const Hello& own, Owner&);

  /// From now on another owner is told.
  void set_owner(Owner& owner) { owner_ = &owner; }

  void accept() { machine_.accept(); }
  void refuse(const Refused& refused) { machine_.refuse(refused); }

  /// Queues a message for the next flush(). Ignored unless established. If the queue overflows
  /// the connection ends, which its owner is told in a later turn.
  template <class AnyMessage>
  void send(GroupId group, const AnyMessage& message);
  void flush();

  /// Ends it now; what was not sent is lost.
  void close();

  /// Ends it after `limit`, whatever happens until then. Replaces earlier limits.
  void limit_life(Duration limit, std::string why);
  /// Ends it when nothing was sent or received for `limit`, after at most twice that time.
  void limit_idleness(Duration limit, std::string why);
  void lift_limit();

  bool is_established() const { return machine_.is_established() && !machine_.is_closed(); }
  Side side() const { return machine_.side(); }
  /// The other node: who was dialled or who said hello; 0 while unknown.
  NodeId node() const;
  /// The other side's hello; once established it is there.
  const std::optional<Hello>& peer() const { return machine_.peer(); }
  /// "10.0.0.2:7001": where the other end of the socket is.
  const std::string& remote() const { return remote_; }
  /// Without its port, which whoever comes back has another one of.
  std::string remote_host() const { return remote_.substr(0, remote_.rfind(':')); }

 private:
  void read();
  void bytes_came(std::size_t count);
  void pass_events_on();
  void pass_on(wire::Event& event);

  void write();
  void write_rest();
  void bytes_went(std::size_t count);

  void conclude(wire::Closed verdict);
  void say_farewell();
  void end(Ending ending);

  void wait_for_limit();
  void limit_reached();
  void watch_frames();
  bool is_deaf() const;

  Environment& environment_;
  Owner* owner_;  ///< Null once the connection is over.
  boost::asio::ip::tcp::socket socket_;
  wire::ConnectionMachine machine_;
  const NodeId target_;
  const std::string remote_;
  bool was_established_ = false;

  std::vector<char> input_;  ///< Small until the other side has shown who it is.

  Bytes output_;  ///< What is being sent, of which the system has `sent_` bytes.
  std::size_t sent_ = 0;
  bool is_writing_ = false;  ///< A send is under way that the system could not take at once.

  /// The other side reads why it was refused, and then closes. Until then the connection is kept:
  /// closing it earlier could destroy what is on the way.
  std::optional<Ending> farewell_;

  boost::asio::steady_timer limit_;
  Duration idleness_max_{0};  ///< 0: `limit_` is not about idleness.
  bool was_active_ = false;   ///< Since `limit_` was set.
  std::string limit_reason_;

  boost::asio::steady_timer watch_;  ///< For a frame that does not come to its end.
  wire::ConnectionMachine::Reading watched_;
};

}  // namespace raft::net
