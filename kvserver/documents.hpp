// What a node says about itself and its cluster, as JSON and as lines of health. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <libraft/node.hpp>
#include "kvserver/problem.hpp"
#include "kvserver/response.hpp"
#include "kvserver/store_engine.hpp"

namespace kv {

/// Everything that the documents are made from, taken at one moment.
struct Facts {
  raft::Status status;
  raft::TransportStatus transport;
  raft::NodeIdentity identity;
  Totals totals;
  std::uint64_t watchers = 0;
  std::uint64_t watch_overflows = 0;
  std::optional<std::uint64_t> free_bytes{};  ///< On the disk of the log; only for the status.
  raft::Duration uptime{0};
  bool draining = false;
};

/// `/v1/status`.
Response status_document(const Facts& facts);
/// `/v1/cluster`.
Response cluster_document(const Facts& facts);
/// `/v1/cluster/leader`; an error while there is none.
Response leader_document(const Facts& facts);
/// `/v1/cluster/join`: the cluster's id and where its members are reached over Raft; an error
/// while this node belongs to none.
Response join_document(const Facts& facts);

/// `/livez`: the process answers. Never depends on a quorum, so that nobody restarts a node because
/// of its peers.
Response live_document(const Facts& facts);
/// `/readyz`: requests sent here have a good chance.
Response ready_document(const Facts& facts);
/// `/healthz`: both.
Response health_document(const Facts& facts);

/// "voter", "learner", "leaving".
std::string_view to_string(raft::Role role);

}  // namespace kv
