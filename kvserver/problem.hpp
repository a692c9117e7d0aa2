// What can go wrong for a client: one table of errors, as values, and as replies (RFC 9457).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "kvserver/response.hpp"

namespace kv {

/// The `code` of an error, which clients branch on. Each has one status but too_large.
enum class ProblemCode : std::uint8_t {
  bad_request,
  not_found,
  method_not_allowed,
  request_timeout,
  conflict,
  id_taken,
  session_expired,
  compacted,
  precondition_failed,
  too_large,
  unsupported_encoding,
  expectation_failed,
  internal,
  storage_error,
  dropped,
  overloaded,
  no_leader,
  no_quorum,
  removed,
  draining,
  timeout,
  version_not_supported,
  storage_full,
};

/// The name on the wire: "no_leader".
std::string_view to_string(ProblemCode);

/// Whether the request has taken effect, as far as this node knows. Every error says it.
enum class Effect : std::uint8_t { no, unknown, yes };

/// Who leads, and where its HTTP interface is.
struct LeaderHint {
  raft::NodeId id;
  std::string http;  ///< "host:port"; empty while unknown.
};

struct Problem {
  ProblemCode code;
  std::string detail;
  Effect applied = Effect::no;
  unsigned status = 0;                         ///< Only where the code has several.
  std::optional<LeaderHint> leader{};          ///< Where else to ask.
  std::optional<raft::Index> current_index{};  ///< precondition_failed: the key's present one.
  std::optional<raft::Index> oldest_index{};   ///< compacted: the lowest that works.
  std::string allow{};                         ///< method_not_allowed: what is.
};

Problem bad_request(std::string detail);
Problem too_large(unsigned status, std::string detail);

/// What a failed call of libraft means to the client that caused it.
struct Attempt {
  bool is_write = true;          ///< A read that fails has never applied anything.
  bool deadline_passed = false;  ///< Its own `?timeout=` is over.
  std::string why{};             ///< What libraft says beside the code, if anything.
};
Problem problem_from(raft::Errc error, const Attempt& attempt);

/// How a route talks: one line of text to people, problem+json to programs.
enum class Style : std::uint8_t { text, json };

Response to_response(const Problem& problem, Style style);

}  // namespace kv
