#include <catch2/catch.hpp>
#include <limits>

#include <libraft/status.hpp>

namespace raft {

TEST_CASE("an empty histogram has counted nothing", "[util][histogram]") {
  const Histogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.sum() == 0);
  CHECK(histogram.at_most(std::numeric_limits<std::uint64_t>::max()) == 0);
}

// Catches an off-by-one at the edges of the small buckets, where latencies of a fast machine lie.
TEST_CASE("values below eight are told apart exactly", "[util][histogram]") {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 8; ++value) histogram.record(value);
  for (std::uint64_t bound = 0; bound < 8; ++bound) CHECK(histogram.at_most(bound) == bound + 1);
  CHECK(histogram.count() == 8);
  CHECK(histogram.sum() == 28);
}

// Catches a gap or an overlap between buckets: each value must count from its own bound on, and
// not yet a quarter below it.
TEST_CASE("a value counts at its own bound and not a quarter below", "[util][histogram]") {
  for (unsigned exponent = 3; exponent < 41; ++exponent) {
    for (std::uint64_t part = 4; part < 8; ++part) {
      const std::uint64_t value = part << (exponent - 2);
      Histogram histogram;
      histogram.record(value);
      REQUIRE(histogram.at_most(value) == 1);
      REQUIRE(histogram.at_most(value - 1) == 0);
      REQUIRE(histogram.at_most(value - value / 4) == 0);
    }
  }
}

TEST_CASE("what is too large for all buckets is kept in the last", "[util][histogram]") {
  Histogram histogram;
  histogram.record(std::numeric_limits<std::uint64_t>::max());
  histogram.record(1);
  CHECK(histogram.count() == 2);
  CHECK(histogram.at_most(1'000'000) == 1);
  CHECK(histogram.at_most(std::numeric_limits<std::uint64_t>::max()) == 2);
}

}  // namespace raft
