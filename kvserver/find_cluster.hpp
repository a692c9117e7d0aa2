// Asks running nodes over HTTP which cluster they belong to and where it is reached over Raft.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "kvserver/address.hpp"
#include "kvserver/logging.hpp"

namespace kv {

/// What a node needs to begin to join.
struct JoinTarget {
  raft::ClusterId cluster;
  std::vector<std::string> raft;  ///< "host:port" of members, the leader first where known.
};

/// The body of `/v1/cluster/join`. Errors: corrupt.
raft::Result<JoinTarget> parse_join_target(std::string_view body);

/// Asks each address once, in turn, until one answers with a cluster. Errors: timed_out, whose
/// detail says what each address answered.
boost::asio::awaitable<raft::Result<JoinTarget>> ask_for_cluster(std::vector<Address> addresses);

/// Tries the addresses in turn, again and again, until one answers with a cluster or the time is
/// over. Errors: timed_out, whose detail says what each address answered last.
boost::asio::awaitable<raft::Result<JoinTarget>> find_cluster(std::vector<Address> addresses,
                                                              raft::Duration timeout,
                                                              const Logger& log);

}  // namespace kv
