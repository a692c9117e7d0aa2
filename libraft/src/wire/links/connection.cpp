#include "wire/links/connection.hpp"

#include <utility>
#include <variant>

namespace raft::wire {

Connection::Connection(Side side, const Hello& own, const ConnectionMachine::Limits& limits,
                       std::string remote, Owner& owner)
    : owner_(&owner),
      machine_(side, own, limits),
      target_(own.target),
      remote_(std::move(remote)) {}

NodeId Connection::node() const {
  // Who was dialled stays the one whom a failure is about, also when somebody else answered.
  return target_ || !machine_.peer() ? target_ : machine_.peer()->node;
}

void Connection::pass_events_on() {
  const auto self = shared_from_this();
  // Answering a hello makes further events.
  for (auto events = machine_.take_events(); !events.empty(); events = machine_.take_events()) {
    for (Event& event : events) {
      if (owner_ == nullptr) return;
      pass_on(event);
    }
  }
}

void Connection::pass_on(Event& event) {
  if (auto* message = std::get_if<MessageReceived>(&event)) {
    owner_->received(*this, message->group, std::move(message->message));
  } else if (auto* service = std::get_if<ServiceReceived>(&event)) {
    owner_->received(*this, service->group, std::move(service->message));
  } else if (auto* hello = std::get_if<HelloReceived>(&event)) {
    owner_->hello_received(*this, hello->hello);
    flush();
  } else if (auto* closed = std::get_if<Closed>(&event)) {
    machine_closed(std::move(*closed));
  } else {
    handshake_ended();
    owner_->established(*this);
  }
}

TransportHandler::Reply Connection::make_reply() {
  return [weak = weak_from_this()](GroupId group, ServiceMessage answer) {
    if (const auto alive = weak.lock()) {
      alive->send(group, answer);
      alive->flush();
    }
  };
}

}  // namespace raft::wire
