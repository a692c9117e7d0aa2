#include "wire/links/bulk_links.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace raft::wire {

using Side = Connection::Side;

namespace {

// A receiver asks a few chunks ahead; more than this is not a queue but a mistake.
constexpr std::size_t waiting_max = 256;

}  // namespace

// --- Messages ---

void BulkLinks::send(GroupId group, const ServiceMessage& message) {
  if (std::holds_alternative<ChunkRequest>(message.body)) {
    ask(group, message);
  } else {
    answer(group, message);
  }
}

void BulkLinks::ask(GroupId group, const ServiceMessage& message) {
  Outgoing& outgoing = outgoing_.try_emplace(message.to, environment_.rules()).first->second;
  if (outgoing.link) return outgoing.link->send(group, message);
  if (outgoing.waiting.size() < waiting_max) outgoing.waiting.push_back({group, message});
  if (!outgoing.dial && !outgoing.handshake) dial(message.to, outgoing);
}

void BulkLinks::answer(GroupId group, const ServiceMessage& message) {
  const auto found = incoming_.find(message.to);
  if (found != incoming_.end()) found->second->send(group, message);
}

void BulkLinks::flush() {
  for (auto& [id, outgoing] : outgoing_) {
    if (outgoing.link) outgoing.link->flush();
  }
  for (auto& [id, link] : incoming_) link->flush();
}

void BulkLinks::close() {
  for (auto& [id, outgoing] : outgoing_) {
    if (outgoing.dial) outgoing.dial->cancel();
    if (outgoing.handshake) outgoing.handshake->close();
    if (outgoing.link) outgoing.link->close();
  }
  for (auto& [id, link] : incoming_) link->close();
  outgoing_.clear();
  incoming_.clear();
}

// --- Connections for our own questions ---

void BulkLinks::dial(NodeId id, Outgoing& outgoing) {
  const std::string address = control_.address_of(id);
  if (address.empty()) return failed(id, outgoing, "its address is not known");
  const Duration pause = std::max(outgoing.not_dialled_before - environment_.now(), Duration{0});
  outgoing.dial = environment_.dial(
      address, pause, [this, id](Result<Opened> opened) { dialled(id, std::move(opened)); });
}

void BulkLinks::dialled(NodeId id, Result<Opened> opened) {
  Outgoing& outgoing = outgoing_.at(id);
  outgoing.dial = nullptr;
  if (!opened) return failed(id, outgoing, opened.error().detail);
  outgoing.handshake = (*opened)(environment_.handler().hello(Purpose::bulk, id), *this);
}

void BulkLinks::failed(NodeId id, Outgoing& outgoing, const std::string& why) {
  RAFT_LOG(environment_.log(), warning,
           "no bulk connection with node " + to_string(id) + ": " + why);
  outgoing.waiting.clear();
  outgoing.not_dialled_before = environment_.now() + outgoing.backoff.next(environment_.random());
}

// Only of dialled connections: inbound ones come judged.
void BulkLinks::hello_received(Connection& connection, const Hello& hello) {
  if (const auto refused = environment_.handler().judge(hello)) return connection.refuse(*refused);
  connection.accept();
}

// --- Connections for the questions of others ---

bool BulkLinks::adopt(Connection& connection) {
  const NodeId id = connection.node();
  const auto strangers = std::count_if(incoming_.begin(), incoming_.end(), [&](const auto& item) {
    return !control_.is_named(item.first);
  });
  const bool has_room = control_.is_named(id) || incoming_.contains(id) ||
                        static_cast<std::size_t>(strangers) < environment_.rules().strangers_max;
  if (!has_room) {
    connection.refuse({Refusal::too_many, {}, {}, "too many nodes that are not members"});
    return false;
  }
  connection.set_owner(*this);
  connection.accept();
  return true;
}

// --- Both ---

void BulkLinks::established(Connection& connection) {
  connection.limit_idleness(environment_.rules().bulk_idle_timeout, "not used any more");
  if (connection.side() == Side::listener) {
    // The asker dials anew only when its old connection is gone.
    auto& link = incoming_[connection.node()];
    if (link) link->close();
    link = connection.shared_from_this();
    return;
  }
  Outgoing& outgoing = outgoing_.at(connection.node());
  outgoing.link = std::exchange(outgoing.handshake, nullptr);
  outgoing.backoff.reset();
  for (const Waiting& waiting : std::exchange(outgoing.waiting, {})) {
    connection.send(waiting.group, waiting.message);
  }
  connection.flush();
}

// The machine lets only service messages through on a bulk connection.
void BulkLinks::received(Connection& connection, GroupId, Message&&) { connection.close(); }

void BulkLinks::received(Connection& connection, GroupId group, ServiceMessage&& message) {
  environment_.handler().received(group, std::move(message), connection.make_reply());
}

void BulkLinks::closed(Connection& connection, const Ending& ending) {
  const NodeId id = connection.node();
  if (connection.side() == Side::listener) {
    const auto found = incoming_.find(id);
    if (found != incoming_.end() && found->second.get() == &connection) incoming_.erase(found);
    return;
  }
  Outgoing& outgoing = outgoing_.at(id);
  const bool was_linked = outgoing.link.get() == &connection;
  (was_linked ? outgoing.link : outgoing.handshake) = nullptr;
  if (!was_linked) return failed(id, outgoing, ending.text);
  RAFT_LOG(environment_.log(), info,
           "bulk connection with node " + to_string(id) + " closed: " + ending.text);
}

}  // namespace raft::wire
