#include "util/log.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace raft::util {
namespace {

struct Written {
  LogLevel level;
  std::string component;
  std::string line;
};

LogSink into(std::vector<Written>& lines) {
  return [&lines](LogLevel level, std::string_view component, std::string_view line) {
    lines.push_back({level, std::string(component), std::string(line)});
  };
}

}  // namespace

TEST_CASE("a log without a sink is silent", "[util][log]") {
  const Log silent;
  CHECK_FALSE(silent.is_on(LogLevel::error));
  silent.write(LogLevel::error, "nobody hears");
  const Log empty({}, LogLevel::debug);
  CHECK_FALSE(empty.is_on(LogLevel::error));
}

TEST_CASE("a line reaches the sink with its level and component", "[util][log]") {
  std::vector<Written> lines;
  const Log log(into(lines), LogLevel::info);
  log.named("wire").write(LogLevel::warning, "peer 2 closed");
  log.write(LogLevel::info, "started");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].level == LogLevel::warning);
  CHECK(lines[0].component == "wire");
  CHECK(lines[0].line == "peer 2 closed");
  CHECK(lines[1].component.empty());
}

// Catches lines that are built although nobody reads them.
TEST_CASE("what is below the level is neither written nor built", "[util][log]") {
  std::vector<Written> lines;
  const Log log(into(lines), LogLevel::warning);
  int built = 0;
  const auto line = [&built] {
    ++built;
    return std::string("line");
  };
  RAFT_LOG(log, info, line());
  RAFT_LOG(log, warning, line());
  log.write(LogLevel::debug, "quiet");
  CHECK(built == 1);
  CHECK(lines.size() == 1);
}

// Catches forged lines: a key or a peer's text with a newline or a terminal's escape in it.
TEST_CASE("control bytes are escaped", "[util][log]") {
  std::vector<Written> lines;
  const Log log(into(lines), LogLevel::debug);
  log.write(LogLevel::info, std::string_view("a\nb\r\x1b[0m\x7f\0c", 11));
  log.write(LogLevel::info, "caf\xc3\xa9 \xc2\x9b!");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].line == "a\\x0ab\\x0d\\x1b[0m\\x7f\\x00c");
  CHECK(lines[1].line == "caf\xc3\xa9 \\xc2\\x9b!");
}

TEST_CASE("a long line is cut", "[util][log]") {
  std::vector<Written> lines;
  const Log log(into(lines), LogLevel::debug);
  log.write(LogLevel::info, std::string(1'000'000, 'x'));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].line.size() < 3000);
  CHECK(lines[0].line.ends_with("x..."));
}

}  // namespace raft::util
