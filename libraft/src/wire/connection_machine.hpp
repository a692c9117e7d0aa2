// One connection between two nodes as a sans-IO machine: bytes in, bytes and events out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <libraft/types.hpp>
#include "protocol/hello.hpp"
#include "protocol/limits.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"
#include "wire/frame.hpp"

namespace raft::wire {

/// The other side said who it is; answer with accept() or refuse(). Nothing else has been read.
struct HelloReceived {
  Hello hello;
};
/// Both sides agreed; messages may flow.
struct Established {
  Hello peer;
  std::uint16_t version = 0;
};
struct MessageReceived {
  GroupId group;
  Message message;
};
struct ServiceReceived {
  GroupId group;
  ServiceMessage message;
};
/// The machine takes no more input. What it has to say last is in take_output(); then close.
struct Closed {
  enum class Cause : std::uint8_t {
    refused_by_peer,  ///< `refused` holds the reason.
    refused_by_us,
    bad_frame,     ///< Magic, version, length, checksum, type or content.
    wrong_sender,  ///< A message whose from or to is not the handshake's.
    overflow,      ///< More was to be sent than the queue holds.
  };
  Cause cause = Cause::bad_frame;
  std::optional<Refused> refused;
  std::string detail;
};

using Event = std::variant<HelloReceived, Established, MessageReceived, ServiceReceived, Closed>;

/// Order on the wire: the dialler's hello, the listener's hello or its refusal, then messages. Each
/// side's driver judges the other's hello, and nothing that came after it is looked at before; a
/// dialler that refuses the listener's hello says so and closes.
///
/// What needs no knowledge of the cluster is decided here: versions, whether the right node
/// answers, and that each message is what this connection is for and from whom it claims to be.
/// Raft's messages flow on control connections only, service messages on all.
///
/// Not thread-safe. Nothing throws but std::bad_alloc.
class ConnectionMachine {
 public:
  enum class Side : std::uint8_t { dialler, listener };

  struct Limits {
    std::size_t frame_bytes_max = raft::frame_bytes_max;  ///< Payload of one frame, either way.
    std::size_t hello_bytes_max = 1024;                   ///< The same until established.
    std::size_t send_queue_bytes_max = raft::send_queue_bytes_max;
  };

  /// The dialler's hello is in take_output() at once. `own.target` names who is expected, 0:
  /// whoever answers. A listener's `own.purpose` and `own.target` are set from the dialler's hello
  /// when it is answered. Versions are from 1 to 255.
  ConnectionMachine(Side side, Hello own, Limits limits);

  /// Feeds received bytes, in any portions. Ignored once closed.
  void received(BytesView bytes);
  /// What happened since the last call, in order.
  std::vector<Event> take_events();

  /// Answers HelloReceived; then what came after the hello is read. As a listener this sends the
  /// own hello. Ignored once closed.
  void accept();
  /// Says why and closes: the answer to HelloReceived, or at any other time. Ignored once closed.
  void refuse(const Refused& refused);

  /// Queue a message. False: it was not queued, because the connection is not established or is
  /// closed; this call itself closes it when the queue overflows or the message exceeds
  /// Limits::frame_bytes_max. Entries go no further than half of the queue and are dropped there,
  /// as the network drops: many groups that catch up at once leave room for all else.
  bool send(GroupId group, const Message& message);
  bool send(GroupId group, const ServiceMessage& message);

  /// Bytes for the socket, everything queued so far; empties the queue.
  Bytes take_output();
  /// Tells how many bytes the driver holds that the socket has not yet taken, for the bound.
  void set_unsent(std::size_t bytes) { unsent_ = bytes; }

  /// How far the reading has come: whole frames, and bytes of one that is not yet complete. Where
  /// neither moves for long, the length of that frame is wrong or its sender means no good.
  struct Reading {
    std::uint64_t frames = 0;
    std::size_t unfinished = 0;
  };
  Reading reading() const { return {frames_, reader_.kept()}; }

  bool is_established() const { return state_ == State::established; }
  bool is_closed() const { return state_ == State::closed; }
  Side side() const { return side_; }
  /// The dialler's; known to a listener once it has received the hello.
  Purpose purpose() const { return own_.purpose; }
  /// The other side's hello, once received.
  const std::optional<Hello>& peer() const { return peer_; }

 private:
  enum class State : std::uint8_t {
    expects_hello,  // Of the other side.
    judging,        // The driver owes accept() or refuse(); nothing is read meanwhile.
    established,
    closed,
  };

  void read_frames();
  void check_waiting();
  void handle(const Frame& frame);

  void handle_hello(BytesView payload);
  std::optional<Refused> objection_to(const Hello& hello) const;
  bool agree_on_version(BytesView payload);
  void handle_refused(BytesView payload);
  void handle_message(const Frame& frame);
  void handle_service(const Frame& frame);
  bool comes_from_peer(NodeId from, NodeId to);

  template <class SomeMessage>
  bool queue(FrameType type, GroupId group, const SomeMessage& message);
  template <class Greeting>
  void queue_handshake(FrameType type, const Greeting& greeting);

  void close(Closed::Cause cause, std::string detail, std::optional<Refused> refused = {});

  // What this connection is.
  Side side_;
  Hello own_;
  Limits limits_;

  // How far it has come.
  State state_ = State::expects_hello;
  std::optional<Hello> peer_;
  std::uint8_t version_ = 0;  // Agreed on; 0 until the other side's hello has come.

  FrameReader reader_;
  std::uint64_t frames_ = 0;  // Read so far.
  std::vector<Event> events_;
  Bytes output_;            // Whole frames that the driver has not yet taken.
  std::size_t unsent_ = 0;  // Taken, but not yet by the socket.
};

/// Of two control connections between the same two nodes both ends keep the same one: that dialled
/// by the smaller id; of two dialled by the same side the newer. True: drop the old one.
bool replaces(NodeId own, NodeId peer, ConnectionMachine::Side existing,
              ConnectionMachine::Side newcomer);

}  // namespace raft::wire
