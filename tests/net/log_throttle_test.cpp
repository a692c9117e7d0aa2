#include "net/log_throttle.hpp"

#include <catch2/catch.hpp>
#include <chrono>

using namespace raft::net;
using namespace std::chrono_literals;

// Catches: a log flooded by one bad neighbour, or news kept back because something else is loud.
TEST_CASE("a repeated line passes once per interval and says how many did not", "[net][log]") {
  LogThrottle throttle(10s);
  const LogThrottle::Clock::time_point start{};
  CHECK(throttle.pass("a", "first", start) == "first");
  CHECK_FALSE(throttle.pass("a", "second", start + 1s));
  CHECK_FALSE(throttle.pass("a", "third", start + 9s));
  CHECK(throttle.pass("a", "fourth", start + 10s) == "fourth (2 such lines held back before)");
  CHECK(throttle.pass("b", "another", start + 11s) == "another");
  CHECK_FALSE(throttle.pass("b", "another", start + 12s));
}
