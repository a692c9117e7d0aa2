// How much log there is since an index: too little, and no snapshot is ever due.
#include "replica/log_sizes.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "core/random.hpp"

namespace raft::replica {
namespace {

constexpr std::uint64_t coarseness = std::uint64_t{64} << 10;

}  // namespace

TEST_CASE("nothing is told, nothing is there", "[replica][log-sizes]") {
  const LogSizes sizes;
  CHECK(sizes.bytes_since(Index{0}) == 0);
  CHECK(sizes.reaching_back(100) == Index{0});
}

// After a restart or a repeated restore the same entries come again.
TEST_CASE("an index told again is not counted again", "[replica][log-sizes]") {
  LogSizes sizes;
  sizes.applied(Index{1}, 100'000);
  sizes.applied(Index{1}, 100'000);
  sizes.applied(Index{2}, 100'000);
  CHECK(sizes.bytes_since(Index{0}) == 200'000);
}

// Against a twin that remembers every entry: off by one mark at most, and always on the side that
// takes snapshots early rather than never.
TEST_CASE("the sizes are right within a mark", "[replica][log-sizes]") {
  core::Random random(3);
  LogSizes sizes;
  std::map<std::uint64_t, std::uint64_t> entries;
  std::uint64_t forgotten = 0;
  for (std::uint64_t index = 1; index <= 3000; ++index) {
    const auto bytes = random.between(1, random.between(0, 50) == 0 ? 200'000 : 5'000);
    sizes.applied(Index{index}, static_cast<std::size_t>(bytes));
    entries[index] = bytes;
    if (random.between(0, 40) != 0) continue;

    const std::uint64_t from = random.between(forgotten, index + 1);
    std::uint64_t exact = 0;
    for (auto at = entries.upper_bound(from); at != entries.end(); ++at) exact += at->second;
    const std::uint64_t told = sizes.bytes_since(Index{from});
    INFO("from " << from << " to " << index);
    CHECK(told >= exact);
    CHECK(told <= exact + 2 * coarseness + 200'000);

    const Index back = sizes.reaching_back(random.between(0, 1'000'000));
    CHECK(back <= Index{index});
    if (random.between(0, 5) == 0) {
      forgotten = from;
      sizes.forget(Index{from});
    }
  }
}

// More than asked for would hold back compaction for ever.
TEST_CASE("reaching back gives no more than was asked", "[replica][log-sizes]") {
  LogSizes sizes;
  for (std::uint64_t index = 1; index <= 100; ++index) sizes.applied(Index{index}, coarseness);
  const Index back = sizes.reaching_back(10 * coarseness);
  CHECK(back == Index{90});
  CHECK(sizes.bytes_since(back) == 10 * coarseness);
  CHECK(sizes.reaching_back(0) == Index{100});
  CHECK(sizes.reaching_back(1000 * coarseness) == Index{1});
}

}  // namespace raft::replica
