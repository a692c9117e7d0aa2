#include "wire/connection_machine.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "util/assert.hpp"
#include "wire/codec.hpp"

namespace raft::wire {
namespace {

// What the version byte of a frame's header can hold, but for the handshake's own.
constexpr std::uint16_t version_limit = 255;

std::string describe_versions(std::uint16_t min, std::uint16_t max) {
  return std::to_string(min) + " to " + std::to_string(max);
}

/// Raft sends entries again when it hears nothing of them.
bool may_be_dropped(const Message& message) {
  const auto* append = std::get_if<AppendRequest>(&message.body);
  return append != nullptr && !append->entries.empty();
}

}  // namespace

ConnectionMachine::ConnectionMachine(Side side, Hello own, Limits limits)
    : side_(side), own_(std::move(own)), limits_(limits) {
  RAFT_ASSERT(own_.node);
  RAFT_ASSERT(own_.version_min >= 1);
  RAFT_ASSERT(own_.version_min <= own_.version_max);
  RAFT_ASSERT(own_.version_max <= version_limit);
  if (side_ == Side::dialler) queue_handshake(FrameType::hello, own_);
}

void ConnectionMachine::received(BytesView bytes) {
  if (is_closed()) return;
  reader_.feed(bytes);
  read_frames();
  if (is_closed()) {
    reader_ = {};
  } else {
    reader_.keep_rest();
  }
}

void ConnectionMachine::read_frames() {
  while (state_ == State::expects_hello || state_ == State::established) {
    const std::size_t limit = is_established() ? limits_.frame_bytes_max : limits_.hello_bytes_max;
    const Result<std::optional<Frame>> frame = reader_.next({version_, limit});
    if (!frame) return close(Closed::Cause::bad_frame, frame.error().detail);
    if (!*frame) return;
    ++frames_;
    handle(**frame);
  }
  if (state_ == State::judging) check_waiting();
}

// A dialler has nothing to say before it is answered. A listener goes on right after its hello,
// but its driver judges at once, so more than one frame never waits.
void ConnectionMachine::check_waiting() {
  const std::size_t waiting_max =
      side_ == Side::listener ? 0 : frame_header_bytes + limits_.frame_bytes_max;
  if (reader_.unread() > waiting_max)
    close(Closed::Cause::bad_frame, "talks before it is answered");
}

void ConnectionMachine::handle(const Frame& frame) {
  switch (frame.type) {
    case FrameType::hello:
      return handle_hello(frame.payload);
    case FrameType::refused:
      return handle_refused(frame.payload);
    case FrameType::message:
      return handle_message(frame);
    case FrameType::service:
      return handle_service(frame);
  }
}

void ConnectionMachine::handle_hello(BytesView payload) {
  if (is_established()) return close(Closed::Cause::bad_frame, "a second hello");
  if (!agree_on_version(payload)) return;
  std::optional<Hello> hello = decode_hello(payload);
  if (!hello) return close(Closed::Cause::bad_frame, "a hello that cannot be read");
  if (side_ == Side::dialler && hello->purpose != own_.purpose) {
    return close(Closed::Cause::bad_frame, "the answer is for another purpose");
  }
  peer_ = std::move(hello);
  if (side_ == Side::listener) own_.purpose = peer_->purpose;
  if (const std::optional<Refused> objection = objection_to(*peer_)) return refuse(*objection);
  state_ = State::judging;
  events_.emplace_back(HelloReceived{*peer_});
}

// The highest version that both speak. Looked at before all else, because it says how to read on.
bool ConnectionMachine::agree_on_version(BytesView payload) {
  const std::optional<VersionRange> theirs = decode_hello_versions(payload);
  if (!theirs) {
    close(Closed::Cause::bad_frame, "a hello that cannot be read");
    return false;
  }
  const std::uint16_t highest = std::min(own_.version_max, theirs->max);
  if (highest < std::max(own_.version_min, theirs->min)) {
    refuse({Refusal::version,
            {},
            {},
            "no common wire version: this node speaks " +
                describe_versions(own_.version_min, own_.version_max) + ", the other " +
                describe_versions(theirs->min, theirs->max)});
    return false;
  }
  version_ = static_cast<std::uint8_t>(highest);
  return true;
}

std::optional<Refused> ConnectionMachine::objection_to(const Hello& hello) const {
  if (hello.node == own_.node && hello.instance == own_.instance) {
    return Refused{Refusal::self, {}, {}, "node " + to_string(own_.node) + " dialled itself"};
  }
  if (hello.target && hello.target != own_.node) {
    return Refused{
        Refusal::wrong_node,
        {},
        {},
        "this is node " + to_string(own_.node) + ", not node " + to_string(hello.target)};
  }
  // A listener's own target is not a wish: it becomes whoever dialled.
  if (side_ == Side::dialler && own_.target && hello.node != own_.target) {
    return Refused{
        Refusal::wrong_node,
        {},
        {},
        "node " + to_string(hello.node) + " answered in place of node " + to_string(own_.target)};
  }
  return std::nullopt;
}

void ConnectionMachine::handle_refused(BytesView payload) {
  if (side_ == Side::listener && !is_established()) {
    return close(Closed::Cause::bad_frame, "a refusal before any hello");
  }
  std::optional<Refused> refused = decode_refused(payload);
  if (!refused) return close(Closed::Cause::bad_frame, "a refusal that cannot be read");
  close(Closed::Cause::refused_by_peer, refused->detail, refused);
}

void ConnectionMachine::handle_message(const Frame& frame) {
  if (!is_established()) {
    return close(Closed::Cause::bad_frame, "a message before the handshake");
  }
  if (purpose() != Purpose::control) {
    return close(Closed::Cause::bad_frame,
                 std::string("a raft message on a connection for ") + to_string(purpose()));
  }
  std::optional<Message> message = decode_message(frame.payload);
  if (!message) return close(Closed::Cause::bad_frame, "a message that cannot be read");
  if (!comes_from_peer(message->from, message->to)) return;
  events_.emplace_back(MessageReceived{frame.group, *std::move(message)});
}

void ConnectionMachine::handle_service(const Frame& frame) {
  if (!is_established()) {
    return close(Closed::Cause::bad_frame, "a message before the handshake");
  }
  std::optional<ServiceMessage> message = decode_service_message(frame.payload);
  if (!message) return close(Closed::Cause::bad_frame, "a service message that cannot be read");
  if (!comes_from_peer(message->from, message->to)) return;
  events_.emplace_back(ServiceReceived{frame.group, *std::move(message)});
}

bool ConnectionMachine::comes_from_peer(NodeId from, NodeId to) {
  if (from == peer_->node && to == own_.node) return true;
  close(Closed::Cause::wrong_sender, "a message from node " + to_string(from) + " to node " +
                                         to_string(to) + " on the connection of node " +
                                         to_string(peer_->node) + " to node " +
                                         to_string(own_.node));
  return false;
}

std::vector<Event> ConnectionMachine::take_events() { return std::exchange(events_, {}); }

void ConnectionMachine::accept() {
  if (is_closed()) return;
  RAFT_ASSERT(state_ == State::judging);
  if (side_ == Side::listener) {
    own_.target = peer_->node;
    queue_handshake(FrameType::hello, own_);
  }
  state_ = State::established;
  events_.emplace_back(Established{*peer_, version_});
  received({});
}

void ConnectionMachine::refuse(const Refused& refused) {
  if (is_closed()) return;
  queue_handshake(FrameType::refused, refused);
  close(Closed::Cause::refused_by_us, refused.detail, refused);
}

bool ConnectionMachine::send(GroupId group, const Message& message) {
  RAFT_ASSERT(purpose() == Purpose::control);
  if (may_be_dropped(message) && output_.size() + unsent_ > limits_.send_queue_bytes_max / 2) {
    return true;
  }
  return queue(FrameType::message, group, message);
}

bool ConnectionMachine::send(GroupId group, const ServiceMessage& message) {
  return queue(FrameType::service, group, message);
}

template <class SomeMessage>
bool ConnectionMachine::queue(FrameType type, GroupId group, const SomeMessage& message) {
  if (!is_established()) return false;
  const std::size_t start = begin_frame(output_, version_, type, group);
  encode(message, output_);
  const std::size_t payload_bytes = output_.size() - start - frame_header_bytes;
  if (payload_bytes > limits_.frame_bytes_max) {
    close(Closed::Cause::overflow, "a message of " + std::to_string(payload_bytes) +
                                       " bytes to send, more than a frame holds");
    return false;
  }
  if (output_.size() + unsent_ > limits_.send_queue_bytes_max) {
    close(Closed::Cause::overflow,
          std::to_string(output_.size() + unsent_) + " bytes to send, more than the queue holds");
    return false;
  }
  end_frame(output_, start);
  return true;
}

template <class Greeting>
void ConnectionMachine::queue_handshake(FrameType type, const Greeting& greeting) {
  const std::size_t start = begin_frame(output_, handshake_version, type, GroupId{});
  encode(greeting, output_);
  end_frame(output_, start);
}

Bytes ConnectionMachine::take_output() { return std::exchange(output_, {}); }

void ConnectionMachine::close(Closed::Cause cause, std::string detail,
                              std::optional<Refused> refused) {
  // The queue ends in a message that was not finished, and nobody reads it in time anyway.
  if (cause == Closed::Cause::overflow) Bytes().swap(output_);
  state_ = State::closed;
  events_.emplace_back(Closed{cause, std::move(refused), std::move(detail)});
}

bool replaces(NodeId own, NodeId peer, ConnectionMachine::Side existing,
              ConnectionMachine::Side newcomer) {
  if (existing == newcomer) return true;
  const auto dialled_by_smaller =
      own < peer ? ConnectionMachine::Side::dialler : ConnectionMachine::Side::listener;
  return newcomer == dialled_by_smaller;
}

}  // namespace raft::wire
