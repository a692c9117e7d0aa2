// Errors as clients see them: golden bodies, and for every failure of libraft whether the request
// has taken effect. Catches an error that says "failed" where the truth is "unknown".
#include "kvserver/problem.hpp"

#include <catch2/catch.hpp>

#include "kvserver/response.hpp"

namespace kv {

TEST_CASE("a problem as JSON", "[http][problem]") {
  Problem problem = problem_from(raft::Errc::no_leader, {});
  problem.leader = LeaderHint{{2}, "127.0.0.1:6001"};
  const Response response = to_response(problem, Style::json);
  CHECK(response.status == 503);
  CHECK(response.content_type == "application/problem+json");
  CHECK(response.body ==
        R"({"type":"urn:kvserver:problem:no_leader","title":"No leader is known","status":503,)"
        R"("detail":"no leader is known; an election may be under way","code":"no_leader",)"
        R"("retryable":true,"applied":"no","leader":{"id":2,"http":"127.0.0.1:6001"},)"
        R"("retry_after_ms":1000})"
        "\n");
}

TEST_CASE("a failed condition tells the present index", "[http][problem]") {
  Problem problem{ProblemCode::precondition_failed, "changed"};
  problem.current_index = raft::Index{9};
  CHECK(to_response(problem, Style::json).body ==
        R"({"type":"urn:kvserver:problem:precondition_failed",)"
        R"("title":"The condition does not hold","status":412,"detail":"changed",)"
        R"("code":"precondition_failed","retryable":false,"applied":"no","current_index":9})"
        "\n");
}

TEST_CASE("a problem as a line of text", "[http][problem]") {
  CHECK(to_response({ProblemCode::not_found, "no such key"}, Style::text).body ==
        "not_found: no such key\n");
  const Response response = to_response(problem_from(raft::Errc::busy, {}), Style::text);
  CHECK(response.body == "overloaded: too many requests are in flight; applied=no\n");
  CHECK(response.content_type == "text/plain; charset=utf-8");
}

TEST_CASE("every failure of libraft says what is known", "[http][problem][O02][O05][O06]") {
  struct Row {
    raft::Errc error;
    Attempt attempt;
    unsigned status;
    const char* code;
    Effect applied;
  };
  using raft::Errc;
  const Attempt write{};
  const Attempt late{true, true};
  const Attempt read{false, false};
  const Row rows[] = {
      {Errc::not_leader, write, 503, "no_leader", Effect::no},
      {Errc::no_leader, write, 503, "no_leader", Effect::no},
      {Errc::busy, write, 503, "overloaded", Effect::no},
      {Errc::transferring, write, 503, "no_leader", Effect::no},
      {Errc::dropped, write, 503, "dropped", Effect::no},
      {Errc::unknown_outcome, write, 503, "no_quorum", Effect::unknown},
      {Errc::unknown_outcome, late, 504, "timeout", Effect::unknown},
      {Errc::session_expired, write, 409, "session_expired", Effect::unknown},
      {Errc::conflict, write, 409, "conflict", Effect::no},
      {Errc::id_taken, write, 409, "id_taken", Effect::no},
      {Errc::invalid_argument, write, 400, "bad_request", Effect::no},
      {Errc::too_large, write, 413, "too_large", Effect::no},
      {Errc::timed_out, read, 504, "timeout", Effect::no},
      {Errc::removed, write, 503, "removed", Effect::no},
      {Errc::storage_full, write, 507, "storage_full", Effect::no},
      {Errc::corrupt, write, 500, "storage_error", Effect::unknown},
      {Errc::data_missing, write, 500, "storage_error", Effect::unknown},
      {Errc::newer_format, write, 500, "storage_error", Effect::unknown},
      {Errc::storage_failed, write, 500, "storage_error", Effect::unknown},
      {Errc::storage_failed, read, 500, "storage_error", Effect::no},
      {Errc::stopped, write, 503, "draining", Effect::no},
  };
  for (const Row& row : rows) {
    INFO(raft::to_string(row.error));
    const Problem problem = problem_from(row.error, row.attempt);
    CHECK(to_string(problem.code) == row.code);
    CHECK(problem.applied == row.applied);
    const Response response = to_response(problem, Style::json);
    CHECK(response.status == row.status);
    CHECK(response.body.find("\"applied\":") != std::string::npos);
  }
}

TEST_CASE("who may try again is told when", "[http][problem]") {
  const auto retry_after = [](raft::Errc error) {
    for (const Header& header : to_response(problem_from(error, {}), Style::json).headers) {
      if (header.name == "Retry-After") return header.value;
    }
    return std::string();
  };
  CHECK(retry_after(raft::Errc::no_leader) == "1");
  CHECK(retry_after(raft::Errc::busy) == "1");
  CHECK(retry_after(raft::Errc::transferring) == "1");
  CHECK(retry_after(raft::Errc::dropped) == "1");
  CHECK(retry_after(raft::Errc::removed).empty());
  CHECK(retry_after(raft::Errc::conflict).empty());
}

TEST_CASE("a reply as bytes", "[http][response]") {
  Response response = text_response(200, "ok\n");
  response.headers.push_back({"ETag", "\"41\""});
  response.entry = raft::EntryId{{7}, {41}};
  Envelope envelope;
  envelope.position = {{1}, {2}, {8}, {50}};
  envelope.request_id = 0x1234abcd00000001;
  envelope.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const std::string head =
      "HTTP/1.1 200 OK\r\nServer: kvserver\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "Content-Length: 3\r\nContent-Type: text/plain; charset=utf-8\r\nETag: \"41\"\r\n"
      "X-Raft-Index: 41\r\nX-Raft-Term: 7\r\nX-Raft-Node: 1\r\nX-Raft-Leader: 2\r\n"
      "X-Request-Id: 1234abcd00000001\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n\r\n";
  std::string out;
  append_response(out, response, envelope);
  CHECK(out == head + "ok\n");
  out.clear();
  envelope.head_only = true;
  append_response(out, response, envelope);
  CHECK(out == head);
}

TEST_CASE("replies without a body have no length", "[http][response]") {
  for (const unsigned status : {204u, 304u}) {
    Response response;
    response.status = status;
    std::string out;
    append_response(out, response, {});
    CHECK(out.find("Content-Length") == std::string::npos);
    CHECK(out.ends_with("\r\n\r\n"));
  }
}

TEST_CASE("how a connection goes on is said where it is not the default", "[http][response]") {
  const auto bytes = [](bool keep_alive, bool http_1_0) {
    std::string out;
    Envelope envelope;
    envelope.keep_alive = keep_alive;
    envelope.http_1_0 = http_1_0;
    append_response(out, text_response(200, ""), envelope);
    return out;
  };
  CHECK(bytes(true, false).find("Connection:") == std::string::npos);
  CHECK(bytes(false, false).find("Connection: close") != std::string::npos);
  CHECK(bytes(true, true).find("Connection: keep-alive") != std::string::npos);
}

}  // namespace kv
