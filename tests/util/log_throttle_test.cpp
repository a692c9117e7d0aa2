#include "util/log_throttle.hpp"

#include <catch2/catch.hpp>
#include <chrono>

using namespace raft;
using namespace raft::util;
using namespace std::chrono_literals;

// Catches: a log flooded by one bad neighbour, or news kept back because something else is loud.
TEST_CASE("a repeated line passes once per interval and says how many did not", "[util][log]") {
  LogThrottle throttle(10s);
  const Duration start{0};
  CHECK(throttle.pass("a", "first", start) == "first");
  CHECK_FALSE(throttle.pass("a", "second", start + 1s));
  CHECK_FALSE(throttle.pass("a", "third", start + 9s));
  CHECK(throttle.pass("a", "fourth", start + 10s) == "fourth (2 such lines held back before)");
  CHECK(throttle.pass("b", "another", start + 11s) == "another");
  CHECK_FALSE(throttle.pass("b", "another", start + 12s));
}

// Catches: two kinds in turn, each of which counts as news after the other.
TEST_CASE("kinds that take turns are held back each", "[util][log]") {
  LogThrottle throttle(10s);
  const Duration start{0};
  CHECK(throttle.pass("a", "a", start));
  CHECK(throttle.pass("b", "b", start));
  for (int turn = 1; turn < 10; ++turn) {
    CHECK_FALSE(throttle.pass("a", "a", start + turn * 1s));
    CHECK_FALSE(throttle.pass("b", "b", start + turn * 1s));
  }
  CHECK(throttle.pass("b", "b", start + 10s) == "b (9 such lines held back before)");
}

// Catches: memory and log lines that grow with the kinds that somebody makes up.
TEST_CASE("countless kinds make few lines", "[util][log]") {
  LogThrottle throttle(10s);
  const Duration start{0};
  int lines = 0;
  for (int i = 0; i < 5000; ++i) {
    if (throttle.pass(std::to_string(i), "line", start + i * 1ms)) ++lines;
  }
  CHECK(lines < 100);
  CHECK(throttle.pass("new", "line", start + 60s) == "line (4936 such lines held back before)");
}
