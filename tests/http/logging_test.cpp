// Log lines. Catches lines that a client can forge and levels that a component escapes.
#include "kvserver/logging.hpp"

#include <catch2/catch.hpp>

namespace kv {

TEST_CASE("a line is one line, whatever its text", "[http][logging][S12]") {
  const std::string text =
      format_log_line(LogFormat::text, "T", raft::LogLevel::warning, "http", "a\nb\x1b[2J");
  CHECK(text == "T warning http: a\\x0Ab\\x1B[2J\n");
  CHECK(format_log_line(LogFormat::text, "T", raft::LogLevel::info, "x", std::string(9999, 'y'))
            .size() < 2100);
}

TEST_CASE("a line as JSON", "[http][logging]") {
  CHECK(format_log_line(LogFormat::json, "T", raft::LogLevel::error, "net", "a\"b\xff") ==
        R"({"time":"T","level":"error","component":"net","message":"a\"b\\xFF"})"
        "\n");
}

TEST_CASE("levels by component", "[http][logging]") {
  const auto levels = parse_log_levels("raft=debug,http=error,warning");
  REQUIRE(levels);
  CHECK(levels->of("http") == raft::LogLevel::error);
  CHECK(levels->of("server") == raft::LogLevel::warning);
  CHECK(levels->of("net") == raft::LogLevel::debug);
  CHECK(levels->lowest() == raft::LogLevel::debug);
  CHECK(parse_log_levels("info")->lowest() == raft::LogLevel::info);
  CHECK_FALSE(parse_log_levels("loud"));
  CHECK_FALSE(parse_log_levels("raft=loud"));
  CHECK_FALSE(parse_log_levels("rafft=debug"));
  CHECK(parse_log_levels("net=debug,storage=error"));
  CHECK_FALSE(parse_log_levels(""));
}

}  // namespace kv
