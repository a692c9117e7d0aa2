#include "sim/transport/connection.hpp"

#include <utility>

namespace raft::sim {

using wire::Closed;
using wire::Ending;

wire::Opened Connection::opened(TransportEnvironment& environment, Socket socket, Side side) {
  return [&environment, socket = std::move(socket), side](const Hello& own, Owner& owner) mutable {
    const auto connection =
        std::make_shared<Connection>(environment, std::move(socket), side, own, owner);
    connection->begin();
    return connection;
  };
}

Connection::Connection(TransportEnvironment& environment, Socket socket, Side side,
                       const Hello& own, Owner& owner)
    : wire::Connection(side, own, environment.rules().limits, to_string(socket.remote()), owner),
      environment_(environment),
      socket_(std::move(socket)) {}

void Connection::begin() {
  limit_life(environment_.rules().handshake_timeout, "no handshake in time");
  socket_.open(*this);
  flush();
}

std::shared_ptr<Connection> Connection::shared() {
  return std::static_pointer_cast<Connection>(shared_from_this());
}

// --- What comes ---

void Connection::arrived(BytesView bytes) {
  const auto self = shared_from_this();  // What comes may end it.
  was_active_ = true;
  machine_.received(bytes);
  pass_events_on();
  if (owner_ != nullptr && machine_.reading().unfinished > 0) watch_frame();
}

void Connection::broken() { end(Ending{{}, "the connection broke"}); }

void Connection::handshake_ended() { ++limit_; }

void Connection::machine_closed(Closed verdict) { end(Ending::by(std::move(verdict))); }

// --- What goes ---

template <class AnyMessage>
void Connection::queue(GroupId group, const AnyMessage& message) {
  if (owner_ == nullptr || !is_established()) return;
  was_active_ = true;
  machine_.set_unsent(socket_.unsent());
  if (!machine_.send(group, message)) {
    // The sender is in the middle of its turn: the end is told in another one.
    environment_.after(Duration{0}, [self = shared()] {
      if (self->owner_ != nullptr) self->pass_events_on();
    });
  }
}

template void Connection::queue(GroupId, const Message&);
template void Connection::queue(GroupId, const ServiceMessage&);

void Connection::flush() {
  if (owner_ != nullptr) socket_.send(machine_.take_output());
}

// --- How it ends ---

void Connection::close() {
  owner_ = nullptr;
  ++limit_;
  socket_.close();
}

// The machine's last words, such as a refusal, arrive before the end does.
void Connection::end(const Ending& ending) {
  if (owner_ == nullptr) return;
  const auto self = shared_from_this();
  Owner* const owner = owner_;
  flush();
  close();
  owner->closed(*this, ending);
}

void Connection::limit_life(Duration limit, std::string why) {
  idleness_max_ = Duration{0};
  limit_reason_ = std::move(why);
  environment_.after(limit, [weak = std::weak_ptr(shared()), number = ++limit_] {
    if (const auto self = weak.lock()) self->limit_reached(number);
  });
}

void Connection::limit_idleness(Duration limit, std::string why) {
  limit_life(limit, std::move(why));
  idleness_max_ = limit;
  was_active_ = false;
}

// Idleness is looked at once per period: this costs nothing when messages come.
void Connection::limit_reached(std::uint64_t limit) {
  if (limit != limit_) return;
  if (idleness_max_ > Duration{0} && was_active_) {
    return limit_idleness(idleness_max_, std::move(limit_reason_));
  }
  end(Ending{{}, limit_reason_});
}

// Frames arrive whole, unless a length was damaged on the way: then nothing is ever heard again.
void Connection::watch_frame() {
  if (std::exchange(is_watching_frame_, true)) return;
  environment_.after(environment_.rules().idle_timeout,
                     [weak = std::weak_ptr(shared()), before = machine_.reading()] {
                       if (const auto self = weak.lock()) self->look_at_frame(before);
                     });
}

void Connection::look_at_frame(const wire::ConnectionMachine::Reading& before) {
  is_watching_frame_ = false;
  if (owner_ == nullptr) return;
  const wire::ConnectionMachine::Reading now = machine_.reading();
  const bool goes_on = now.frames != before.frames ||
                       now.unfinished >= before.unfinished + environment_.rules().frame_bytes_min;
  if (!goes_on) return end(Ending{{}, "a frame was not completed in time"});
  if (now.unfinished > 0) watch_frame();
}

}  // namespace raft::sim
