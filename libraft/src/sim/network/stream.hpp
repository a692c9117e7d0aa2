// One connection of the simulated network: two ends, and what is under way between them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <libraft/types.hpp>
#include "sim/network/context.hpp"
#include "sim/network/path.hpp"
#include "sim/network/pipe.hpp"
#include "sim/network/port.hpp"
#include "wire/connection_machine.hpp"

namespace raft::sim {

/// Bytes that a process sends at one end arrive at the other as events of the process there, frame
/// by frame. An end whose connection is gone is told, at once or late, unless it has closed itself.
class Stream final : public std::enable_shared_from_this<Stream> {
 public:
  using Side = wire::ConnectionMachine::Side;

  /// The process at one end. Its calls come from its own events, never from within a call.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void arrived(BytesView bytes) = 0;
    /// The connection is gone: closed by the other end, reset, or silent for too long.
    virtual void broken() = 0;
  };

  struct Terminal {
    std::shared_ptr<Port> port;  ///< Its loop is not used once the end is closed.
    Path& path;                  ///< To the other node.
  };

  /// The context, and the paths of the terminals, must outlive the stream and its events.
  Stream(NetworkContext& context, std::uint64_t number, const Terminal& dialler,
         const Terminal& listener);

  // For the process at an end, by a Socket.

  /// From now on things arrive at that end.
  void open(Side side, Owner& owner);
  /// Whole frames.
  void send(Side side, Bytes frames);
  /// What was sent before still arrives.
  void close(Side side);
  /// Sent at that end and not yet arrived at the other.
  std::size_t unsent(Side side) const { return end(other(side)).arriving.bytes(); }
  /// The node at the other end.
  NodeId remote(Side side) const { return node(other(side)); }

  // For the network.

  /// The process at that end is no more.
  void died(Side side);
  void reset();
  /// Nothing arrives any more, not even that an end has closed.
  void fall_silent();
  /// One of its paths was blocked or unblocked.
  void paths_changed();

  bool belongs_to(Side side, const Port& port) const { return end(side).port.get() == &port; }
  bool connects(NodeId a, NodeId b) const;
  /// The network is no more; whoever still holds an end may drop it.
  void abandon();
  /// Both ends know that it is gone.
  bool is_over() const { return !ends_[0].is_open && !ends_[1].is_open; }

 private:
  struct End {
    explicit End(const Terminal& terminal) : port(terminal.port), path_out(terminal.path) {}

    const std::shared_ptr<Port> port;
    Path& path_out;
    Owner* owner = nullptr;          ///< Absent before open() and when the end is closed.
    bool is_open = true;             ///< Neither closed by its process nor told that it is gone.
    bool will_be_told = false;       ///< That it is gone: an event or a packet is under way.
    bool learns_by_sending = false;  ///< Earlier than that, by the answer to what it sends.
    Pipe arriving;
    std::optional<Duration> wakes_at;  ///< An event comes then to look at what has arrived.
  };

  static Side other(Side side) { return side == Side::dialler ? Side::listener : Side::dialler; }
  End& end(Side side) { return ends_[static_cast<std::size_t>(side)]; }
  const End& end(Side side) const { return ends_[static_cast<std::size_t>(side)]; }
  NodeId node(Side side) const { return end(side).port->node; }
  Loop& loop(Side side) { return end(side).port->loop; }
  const Path& path_to(Side side) const { return end(other(side)).path_out; }

  void ship(Side to, Bytes frame);
  void drop(Side to, BytesView frame);
  void bring_old(Side to, Duration due, core::Random& dice);
  Duration departure(Side to, std::size_t bytes, Marks& marks);

  void wake_for_next(Side to);
  void deliver(Side to);
  void hold_arrivals(Side to);
  void arrive(Side to, Packet packet);

  void lose(Side side);
  void leave_untold(Side side);
  void tell_after(Side side, Duration delay);
  void tell_broken(Side side);
  std::optional<Side> draw_untold();

  bool is_blocked(Side to) const { return path_to(to).is_blocked; }
  bool is_obstructed() const;
  void watch_silence();

  NetworkContext& context_;
  const std::uint64_t number_;
  std::array<End, 2> ends_;  ///< By Side.
  bool is_broken_ = false;   ///< Nothing that is sent from now on arrives.
  bool is_silent_ = false;
  bool was_obstructed_ = false;
  std::uint64_t obstruction_ = 0;  ///< Counts them.
};

/// One end of a stream, in the hands of its process. Closes it when destroyed.
class Socket {
 public:
  Socket() = default;
  Socket(std::shared_ptr<Stream> stream, Stream::Side side)
      : stream_(std::move(stream)), side_(side) {}
  Socket(Socket&& other) noexcept = default;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  /// The owner must live until the socket is closed.
  void open(Stream::Owner& owner) { stream_->open(side_, owner); }
  void send(Bytes frames) { stream_->send(side_, std::move(frames)); }
  std::size_t unsent() const { return stream_->unsent(side_); }
  NodeId remote() const { return stream_->remote(side_); }
  void close();

 private:
  std::shared_ptr<Stream> stream_;  ///< Null: closed.
  Stream::Side side_ = Stream::Side::dialler;
};

}  // namespace raft::sim
