#include "support/memory_transport.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace raft::test {

using wire::Closed;
using Side = wire::ConnectionMachine::Side;

namespace {

constexpr std::uint64_t steps_to_redial = 5;
constexpr std::uint64_t steps_to_redial_refused = 200;
constexpr std::uint64_t steps_to_introduce = 500;

wire::TransportHandler::Reply make_reply(const std::shared_ptr<MemoryEnd>& end) {
  return [weak = std::weak_ptr(end)](GroupId group, ServiceMessage answer) {
    const auto alive = weak.lock();
    if (alive && alive->is_open && alive->machine.send(group, answer)) {
      alive->flush();
    }
  };
}

}  // namespace

// --- One end of a connection ---

MemoryEnd::MemoryEnd(MemoryTransport& transport, Side side, const Hello& own,
                     const wire::ConnectionMachine::Limits& limits)
    : owner(&transport), machine(side, own, limits), target(own.target) {}

NodeId MemoryEnd::node() const { return target || !machine.peer() ? target : machine.peer()->node; }

void MemoryEnd::flush() {
  const auto receiver = other.lock();
  if (is_open && receiver) {
    receiver->arriving += machine.take_output();
    machine.set_unsent(receiver->bytes_arriving());
  }
}

void MemoryEnd::close() {
  flush();  // A refusal, for instance.
  is_open = false;
}

Bytes MemoryEnd::take_arriving(std::size_t bytes_max) {
  Bytes portion = arriving.substr(arrived, bytes_max);
  arrived += portion.size();
  if (arrived == arriving.size()) {
    arriving.clear();
    arrived = 0;
  }
  return portion;
}

// --- The network ---

void MemoryNetwork::attach(const std::string& address, MemoryTransport& transport) {
  listeners_[address] = &transport;
}

void MemoryNetwork::detach(MemoryTransport& transport) {
  std::erase_if(listeners_, [&](const auto& item) { return item.second == &transport; });
  for (Pair& pair : pairs_) {
    for (const auto& end : {pair.dialler, pair.listener}) {
      if (end->owner == &transport) {
        end->close();
      }
    }
  }
}

std::shared_ptr<MemoryEnd> MemoryNetwork::dial(const std::string& address, MemoryTransport& from,
                                               const Hello& own) {
  const auto found = listeners_.find(address);
  if (found == listeners_.end()) {
    return nullptr;
  }
  MemoryTransport& to = *found->second;
  const Hello theirs = to.handler().hello(Purpose::control, NodeId{});
  const Pair pair{std::make_shared<MemoryEnd>(from, Side::dialler, own, from.limits()),
                  std::make_shared<MemoryEnd>(to, Side::listener, theirs, to.limits()),
                  {from.own(), to.own()}};
  pair.dialler->other = pair.listener;
  pair.listener->other = pair.dialler;
  pair.dialler->flush();
  pairs_.push_back(pair);
  return pair.dialler;
}

void MemoryNetwork::step() {
  ++now_;
  const auto listeners = listeners_;
  for (const auto& [address, transport] : listeners) {
    transport->tick();
  }
  const auto pairs = pairs_;
  for (const Pair& pair : pairs) {
    if (pair.is_cut) {
      tell_broken(pair.dialler);
      tell_broken(pair.listener);
    } else {
      deliver(pair.listener, *pair.dialler);
      deliver(pair.dialler, *pair.listener);
    }
  }
  std::erase_if(pairs_,
                [](const Pair& pair) { return !pair.dialler->is_open && !pair.listener->is_open; });
}

void MemoryNetwork::deliver(const EndPtr& end, const MemoryEnd& other) {
  if (!end->is_open || end->is_frozen) {
    return;
  }
  const Bytes portion = end->take_arriving(bytes_per_step);
  if (portion.empty()) {
    if (!other.is_open) {
      tell_broken(end);
    }
    return;
  }
  if (const auto sender = end->other.lock()) {
    sender->machine.set_unsent(end->bytes_arriving());
  }
  end->owner->bytes_came(end, portion);
}

void MemoryNetwork::tell_broken(const EndPtr& end) {
  if (std::exchange(end->is_open, false)) {
    end->owner->broken(end);
  }
}

void MemoryNetwork::cut(NodeId a, NodeId b) {
  for (Pair& pair : pairs_) {
    pair.is_cut = pair.is_cut || pair.nodes == std::set{a, b};
  }
}

void MemoryNetwork::freeze(NodeId a, NodeId b) {
  for (Pair& pair : pairs_) {
    if (pair.nodes == std::set{a, b}) {
      pair.dialler->is_frozen = true;
      pair.listener->is_frozen = true;
    }
  }
}

std::size_t MemoryNetwork::connections_between(NodeId a, NodeId b) const {
  return static_cast<std::size_t>(
      std::count_if(pairs_.begin(), pairs_.end(), [&](const Pair& pair) {
        return pair.nodes == std::set{a, b};
      }));
}

// --- The transport: what a node asks of it ---

MemoryTransport::MemoryTransport(MemoryNetwork& network, NodeId own, std::string address,
                                 wire::TransportHandler& handler,
                                 wire::ConnectionMachine::Limits limits)
    : network_(network), own_(own), handler_(handler), limits_(limits) {
  network_.attach(address, *this);
}

MemoryTransport::~MemoryTransport() { network_.detach(*this); }

void MemoryTransport::set_peers(const std::map<NodeId, std::string>& addresses) {
  for (auto& [id, peer] : peers_) {
    if (!peer.is_named || addresses.contains(id)) {
      continue;
    }
    peer.is_named = false;
    for (EndPtr* end : {&peer.handshake, &peer.link}) {
      if (*end) {
        (*end)->close();
      }
    }
    if (peer.link) {
      losses_to_tell_.insert(id);
    }
    peer.handshake = peer.link = nullptr;
  }
  std::erase_if(peers_,
                [](const auto& item) { return !item.second.is_named && !item.second.link; });
  for (const auto& [id, address] : addresses) {
    if (id != own_) {
      Peer& peer = peers_[id];
      if (!std::exchange(peer.is_named, true) || peer.address != address) {
        peer.address = address;
        peer.redial_at = 0;
      }
    }
  }
}

void MemoryTransport::send(GroupId group, const Message& message) {
  const auto found = peers_.find(message.to);
  if (found != peers_.end() && found->second.link) {
    found->second.link->machine.send(group, message);
  }
}

void MemoryTransport::send(GroupId group, const ServiceMessage& message) {
  const auto found = peers_.find(message.to);
  if (found != peers_.end() && found->second.link) {
    found->second.link->machine.send(group, message);
  }
}

void MemoryTransport::send_bulk(GroupId group, const ServiceMessage& message) {
  const bool is_question = std::holds_alternative<ChunkRequest>(message.body);
  const auto& links = is_question ? bulk_dialled_ : bulk_accepted_;
  const auto found = links.find(message.to);
  if (found != links.end() && found->second->machine.is_established()) {
    found->second->machine.send(group, message);
  } else if (is_question) {
    questions_[message.to].push_back({group, message});
  }
}

void MemoryTransport::flush() {
  for (auto& [id, peer] : peers_) {
    if (peer.link) {
      peer.link->flush();
    }
  }
  for (const auto* links : {&bulk_dialled_, &bulk_accepted_}) {
    for (auto& [id, link] : *links) {
      link->flush();
    }
  }
}

bool MemoryTransport::is_connected(NodeId id) const {
  const auto found = peers_.find(id);
  return found != peers_.end() && found->second.link &&
         found->second.link->machine.is_established();
}

void MemoryTransport::introduce(const std::string& address, GroupId group,
                                std::optional<ServiceBody> request,
                                util::UniqueFunction<void(Result<Introduction>)> done) {
  attempts_.push_back(
      {address, group, std::move(request), std::move(done), network_.now() + steps_to_introduce});
}

// --- What a step brings ---

void MemoryTransport::tick() {
  tell_losses();
  // An overflow closed these in the middle of a call.
  std::vector<EndPtr> links;
  for (auto& [id, peer] : peers_) {
    links.push_back(peer.link);
  }
  for (const EndPtr& link : links) {
    if (link && link->is_open && link->machine.is_closed()) {
      bytes_came(link, {});
    }
  }
  dial_peers();
  dial_bulk();
  dial_introductions();
}

void MemoryTransport::tell_losses() {
  while (!losses_to_tell_.empty()) {
    handler_.lost(losses_to_tell_.extract(losses_to_tell_.begin()).value());
  }
}

void MemoryTransport::dial_peers() {
  for (auto& [id, peer] : peers_) {
    if (peer.is_named && !peer.link && !peer.handshake && peer.redial_at <= network_.now()) {
      peer.handshake = network_.dial(peer.address, *this, handler_.hello(Purpose::control, id));
      peer.redial_at = network_.now() + steps_to_redial;
    }
  }
}

void MemoryTransport::dial_bulk() {
  for (auto& [id, waiting] : std::exchange(questions_, {})) {
    const auto peer = peers_.find(id);
    const auto link = bulk_dialled_.find(id);
    if (link == bulk_dialled_.end() && peer != peers_.end()) {
      const std::string& address =
          peer->second.is_named ? peer->second.address : peer->second.link->machine.peer()->address;
      if (auto end = network_.dial(address, *this, handler_.hello(Purpose::bulk, id))) {
        bulk_dialled_[id] = std::move(end);
      }
    }
    if (bulk_dialled_.contains(id)) {
      questions_[id] = std::move(waiting);  // Until it is established.
    }
  }
}

void MemoryTransport::dial_introductions() {
  for (std::size_t i = 0; i < attempts_.size();) {
    Attempt& attempt = attempts_[i];
    if (!attempt.end) {
      attempt.end =
          network_.dial(attempt.address, *this, handler_.hello(Purpose::introduce, NodeId{}));
    }
    if (!attempt.end || attempt.deadline <= network_.now()) {
      finish(attempts_.begin() + static_cast<std::ptrdiff_t>(i),
             Error{Errc::timed_out, "nobody answers at " + attempt.address});
    } else {
      ++i;
    }
  }
}

// --- What a connection brings ---

void MemoryTransport::bytes_came(const EndPtr& end, BytesView bytes) {
  end->machine.received(bytes);
  for (auto events = end->machine.take_events(); !events.empty();
       events = end->machine.take_events()) {
    for (wire::Event& event : events) {
      handle(end, event);
      if (!end->is_open) {
        return;
      }
    }
  }
}

void MemoryTransport::handle(const EndPtr& end, wire::Event& event) {
  if (auto* message = std::get_if<wire::MessageReceived>(&event)) {
    handler_.received(message->group, std::move(message->message));
  } else if (auto* service = std::get_if<wire::ServiceReceived>(&event)) {
    service_received(end, service->group, std::move(service->message));
  } else if (auto* hello = std::get_if<wire::HelloReceived>(&event)) {
    hello_received(end, hello->hello);
    end->flush();
  } else if (auto* closed = std::get_if<Closed>(&event)) {
    end->close();
    ended(end, closed);
  } else {
    established(end);
  }
}

void MemoryTransport::hello_received(const EndPtr& end, const Hello& hello) {
  if (const auto refused = handler_.judge(hello)) {
    return end->machine.refuse(*refused);
  }
  const auto found = peers_.find(hello.node);
  if (hello.purpose == Purpose::control && found != peers_.end() && found->second.link) {
    const MemoryEnd& link = *found->second.link;
    const Hello& present = *link.machine.peer();
    const bool is_other_life = hello.instance == present.instance && hello.boot != present.boot;
    const bool is_wanted =
        is_other_life ? hello.boot > present.boot
                      : wire::replaces(own_, hello.node, link.machine.side(), end->machine.side());
    if (!is_wanted) {
      if (found->second.handshake == end) {
        found->second.handshake = nullptr;
      }
      return end->close();
    }
  }
  end->machine.accept();
}

void MemoryTransport::established(const EndPtr& end) {
  const NodeId id = end->node();
  const bool is_dialler = end->machine.side() == Side::dialler;
  switch (end->machine.peer()->purpose) {
    case Purpose::control: {
      tell_losses();
      Peer& peer = peers_[id];
      if (peer.handshake == end) {
        peer.handshake = nullptr;
      }
      if (peer.link) {
        peer.link->close();
      }
      peer.link = end;
      return handler_.connected(id, *end->machine.peer());
    }
    case Purpose::bulk: {
      if (!is_dialler) {
        bulk_accepted_[id] = end;
        return;
      }
      for (const Waiting& waiting : std::exchange(questions_[id], {})) {
        end->machine.send(waiting.group, waiting.message);
      }
      return end->flush();
    }
    case Purpose::introduce: {
      if (!is_dialler) {
        return;
      }
      const auto attempt = attempt_of(end);
      if (!attempt->request) {
        return finish(attempt, Introduction{*end->machine.peer(), std::nullopt});
      }
      end->machine.send(attempt->group, ServiceMessage{own_, id, *attempt->request});
      return end->flush();
    }
  }
}

void MemoryTransport::service_received(const EndPtr& end, GroupId group, ServiceMessage message) {
  const Purpose purpose = end->machine.peer()->purpose;
  if (purpose == Purpose::introduce && end->machine.side() == Side::dialler) {
    auto* reply = std::get_if<ServiceReply>(&message.body);
    if (reply == nullptr) {
      return finish(attempt_of(end), Error{Errc::conflict, "answered with something else"});
    }
    return finish(attempt_of(end), Introduction{*end->machine.peer(), std::move(*reply)});
  }
  // As on TCP: on control connections answers travel like any other message.
  wire::TransportHandler::Reply reply;
  if (purpose != Purpose::control) {
    reply = make_reply(end);
  }
  handler_.received(group, std::move(message), std::move(reply));
}

void MemoryTransport::broken(const EndPtr& end) { ended(end, nullptr); }

void MemoryTransport::ended(const EndPtr& end, const Closed* verdict) {
  for (auto* links : {&bulk_dialled_, &bulk_accepted_}) {
    std::erase_if(*links, [&](const auto& item) { return item.second == end; });
  }
  const auto attempt = attempt_of(end);
  if (attempt != attempts_.end()) {
    const bool is_refusal = verdict != nullptr && verdict->refused;
    return finish(attempt, Error{is_refusal ? Errc::conflict : Errc::timed_out,
                                 verdict != nullptr ? verdict->detail : "the connection broke"});
  }
  control_ended(end, verdict);
}

void MemoryTransport::control_ended(const EndPtr& end, const Closed* verdict) {
  const NodeId id = end->node();
  const auto found = peers_.find(id);
  if (found == peers_.end()) {
    return;
  }
  Peer& peer = found->second;
  const bool was_linked = peer.link == end;
  if (!was_linked && peer.handshake != end) {
    return;
  }
  (was_linked ? peer.link : peer.handshake) = nullptr;
  const bool by_peer = verdict != nullptr && verdict->cause == Closed::Cause::refused_by_peer;
  const std::string address = peer.is_named ? peer.address : end->machine.peer()->address;
  peer.redial_at = network_.now() + (verdict != nullptr && verdict->refused
                                         ? steps_to_redial_refused
                                         : (was_linked ? 0 : steps_to_redial));
  if (!peer.is_named) {
    peers_.erase(found);
  }
  if (was_linked) {
    handler_.lost(id);
  }
  if (by_peer && verdict->refused) {
    handler_.refused(id, address, *verdict->refused);
  }
}

void MemoryTransport::finish(std::vector<Attempt>::iterator attempt, Result<Introduction> result) {
  Attempt ended = std::move(*attempt);
  attempts_.erase(attempt);
  if (ended.end) {
    ended.end->close();
  }
  ended.done(std::move(result));
}

std::vector<MemoryTransport::Attempt>::iterator MemoryTransport::attempt_of(const EndPtr& end) {
  return std::find_if(attempts_.begin(), attempts_.end(),
                      [&](const Attempt& attempt) { return attempt.end == end; });
}

}  // namespace raft::test
