#include "wire/links/backoff.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>

using namespace raft;
using namespace raft::wire;
using namespace std::chrono_literals;

// Catches: a pause that overflows, exceeds the maximum, or shrinks below half of what is due.
TEST_CASE("pauses double up to the maximum, each in the upper half of its range",
          "[wire][backoff]") {
  const auto random =
      GENERATE(std::uint64_t{0}, std::uint64_t{12345678901234567}, ~std::uint64_t{0});
  Backoff backoff({20ms, 2s});
  for (Duration ceiling = 20ms; ceiling < 2s; ceiling *= 2) {
    const Duration wait = backoff.next(random);
    CHECK(wait <= ceiling);
    CHECK(wait >= ceiling / 2);
  }
  for (int i = 0; i < 100; ++i) {
    const Duration wait = backoff.next(random);
    CHECK(wait <= 2s);
    CHECK(wait >= 1s);
  }
  backoff.reset();
  CHECK(backoff.next(random) <= 20ms);
}

// Catches: nodes that failed together and come back together, again and again.
TEST_CASE("pauses differ with the random value", "[wire][backoff]") {
  Backoff first({20ms, 2s});
  Backoff second({20ms, 2s});
  CHECK(first.next(0) != second.next(5'000'000));
}
