#include "storage/identity.hpp"

#include "core/random.hpp"
#include "log_samples.hpp"
#include "sim/disk.hpp"

namespace raft {
namespace {

using storage::Identity;
using storage::read_identity;
using storage::write_identity;

Identity identity_with_boot(std::uint64_t boot) {
  return {{3},
          {0x1122, 0x3344},
          {0x5566, 0x7788},
          {boot},
          {{{0}, {"host-a:7000", "[::1]:7001"}}, {{9}, {"wait"}}}};
}

Bytes file_of(sim::Disk& disk) { return value_of(disk.files().read("identity", 0, 1 << 20)); }

void overwrite(sim::Disk& disk, BytesView file) {
  check_done(value_of(disk.files().create("identity"))->append(file));
}

}  // namespace

TEST_CASE("an empty directory has no identity", "[storage][identity]") {
  sim::Disk disk;
  CHECK_FALSE(value_of(read_identity(disk.files())).has_value());
}

TEST_CASE("an identity is read back as it was written", "[storage][identity]") {
  sim::Disk disk;
  Identity identity = identity_with_boot(1);
  check_done(write_identity(disk.files(), identity));
  CHECK(value_of(read_identity(disk.files())) == identity);
  identity.joining.clear();
  identity.cluster = {};
  identity.boot = {2};
  check_done(write_identity(disk.files(), identity));
  CHECK(value_of(read_identity(disk.files())) == identity);
  CHECK(value_of(disk.files().list()) == std::vector<std::string>{"identity"});
}

// Would catch: an identity lost or torn by a power cut, so that a node comes back as nobody, or
// with a boot number that it has used before (S07).
TEST_CASE("a power cut leaves the old identity or the new one", "[storage][identity][crash]") {
  for (std::uint64_t cuts = 0;; ++cuts) {
    bool written = false;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      core::Random random(seed);
      sim::Disk disk;
      check_done(write_identity(disk.files(), identity_with_boot(1)));
      disk.faults().power_off_after(cuts);
      written = write_identity(disk.files(), identity_with_boot(2)).has_value();
      disk.power_on(random);
      const std::optional<Identity> found = value_of(read_identity(disk.files()));
      REQUIRE(found);
      INFO("cut after " << cuts << " changes, seed " << seed);
      CHECK((*found == identity_with_boot(2) || (!written && *found == identity_with_boot(1))));
    }
    if (written) break;
    REQUIRE(cuts < 10);
  }
}

// Would catch: a rotten identity that is taken for none, or for another node's.
TEST_CASE("a damaged identity is refused by name", "[storage][identity][rot]") {
  sim::Disk disk;
  check_done(write_identity(disk.files(), identity_with_boot(1)));
  const Bytes whole = file_of(disk);
  const auto check_refused = [&] {
    const auto found = read_identity(disk.files());
    REQUIRE_FALSE(found.has_value());
    REQUIRE(found.code() == Errc::corrupt);
    REQUIRE_THAT(found.error().detail, Catch::Contains("disk/identity"));
    REQUIRE_THAT(found.error().detail, Catch::Contains("remove this member"));
  };
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    disk.files().rot("identity", bit);
    check_refused();
    disk.files().rot("identity", bit);
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    overwrite(disk, BytesView(whole).substr(0, size));
    check_refused();
  }
  overwrite(disk, whole + "x");
  check_refused();
  overwrite(disk, whole);
  CHECK(value_of(read_identity(disk.files())) == identity_with_boot(1));
}

TEST_CASE("a full or failing disk does not touch the old identity", "[storage][identity][DU-14]") {
  sim::Disk disk;
  check_done(write_identity(disk.files(), identity_with_boot(1)));
  SECTION("full") {
    disk.faults().set_full(true);
    CHECK(write_identity(disk.files(), identity_with_boot(2)).code() == Errc::storage_full);
  }
  SECTION("failed sync") {
    disk.faults().fail_sync_after(0);
    CHECK(write_identity(disk.files(), identity_with_boot(2)).code() == Errc::storage_failed);
  }
  CHECK(value_of(read_identity(disk.files())) == identity_with_boot(1));
}

}  // namespace raft
