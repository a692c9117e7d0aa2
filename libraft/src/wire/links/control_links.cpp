#include "wire/links/control_links.hpp"

#include <algorithm>
#include <utility>

namespace raft::wire {

using Side = Connection::Side;

namespace {

// A link that held this long was a good one: what breaks it is news, not the old trouble.
constexpr Duration proven_after = std::chrono::seconds(1);

// Whom a line is about, as far as that is not the other side's to choose.
std::string who(NodeId id, bool is_named) {
  return is_named ? " node " + to_string(id) + " " : " stranger ";
}

}  // namespace

ControlLinks::Peer::Peer(const LinkRules& rules)
    : backoff({rules.redial_first, rules.redial_max}),
      refused_backoff({rules.refused_redial_first, rules.refused_redial_max}) {}

// --- Whom to keep a link with ---

void ControlLinks::set_peers(const std::map<NodeId, std::string>& addresses) {
  for (auto& [id, peer] : peers_) {
    if (peer.is_named && !addresses.contains(id)) let_go(id, peer);
  }
  std::erase_if(peers_,
                [](const auto& item) { return !item.second.is_named && !item.second.link; });

  for (const auto& [id, address] : addresses) {
    if (id == environment_.own()) continue;
    Peer& peer = peers_.try_emplace(id, environment_.rules()).first->second;
    if (peer.is_named && peer.address == address) continue;
    peer.is_named = true;
    peer.address = address;
    peer.backoff.reset();
    peer.refused_backoff.reset();
    // A link goes on wherever the peer is dialled from now on: it is with the node, not the place.
    stop_dialling(peer);
    if (!peer.link) dial(id, peer, Duration{0});
  }
}

void ControlLinks::let_go(NodeId id, Peer& peer) {
  peer.is_named = false;
  peer.address.clear();
  stop_dialling(peer);
  if (!peer.link) return;
  peer.link->flush();  // A last message, such as that it was removed, may still get through.
  std::exchange(peer.link, nullptr)->close();
  losses_to_tell_.insert(id);
  environment_.after(Duration{0}, [this] { tell_losses(); });
}

void ControlLinks::stop_dialling(Peer& peer) {
  if (peer.dial) std::exchange(peer.dial, nullptr)->cancel();
  if (peer.handshake) std::exchange(peer.handshake, nullptr)->close();
}

void ControlLinks::tell_losses() {
  while (!losses_to_tell_.empty()) {
    const NodeId id = losses_to_tell_.extract(losses_to_tell_.begin()).value();
    environment_.handler().lost(id);
  }
}

void ControlLinks::close() {
  for (auto& [id, peer] : peers_) {
    stop_dialling(peer);
    if (peer.link) peer.link->close();
  }
  peers_.clear();
  losses_to_tell_.clear();
}

// --- Messages ---

template <class AnyMessage>
void ControlLinks::send(GroupId group, const AnyMessage& message) {
  const auto found = peers_.find(message.to);
  if (found != peers_.end() && found->second.link) found->second.link->send(group, message);
}

template void ControlLinks::send(GroupId, const Message&);
template void ControlLinks::send(GroupId, const ServiceMessage&);

void ControlLinks::flush() {
  for (auto& [id, peer] : peers_) {
    if (peer.link) peer.link->flush();
  }
}

void ControlLinks::received(Connection&, GroupId group, Message&& message) {
  environment_.handler().received(group, std::move(message));
}

// Answers travel like any other message, so that they also find a newer link: no reply is needed.
void ControlLinks::received(Connection&, GroupId group, ServiceMessage&& message) {
  environment_.handler().received(group, std::move(message), {});
}

// --- Dialling ---

void ControlLinks::dial(NodeId id, Peer& peer, Duration pause) {
  peer.dial = environment_.dial(
      peer.address, pause, [this, id](Result<Opened> opened) { dialled(id, std::move(opened)); });
}

void ControlLinks::dialled(NodeId id, Result<Opened> opened) {
  Peer& peer = peers_.at(id);  // The dial of a peer that is let go is cancelled.
  peer.dial = nullptr;
  if (opened) {
    peer.handshake = (*opened)(environment_.handler().hello(Purpose::control, id), *this);
    return;
  }
  peer.last_error = opened.error().detail;
  log_failure(id, peer, "cannot reach", peer.last_error);
  dial(id, peer, peer.backoff.next(environment_.random()));
}

// The first redial after a good link broke is immediate: a leader whose connection was cut by the
// network is back before its followers think of an election.
Duration ControlLinks::pause_after(Peer& peer, const Ending& ending, bool was_linked) {
  if (ending.is_refusal()) return peer.refused_backoff.next(environment_.random());
  if (was_linked) {
    const Duration now = environment_.now();
    if (now - peer.linked_at >= proven_after) peer.backoff.reset();
    if (!peer.redialled_at_once_at || now - *peer.redialled_at_once_at >= proven_after) {
      peer.redialled_at_once_at = now;
      return Duration{0};
    }
  }
  return peer.backoff.next(environment_.random());
}

// --- Links come and go ---

void ControlLinks::hello_received(Connection& connection, const Hello& hello) {
  if (const auto refused = environment_.handler().judge(hello)) return connection.refuse(*refused);
  adopt(connection);
}

bool ControlLinks::adopt(Connection& connection) {
  const Hello& hello = *connection.peer();
  if (!is_wanted(hello, connection.side())) {
    const auto found = peers_.find(hello.node);
    if (found != peers_.end() && found->second.handshake.get() == &connection) {
      found->second.handshake = nullptr;  // Should the link break, closed() dials again.
    }
    connection.close();
    return true;
  }
  if (connection.side() == Side::listener && !has_room_for(hello.node)) {
    connection.refuse({Refusal::too_many, {}, {}, "too many nodes that are not members"});
    return false;
  }
  connection.set_owner(*this);
  connection.accept();
  return true;
}

bool ControlLinks::is_wanted(const Hello& hello, Side side) const {
  const auto found = peers_.find(hello.node);
  if (found == peers_.end() || !found->second.link) return true;
  const Peer& peer = found->second;
  const Hello& present = *peer.link->peer();
  // Another life of the same node: the link leads to a process that is no more, whatever its
  // socket still believes.
  if (hello.instance == present.instance && hello.boot != present.boot) {
    return hello.boot > present.boot;
  }
  // Two dials that crossed meet within the time that a dial may take. Later than that a peer
  // dials only because at its end the link is gone.
  const LinkRules& rules = environment_.rules();
  const Duration dial_takes = 2 * rules.connect_timeout + rules.handshake_timeout;
  if (environment_.now() - peer.linked_at > dial_takes) return true;
  return replaces(environment_.own(), hello.node, peer.link->side(), side);
}

bool ControlLinks::has_room_for(NodeId node) const {
  const auto strangers = std::count_if(peers_.begin(), peers_.end(),
                                       [](const auto& item) { return !item.second.is_named; });
  return peers_.contains(node) ||
         static_cast<std::size_t>(strangers) < environment_.rules().strangers_max;
}

void ControlLinks::established(Connection& connection) {
  tell_losses();  // An earlier loss of the same peer must be told first.
  const NodeId id = connection.node();
  Peer& peer = peers_.try_emplace(id, environment_.rules()).first->second;
  if (peer.handshake.get() == &connection) peer.handshake = nullptr;
  // A dial that the peer has not yet heard of is not needed any more. A handshake that it may
  // have answered goes on, and is_wanted() decides at both ends.
  if (peer.dial) std::exchange(peer.dial, nullptr)->cancel();
  if (peer.link) peer.link->close();
  peer.link = connection.shared_from_this();
  peer.linked_at = environment_.now();
  peer.refused_backoff.reset();
  log_connected(id, peer);
  environment_.handler().connected(id, *connection.peer());
}

void ControlLinks::closed(Connection& connection, const Ending& ending) {
  const NodeId id = connection.node();
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  const bool was_handshake = peer.handshake.get() == &connection;
  const bool was_linked = peer.link.get() == &connection;
  if (!was_handshake && !was_linked) return;
  (was_linked ? peer.link : peer.handshake) = nullptr;
  peer.last_error = ending.text;
  const std::string kind = ending.kind() + connection.remote_host();
  log_failure(id, peer, was_linked ? "lost" : "no connection with", kind);
  const std::string address = peer.is_named ? peer.address : connection.peer()->address;
  if (!peer.is_named) {
    peers_.erase(found);
  } else if (!peer.link && !peer.handshake && !peer.dial) {
    dial(id, peer, pause_after(peer, ending, was_linked));
  }
  // From here on the node may have changed everything.
  if (was_linked) environment_.handler().lost(id);
  if (const Refused* refused = ending.refused_by_peer()) {
    environment_.handler().refused(id, address, *refused);
  }
}

// --- Views ---

bool ControlLinks::is_connected(NodeId node) const {
  const auto found = peers_.find(node);
  return found != peers_.end() && found->second.link && found->second.link->is_established();
}

std::string ControlLinks::address_of(NodeId node) const {
  const auto found = peers_.find(node);
  if (found == peers_.end()) return {};
  const Peer& peer = found->second;
  return peer.is_named ? peer.address : peer.link->peer()->address;
}

bool ControlLinks::is_named(NodeId node) const {
  const auto found = peers_.find(node);
  return found != peers_.end() && found->second.is_named;
}

std::vector<PeerLink> ControlLinks::status() const {
  std::vector<PeerLink> links;
  for (const auto& [id, peer] : peers_) {
    links.push_back({id, address_of(id), is_connected(id), peer.last_error});
  }
  return links;
}

// --- Lines for people ---

void ControlLinks::log_connected(NodeId id, const Peer& peer) {
  if (!environment_.log().is_on(LogLevel::info)) return;
  const std::string kind = who(id, peer.is_named) + peer.link->remote_host();
  const auto line = connected_throttle_.pass(
      kind, "connected with node " + to_string(id) + " at " + peer.link->remote(),
      environment_.now());
  if (line) environment_.log().write(LogLevel::info, *line);
}

void ControlLinks::log_failure(NodeId id, const Peer& peer, const char* what,
                               const std::string& kind) {
  if (!environment_.log().is_on(LogLevel::warning)) return;
  const std::string place = peer.address.empty() ? "" : " at " + peer.address;
  const auto line = failures_throttle_.pass(
      what + who(id, peer.is_named) + kind,
      std::string(what) + " node " + to_string(id) + place + ": " + peer.last_error,
      environment_.now());
  if (line) environment_.log().write(LogLevel::warning, *line);
}

}  // namespace raft::wire
