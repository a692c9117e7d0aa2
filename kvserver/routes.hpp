// From a request to what it asks for. Pure functions: no socket, no group, no store.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <libraft/membership.hpp>
#include <libraft/request.hpp>
#include "kvserver/change_event.hpp"
#include "kvserver/kv_command.hpp"
#include "kvserver/problem.hpp"
#include "kvserver/request.hpp"
#include "kvserver/response.hpp"

namespace kv {

/// What metrics count by. Few and fixed, whatever clients ask for.
enum class RouteClass : std::uint8_t { plain, kv, watch, cluster, status, health, metrics, other };
inline constexpr std::size_t route_class_count = 8;

/// "plain", "kv", ...
std::string_view to_string(RouteClass);

/// The reply is known already.
struct Respond {
  Response response;
};

/// A command for the log.
struct Write {
  Bytes command;  ///< Encoded.
  raft::Session session;
  raft::Duration timeout{0};
  bool redirect = false;  ///< Do not forward: 307 to the leader.
  bool strict = false;    ///< Deleting a missing key is an error.
};

/// How fresh an answer has to be.
struct ReadTerms {
  raft::ReadLevel level = raft::ReadLevel::linearizable;
  raft::Duration timeout{0};
  bool redirect = false;
};

/// A value to look up.
struct Read {
  Bytes key;
  ReadTerms terms;
  /// If-None-Match: the change indexes for which 304 is enough.
  std::vector<Index> known;
  bool known_any = false;  ///< If-None-Match: *
  /// A long poll: only once the key changes after that entry, or so much time has passed.
  std::optional<Index> changed_after;
  raft::Duration wait{0};
};

/// A page of the keys with a prefix.
struct List {
  enum class What : std::uint8_t { items, keys, count };

  Bytes prefix;
  std::optional<Bytes> after;  ///< The last key of the page before.
  bool descending = false;
  What what = What::items;
  std::size_t limit = 0;  ///< Of keys that are shown, not of those that are counted.
  ReadTerms terms;
};

/// Changes as they happen.
struct Watch {
  Bytes prefix;
  raft::Duration timeout{0};  ///< To learn where "now" is.
  std::optional<Index> from;  ///< Absent: from now on.
  EventFormat format = EventFormat::sse;
};

/// Bring a node that waits to be added into the cluster.
struct AddMember {
  raft::Member member;
  raft::Duration timeout{0};
};
struct RemoveMember {
  raft::NodeId id;
  raft::Duration timeout{0};
};
struct TransferLeadership {
  raft::NodeId to;  ///< 0: to the most up-to-date voter.
  raft::Duration timeout{0};
};

/// Documents about the present state.
enum class Show : std::uint8_t { status, cluster, leader, join, live, ready, health, metrics };

using Action = std::variant<Respond, Write, Read, List, Watch, AddMember, RemoveMember,
                            TransferLeadership, Show>;

struct Routed {
  RouteClass route = RouteClass::other;
  Style style = Style::json;
  Action action = Respond{};
};

struct RouteLimits {
  std::size_t value_bytes_max = std::size_t{1} << 20;
  raft::Duration timeout = std::chrono::seconds(5);  ///< Without `?timeout=`.
  raft::Duration membership_timeout = std::chrono::seconds(30);
  raft::Duration timeout_max = std::chrono::minutes(10);
  std::size_t page_keys = 1000;  ///< Without `?limit=`.
  std::size_t page_keys_max = 10'000;
  raft::Duration wait = std::chrono::seconds(30);  ///< Of a long poll, without `?wait=`.
  std::size_t watchers_max = 1024;                 ///< Watches and long polls together.
};

/// Never fails: what makes no sense becomes a Respond with the error.
Routed route(const Request& request, const RouteLimits& limits);

}  // namespace kv
