// Heads that two parsers could read differently, and heads that are not HTTP at all. Catches
// request smuggling: most of these rows pass through Beast alone.
#include "kvserver/request_head.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace kv {
namespace {

HeadResult parse(const std::string& bytes) { return parse_head(bytes, 0, {}); }

// The status that a head is refused with; 200: accepted, 0: incomplete.
unsigned verdict(const std::string& bytes) {
  const HeadResult result = parse(bytes);
  if (std::holds_alternative<Incomplete>(result)) return 0;
  if (std::holds_alternative<RequestHead>(result)) return 200;
  return to_response(std::get<Problem>(result), Style::json).status;
}

std::string with_fields(const std::string& fields) {
  return "PUT /v1/kv/k HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("a good head is taken apart", "[http][head]") {
  const std::string bytes =
      "\r\nPUT /v1/kv/k?cas=1 HTTP/1.1\r\nhOsT: h\r\nContent-Length: 5\r\nIf-Match: \"7\"\r\n"
      "Idempotency-Key: c:1\r\nExpect: 100-Continue\r\n\r\nvalue";
  const HeadResult result = parse(bytes);
  REQUIRE(std::holds_alternative<RequestHead>(result));
  const auto& head = std::get<RequestHead>(result);
  CHECK(head.method == Method::put);
  CHECK(head.target == "/v1/kv/k?cas=1");
  CHECK(head.content_length == 5);
  CHECK(head.expect_continue);
  CHECK(head.keep_alive);
  CHECK(head.headers.if_match == "\"7\"");
  CHECK(head.headers.idempotency_key == "c:1");
  CHECK(bytes.substr(head.size) == "value");
}

TEST_CASE("a body's length must be beyond doubt", "[http][head][H07]") {
  for (const char* fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 6\r\n", "Content-Length: +5\r\n", "Content-Length: -1\r\n",
        "Content-Length: 0x10\r\n", "Content-Length: 18446744073709551616\r\n",
        "Content-Length: \r\n", "Content-Length: 5 5\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\x0b"
        "chunked\r\n"}) {
    INFO(fields);
    CHECK(verdict(with_fields(fields)) == 400);
  }
  CHECK(verdict(with_fields("Transfer-Encoding: Chunked\r\n")) == 200);
  CHECK(verdict("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
}

TEST_CASE("what is not strictly HTTP/1.1 is refused", "[http][head][H08]") {
  struct Row {
    std::string bytes;
    unsigned status;
  };
  const Row rows[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},                                 // No Host.
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},           // Two.
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},                     // Space before the colon.
      {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},           // Continued line.
      {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n", 400},       // The same with a tab.
      {"GET / HTTP/1.1\nHost: a\n\n", 400},                            // Bare line feeds.
      {"GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", 400},                // One of them.
      {"GET / HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n", 400},                // Bare carriage return.
      {std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30), 400},  // Zero byte.
      {"GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", 400},           // Field without a name.
      {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},          // Field without a value.
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},                     // Two spaces.
      {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400},                    // A space in the target.
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},                     // Space at the end.
      {"GET /\r\n", 400},                                              // HTTP/0.9.
      {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nIf-Match: \"1\"\r\nIf-Match: \"2\"\r\n\r\n", 400},
      {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417},
      {"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 200},  // Absolute form.
      {"GET / HTTP/1.0\r\n\r\n", 200},
  };
  for (const Row& row : rows) {
    INFO(row.bytes);
    CHECK(verdict(row.bytes) == row.status);
  }
}

// A server that waits for the end of a head answers these with a time-out at best.
TEST_CASE("garbage is refused without waiting for its end", "[http][head][H11]") {
  CHECK(verdict("\x16\x03\x01\x02") == 400);  // TLS
  CHECK(verdict("get / HTTP/1.1\r\n") == 400);
  CHECK(verdict("GARBAGE GARBAGE\r\n") == 400);
  CHECK(verdict("GET / HTTP/1.1\n") == 400);
  CHECK(verdict("\r\n\r\n\r\n\r\n\r\n") == 400);
  CHECK(verdict("") == 0);
  CHECK(verdict("GE") == 0);
  CHECK(verdict("GET / HTTP/1.1\r\nHost: a\r\n") == 0);
}

TEST_CASE("a head is bounded in its line, its bytes and its fields", "[http][head][H04]") {
  const HeadLimits limits;
  CHECK(verdict("GET /" + std::string(limits.request_line_bytes_max, 'x')) == 414);
  CHECK(verdict("GET /" + std::string(16000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 200);
  CHECK(verdict(with_fields("X: " + std::string(limits.head_bytes_max, 'x') + "\r\n")) == 431);
  CHECK(verdict("GET / HTTP/1.1\r\nX: " + std::string(limits.head_bytes_max, 'x')) == 431);
  std::string fields;
  for (std::size_t i = 1; i < limits.fields_max; ++i) fields += "X: 1\r\n";
  CHECK(verdict(with_fields(fields)) == 200);
  CHECK(verdict(with_fields(fields + "X: 1\r\n")) == 431);
}

TEST_CASE("a head that comes byte by byte reads as in one piece", "[http][head]") {
  const std::string bytes = with_fields("Content-Length: 3\r\n");
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const HeadResult result = parse_head(std::string_view(bytes).substr(0, size), scanned, {});
    REQUIRE(std::holds_alternative<Incomplete>(result));
    scanned = std::get<Incomplete>(result).scanned;
  }
  const HeadResult result = parse_head(bytes, scanned, {});
  REQUIRE(std::holds_alternative<RequestHead>(result));
  CHECK(std::get<RequestHead>(result).size == bytes.size());
}

// Any change of one byte may be refused or accepted, but must not crash or read beyond the end.
TEST_CASE("no single byte in a head does harm", "[http][head][H16]") {
  const std::string good = "PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(byte);
      const HeadResult result = parse_head(bytes, 0, {});
      const auto* head = std::get_if<RequestHead>(&result);
      if (head != nullptr) REQUIRE(head->size <= bytes.size());
    }
  }
}

}  // namespace kv
