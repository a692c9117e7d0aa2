#include "sim/transport/connection.hpp"

#include <utility>
#include <variant>

namespace raft::sim {

using wire::Closed;

bool Ending::is_refusal() const {
  return verdict && (verdict->cause == Closed::Cause::refused_by_peer ||
                     verdict->cause == Closed::Cause::refused_by_us);
}

const Refused* Ending::refused_by_peer() const {
  const bool is_refusal = verdict && verdict->cause == Closed::Cause::refused_by_peer;
  return is_refusal && verdict->refused ? &*verdict->refused : nullptr;
}

std::shared_ptr<Connection> Connection::start(TransportEnvironment& environment, Socket socket,
                                              Side side, const Hello& own, Owner& owner) {
  auto connection = std::make_shared<Connection>(environment, std::move(socket), side, own, owner);
  connection->limit_life(TransportRules::handshake_timeout, "no handshake in time");
  connection->socket_.open(*connection);
  connection->flush();
  return connection;
}

Connection::Connection(TransportEnvironment& environment, Socket socket, Side side,
                       const Hello& own, Owner& owner)
    : environment_(environment),
      owner_(&owner),
      socket_(std::move(socket)),
      machine_(side, own, environment.limits),
      target_(own.target) {}

NodeId Connection::node() const {
  // Who was dialled stays the one whom a failure is about, also when somebody else answered.
  return target_ || !machine_.peer() ? target_ : machine_.peer()->node;
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

void Connection::pass_events_on() {
  const auto self = shared_from_this();
  // Answering a hello makes further events.
  for (auto events = machine_.take_events(); !events.empty(); events = machine_.take_events()) {
    for (wire::Event& event : events) {
      if (owner_ == nullptr) return;
      pass_on(event);
    }
  }
}

void Connection::pass_on(wire::Event& event) {
  if (auto* message = std::get_if<wire::MessageReceived>(&event)) {
    owner_->received(*this, message->group, std::move(message->message));
  } else if (auto* service = std::get_if<wire::ServiceReceived>(&event)) {
    owner_->received(*this, service->group, std::move(service->message));
  } else if (auto* hello = std::get_if<wire::HelloReceived>(&event)) {
    owner_->hello_received(*this, hello->hello);
    flush();
  } else if (auto* closed = std::get_if<Closed>(&event)) {
    std::string text = closed->detail;
    end(Ending{std::move(*closed), std::move(text)});
  } else {
    ++limit_;  // The handshake was in time.
    owner_->established(*this);
  }
}

// --- What goes ---

template <class AnyMessage>
void Connection::send(GroupId group, const AnyMessage& message) {
  if (owner_ == nullptr || !is_established()) return;
  was_active_ = true;
  machine_.set_unsent(socket_.unsent());
  if (!machine_.send(group, message)) {
    // The sender is in the middle of its turn: the end is told in another one.
    environment_.loop.after(Duration{0}, [self = shared_from_this()] {
      if (self->owner_ != nullptr) self->pass_events_on();
    });
  }
}

template void Connection::send(GroupId, const Message&);
template void Connection::send(GroupId, const ServiceMessage&);

void Connection::flush() {
  if (owner_ != nullptr) socket_.send(machine_.take_output());
}

wire::TransportHandler::Reply Connection::make_reply() {
  return [weak = weak_from_this()](GroupId group, ServiceMessage answer) {
    if (const auto alive = weak.lock()) {
      alive->send(group, answer);
      alive->flush();
    }
  };
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
  environment_.loop.after(limit, [weak = weak_from_this(), number = ++limit_] {
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
  environment_.loop.after(TransportRules::idle_timeout,
                          [weak = weak_from_this(), before = machine_.reading()] {
                            if (const auto self = weak.lock()) self->look_at_frame(before);
                          });
}

void Connection::look_at_frame(const wire::ConnectionMachine::Reading& before) {
  is_watching_frame_ = false;
  if (owner_ == nullptr) return;
  const wire::ConnectionMachine::Reading now = machine_.reading();
  const bool goes_on = now.frames != before.frames ||
                       now.unfinished >= before.unfinished + TransportRules::frame_bytes_min;
  if (!goes_on) return end(Ending{{}, "a frame was not completed in time"});
  if (now.unfinished > 0) watch_frame();
}

}  // namespace raft::sim
