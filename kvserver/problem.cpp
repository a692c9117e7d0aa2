#include "kvserver/problem.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace kv {
namespace {

struct Row {
  std::string_view code;
  unsigned status;
  std::string_view title;
  bool retryable;           // The same request may succeed later.
  unsigned retry_after_ms;  // 0: no advice.
};

// In the order of ProblemCode.
constexpr std::array<Row, 23> rows{{
    {"bad_request", 400, "The request is malformed", false, 0},
    {"not_found", 404, "Not found", false, 0},
    {"method_not_allowed", 405, "Method not allowed", false, 0},
    {"request_timeout", 408, "The request took too long to arrive", true, 0},
    {"conflict", 409, "In conflict with the state of the cluster", true, 1000},
    {"id_taken", 409, "The node id belongs to another instance", false, 0},
    {"session_expired", 409, "The session has expired", false, 0},
    {"compacted", 410, "Changes from there on are no longer held", false, 0},
    {"precondition_failed", 412, "The condition does not hold", false, 0},
    {"too_large", 413, "Too large", false, 0},
    {"unsupported_encoding", 415, "Content encodings are not supported", false, 0},
    {"expectation_failed", 417, "The expectation cannot be met", false, 0},
    {"internal", 500, "Internal error", false, 0},
    {"storage_error", 500, "The storage of this node failed", false, 0},
    {"dropped", 503, "A change of leader dropped the request", true, 100},
    {"overloaded", 503, "Too much is in flight", true, 1000},
    {"no_leader", 503, "No leader is known", true, 1000},
    {"no_quorum", 503, "Leadership was lost while waiting", true, 1000},
    {"removed", 503, "This node is no longer a member", false, 0},
    {"draining", 503, "This node is shutting down", true, 1000},
    {"timeout", 504, "The deadline has passed", true, 0},
    {"version_not_supported", 505, "HTTP version not supported", false, 0},
    {"storage_full", 507, "Little space is left on the disk", true, 5000},
}};

const Row& row(ProblemCode code) { return rows[static_cast<std::size_t>(code)]; }

std::string_view to_string(Effect effect) {
  switch (effect) {
    case Effect::no:
      return "no";
    case Effect::unknown:
      return "unknown";
    case Effect::yes:
      return "yes";
  }
  return "unknown";
}

std::string problem_body(const Problem& problem, unsigned status) {
  const Row& kind = row(problem.code);
  boost::json::object body;
  body["type"] = "urn:kvserver:problem:" + std::string(kind.code);
  body["title"] = kind.title;
  body["status"] = status;
  body["detail"] = problem.detail;
  body["code"] = kind.code;
  body["retryable"] = kind.retryable;
  body["applied"] = to_string(problem.applied);
  if (problem.leader) {
    body["leader"] = {{"id", problem.leader->id.value}, {"http", problem.leader->http}};
  }
  if (problem.current_index) body["current_index"] = problem.current_index->value;
  if (problem.oldest_index) body["oldest_index"] = problem.oldest_index->value;
  if (kind.retry_after_ms != 0) body["retry_after_ms"] = kind.retry_after_ms;
  return boost::json::serialize(body) + "\n";
}

Problem unknown_outcome(const Attempt& attempt) {
  if (attempt.deadline_passed) {
    return {ProblemCode::timeout, "no answer within the deadline; it may still take effect",
            Effect::unknown};
  }
  return {ProblemCode::no_quorum,
          "it may or may not have taken effect: look before you try again, or give writes an "
          "Idempotency-Key",
          Effect::unknown};
}

Problem problem_of(raft::Errc error, const Attempt& attempt) {
  using raft::Errc;
  const Effect doubt = attempt.is_write ? Effect::unknown : Effect::no;
  switch (error) {
    case Errc::not_leader:
    case Errc::no_leader:
      return {ProblemCode::no_leader, "no leader is known; an election may be under way"};
    case Errc::transferring:
      return {ProblemCode::no_leader, "leadership is being transferred"};
    case Errc::busy:
      return {ProblemCode::overloaded, "too many requests are in flight"};
    case Errc::dropped:
      return {ProblemCode::dropped, "another leader's entry was committed in its place"};
    case Errc::unknown_outcome:
      return unknown_outcome(attempt);
    case Errc::session_expired:
      return {ProblemCode::session_expired,
              "this Idempotency-Key is below the window, or its client is no longer known",
              Effect::unknown};
    case Errc::conflict:
      return {ProblemCode::conflict, "a membership change is under way or the index did not match"};
    case Errc::id_taken:
      return {ProblemCode::id_taken,
              "the node id belongs to another instance; remove that member first: "
              "DELETE /v1/cluster/members/ID"};
    case Errc::invalid_argument:
      return bad_request("the cluster cannot do this");
    case Errc::too_large:
      return too_large(413, "the command exceeds the limit of the log");
    case Errc::timed_out:
      return {ProblemCode::timeout, "no answer within the deadline"};
    case Errc::removed:
      return {ProblemCode::removed, "this node was removed from the cluster"};
    case Errc::storage_full:
      return {ProblemCode::storage_full, attempt.is_write
                                             ? "writes go on once there is space again"
                                             : "without space this node cannot follow the leader; "
                                               "ask another one, or with consistency=stale"};
    case Errc::corrupt:
    case Errc::data_missing:
    case Errc::newer_format:
    case Errc::storage_failed:
      return {ProblemCode::storage_error, "this node cannot go on; ask another one", doubt};
    case Errc::machine_failed:
      return {ProblemCode::internal, "this node cannot go on; ask another one", doubt};
    case Errc::stopped:
      return {ProblemCode::draining, "ask another node"};
  }
  return {ProblemCode::internal, "unexpected error", doubt};
}

// Which node, which limit. What is wrong with this node itself, such as the name of a file, is for
// the log, not for whoever can reach the port.
bool is_about_the_request(raft::Errc error) {
  using raft::Errc;
  return error == Errc::busy || error == Errc::conflict || error == Errc::id_taken ||
         error == Errc::invalid_argument || error == Errc::too_large;
}

}  // namespace

std::string_view to_string(ProblemCode code) { return row(code).code; }

Problem bad_request(std::string detail) { return {ProblemCode::bad_request, std::move(detail)}; }

Problem too_large(unsigned status, std::string detail) {
  Problem problem{ProblemCode::too_large, std::move(detail)};
  problem.status = status;
  return problem;
}

Problem problem_from(raft::Errc error, const Attempt& attempt) {
  Problem problem = problem_of(error, attempt);
  if (!attempt.why.empty() && is_about_the_request(error)) problem.detail = attempt.why;
  return problem;
}

Response to_response(const Problem& problem, Style style) {
  const Row& kind = row(problem.code);
  const unsigned status = problem.status != 0 ? problem.status : kind.status;
  Response response;
  response.status = status;
  if (style == Style::json) {
    response.content_type = problem_json;
    response.body = problem_body(problem, status);
  } else {
    response.content_type = text_plain;
    response.body = std::string(kind.code) + ": " + problem.detail;
    // Below 500 the code itself says that nothing has happened.
    if (status >= 500) response.body.append("; applied=").append(to_string(problem.applied));
    response.body.push_back('\n');
  }
  response.headers.push_back({"X-KV-Applied", std::string(to_string(problem.applied))});
  if (!problem.allow.empty()) response.headers.push_back({"Allow", problem.allow});
  // RFC 9110 10.2.3 counts in whole seconds.
  if (kind.status == 503 && kind.retryable) response.headers.push_back({"Retry-After", "1"});
  response.close = problem.code == ProblemCode::draining;
  return response;
}

}  // namespace kv
