// What ties the log's database to the identity beside it.
#include "storage/boot_mark.hpp"

#include "core/random.hpp"
#include "log_samples.hpp"
#include "sim/disk.hpp"
#include "storage/identity.hpp"

namespace raft {
namespace {

using storage::IdentityFile;
using storage::mark_boot;

/// As a node starts: the log's mark first, then the identity. False: the power went off.
bool start(sim::Disk& disk) {
  auto identity = IdentityFile::open(disk.root(), NodeId{1}, {1, 1}, false);
  if (!identity) return false;
  const Result<void> marked = mark_boot(disk.engine(), identity->identity().boot);
  if (!marked) {
    INFO(marked.error().detail);
    REQUIRE(marked.code() != Errc::data_missing);
    return false;
  }
  return identity->begin_life().has_value();
}

}  // namespace

TEST_CASE("each life finds the mark of the one before", "[storage][boot-mark]") {
  sim::Disk disk;
  for (std::uint64_t boot = 1; boot < 5; ++boot) check_done(mark_boot(disk.engine(), {boot}));
}

// Would catch: a log that begins anew beside an identity that goes on, and so a second vote in a
// term, or a second founding of the same cluster, after a file of the database was lost.
TEST_CASE("a log that has lost its end is refused", "[storage][boot-mark]") {
  sim::Disk disk;
  const Result<void> marked = mark_boot(disk.engine(), {2});
  REQUIRE_FALSE(marked);
  CHECK(marked.code() == Errc::data_missing);
  CHECK_THAT(marked.error().detail, Catch::Contains("lost its end"));
  CHECK_THAT(marked.error().detail, Catch::Contains("remove this member"));
}

TEST_CASE("an identity older than the log is refused", "[DU-08][storage][boot-mark]") {
  sim::Disk disk;
  check_done(mark_boot(disk.engine(), {1}));
  check_done(mark_boot(disk.engine(), {2}));
  CHECK(mark_boot(disk.engine(), {1}).code() == Errc::data_missing);
}

// Would catch: an order of the two writes after which a healthy directory is refused.
TEST_CASE("a power cut at any moment of a start leaves a directory that starts",
          "[storage][boot-mark][crash]") {
  for (std::uint64_t cuts = 0; cuts < 20; ++cuts) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      core::Random random(seed);
      sim::Disk disk;
      for (int life = 0; life < 4; ++life) {
        disk.faults().power_off_after(cuts);
        static_cast<void>(start(disk));
        disk.power_on(random);
      }
      CHECK(start(disk));
    }
  }
}

}  // namespace raft
