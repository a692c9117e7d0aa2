#include "kvserver/documents.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>

#include "kvserver/help_page.hpp"

namespace kv {
namespace {

namespace json = boost::json;

// Further behind than this, a node answers from too long ago to be given traffic.
constexpr std::uint64_t apply_lag_max = 10'000;

std::int64_t milliseconds(raft::Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::int64_t microseconds(raft::Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

const raft::Member* find_member(const raft::Status& status, raft::NodeId id) {
  return status.membership.membership->find(id);
}

const raft::PeerStatus* find_peer(const raft::Status& status, raft::NodeId id) {
  for (const raft::PeerStatus& peer : status.peers) {
    if (peer.id == id) return &peer;
  }
  return nullptr;
}

Response document(const json::object& body) {
  return json_response(200, json::serialize(body) + "\n");
}

json::object peer_object(const raft::PeerStatus& peer, raft::Index last) {
  json::object object;
  object["id"] = peer.id.value;
  object["match"] = peer.match.value;
  object["lag"] = raft::distance(peer.match, last);
  object["last_contact_ms"] = milliseconds(peer.since_contact);
  object["round_trip_us"] = microseconds(peer.round_trip);
  if (peer.receiving_snapshot) {
    object["snapshot_bytes_sent"] = peer.snapshot_bytes_sent;
    object["snapshot_bytes_total"] = peer.snapshot_bytes_total;
  }
  return object;
}

json::array connections(const raft::TransportStatus& transport) {
  json::array array;
  for (const auto& peer : transport.peers) {
    json::object object;
    object["id"] = peer.id.value;
    object["raft"] = peer.address;
    object["connected"] = peer.connected;
    if (!peer.last_error.empty()) object["last_error"] = peer.last_error;
    array.push_back(std::move(object));
  }
  return array;
}

json::object member_object(const Facts& facts, const raft::Member& member) {
  const raft::Status& status = facts.status;
  json::object object;
  object["id"] = member.id.value;
  object["raft"] = member.address;
  object["http"] = member.attributes;
  object["role"] = member.id == status.leader ? "leader" : to_string(member.role);
  object["instance"] = raft::to_string(member.instance);
  if (const raft::PeerStatus* peer = find_peer(status, member.id)) {
    object["match"] = peer->match.value;
    object["lag"] = raft::distance(peer->match, status.last_index);
    object["last_contact_ms"] = milliseconds(peer->since_contact);
  } else if (member.id == status.id && status.role == raft::RoleNow::leader) {
    object["match"] = status.last_index.value;
    object["lag"] = 0;
    object["last_contact_ms"] = 0;
  }
  return object;
}

json::array ids(const std::vector<raft::NodeId>& nodes) {
  json::array array;
  for (const raft::NodeId node : nodes) array.push_back(node.value);
  return array;
}

// One line of a health page.
struct Check {
  std::string_view name;
  std::string failure;  // Empty: well.
};

Response health_page(std::initializer_list<Check> checks) {
  std::string body;
  bool well = true;
  for (const Check& check : checks) {
    well = well && check.failure.empty();
    body.append(check.failure.empty() ? "[+]" : "[-]").append(check.name).append(" ");
    body.append(check.failure.empty() ? "ok" : check.failure).append("\n");
  }
  return text_response(well ? 200 : 503, std::move(body));
}

Check process_check() { return {"process", {}}; }

Check leader_check(const Facts& facts) {
  return {"leader", facts.status.leader ? "" : "no leader is known"};
}

Check member_check(const Facts& facts) {
  if (facts.status.is_removed) return {"member", "removed from the cluster"};
  return {"member", facts.status.is_member ? "" : "not yet a member"};
}

Check applied_check(const Facts& facts) {
  const std::uint64_t behind = raft::distance(facts.status.applied, facts.status.commit);
  if (behind <= apply_lag_max) return {"applied", {}};
  return {"applied", std::to_string(behind) + " entries behind commit"};
}

// The detail of a failure names files; that is for the log, not for whoever can reach the port.
std::string_view storage_state(const raft::Status& status) {
  if (status.failure) return raft::to_string(status.failure->code);
  return status.storage_full ? "storage_full" : "ok";
}

json::object disk_object(const Facts& facts) {
  json::object object;
  if (facts.free_bytes) object["free_bytes"] = *facts.free_bytes;
  object["writes_paused"] = facts.status.storage_full;
  return object;
}

// A full disk is temporary, but until there is space writes are better sent elsewhere.
Check storage_check(const Facts& facts) {
  const std::string_view state = storage_state(facts.status);
  return {"storage", state == "ok" ? "" : std::string(state)};
}

Check draining_check(const Facts& facts) {
  return {"serving", facts.draining ? "shutting down" : ""};
}

}  // namespace

std::string_view to_string(raft::Role role) {
  switch (role) {
    case raft::Role::voter:
      return "voter";
    case raft::Role::learner:
      return "learner";
    case raft::Role::leaving:
      return "leaving";
  }
  return "unknown";
}

Response status_document(const Facts& facts) {
  const raft::Status& status = facts.status;
  json::object body;
  body["id"] = status.id.value;
  body["cluster"] = raft::to_string(facts.identity.cluster);
  body["instance"] = raft::to_string(facts.identity.instance);
  body["role"] = raft::to_string(status.role);
  body["member"] = status.is_member;
  body["term"] = status.term.value;
  body["leader"] = status.leader.value;
  body["commit"] = status.commit.value;
  body["applied"] = status.applied.value;
  body["first_index"] = status.first_index.value;
  body["last_index"] = status.last_index.value;
  body["pending_writes"] = status.pending_proposals;
  body["pending_reads"] = status.pending_reads;
  body["keys"] = facts.totals.keys;
  body["bytes"] = facts.totals.bytes;
  json::array peers;
  for (const auto& peer : status.peers) peers.push_back(peer_object(peer, status.last_index));
  body["peers"] = std::move(peers);
  body["connections"] = connections(facts.transport);
  if (status.receiving_bytes_total != 0) {
    body["receiving_snapshot"] = {{"bytes", status.receiving_bytes},
                                  {"bytes_total", status.receiving_bytes_total}};
  }
  body["storage"] = storage_state(status);
  body["disk"] = disk_object(facts);
  body["version"] = version_line();
  body["uptime_seconds"] = milliseconds(facts.uptime) / 1000;
  return document(body);
}

Response cluster_document(const Facts& facts) {
  const raft::LoggedMembership& logged = facts.status.membership;
  const raft::Membership& membership = *logged.membership;
  json::object body;
  body["cluster"] = raft::to_string(facts.identity.cluster);
  body["term"] = facts.status.term.value;
  body["leader"] = facts.status.leader.value;
  body["membership_index"] = logged.index.value;
  json::array members;
  for (const raft::Member& member : membership.members) {
    members.push_back(member_object(facts, member));
  }
  if (membership.is_joint()) {
    body["joint"] = {{"incoming", ids(membership.voters())},
                     {"outgoing", ids(membership.outgoing)}};
  }
  body["members"] = std::move(members);
  return document(body);
}

Response leader_document(const Facts& facts) {
  const raft::NodeId leader = facts.status.leader;
  if (!leader) {
    return to_response(problem_from(raft::Errc::no_leader, {.is_write = false}), Style::json);
  }
  const raft::Member* member = find_member(facts.status, leader);
  json::object body;
  body["id"] = leader.value;
  body["http"] = member != nullptr ? member->attributes : "";
  return document(body);
}

Response join_document(const Facts& facts) {
  const raft::Membership& membership = *facts.status.membership.membership;
  if (!facts.identity.cluster || membership.members.empty()) {
    return to_response({ProblemCode::no_leader, "this node does not belong to a cluster yet"},
                       Style::json);
  }
  json::object body;
  body["cluster"] = raft::to_string(facts.identity.cluster);
  json::array members;
  // The leader first: it is the one that can add a member at once.
  std::vector<const raft::Member*> order;
  for (const raft::Member& member : membership.members) order.push_back(&member);
  std::stable_partition(order.begin(), order.end(), [&](const raft::Member* member) {
    return member->id == facts.status.leader;
  });
  for (const raft::Member* member : order) members.push_back(json::value(member->address));
  body["raft"] = std::move(members);
  return document(body);
}

Response live_document(const Facts&) { return health_page({process_check()}); }

Response ready_document(const Facts& facts) {
  return health_page({leader_check(facts), member_check(facts), applied_check(facts),
                      storage_check(facts), draining_check(facts)});
}

Response health_document(const Facts& facts) {
  return health_page({process_check(), leader_check(facts), member_check(facts),
                      applied_check(facts), storage_check(facts), draining_check(facts)});
}

}  // namespace kv
