// The crash rules of the simulated disk: whatever may happen does happen for some seed, and nothing
// else ever does.
#include "sim/disk.hpp"

#include <set>

#include <catch2/catch.hpp>

namespace raft {
namespace {

using sim::Disk;
using storage::KvBatch;

constexpr std::uint64_t seeds = 200;
constexpr std::size_t page = 4096;

KvBatch put(const std::string& key) {
  KvBatch batch;
  batch.put(key, "value");
  return batch;
}

std::string keys_in(Disk& disk) {
  std::string keys;
  REQUIRE(disk.engine().scan("", "~", [&](BytesView key, BytesView) {
    keys += key;
    return true;
  }));
  return keys;
}

std::unique_ptr<storage::FileSystem::Writer> create(Disk& disk, const std::string& name) {
  auto writer = disk.files().create(name);
  REQUIRE(writer.has_value());
  return *std::move(writer);
}

void write_durably(Disk& disk, const std::string& name, BytesView bytes) {
  auto writer = create(disk, name);
  REQUIRE(writer->append(bytes));
  REQUIRE(writer->sync());
  REQUIRE(disk.files().sync_folder());
}

std::string names_in(Disk& disk) {
  const auto names = disk.files().list();
  REQUIRE(names.has_value());
  std::string all;
  for (const std::string& name : *names) all += name;
  return all;
}

Bytes read(Disk& disk, const std::string& name) {
  const auto bytes = disk.files().read(name, 0, std::size_t{1} << 30);
  REQUIRE(bytes.has_value());
  return *bytes;
}

// What is left by a power cut after `work`, over all seeds.
template <class Work, class Look>
std::set<std::string> outcomes(Work work, Look look) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    core::Random random(seed);
    Disk disk;
    work(disk);
    disk.power_on(random);
    seen.insert(look(disk));
  }
  return seen;
}

using Strings = std::set<std::string>;

}  // namespace

TEST_CASE("a power cut takes un-synced batches from the end, in any number", "[sim][disk][crash]") {
  const Strings seen = outcomes(
      [](Disk& disk) {
        REQUIRE(disk.engine().write(put("a"), true));
        REQUIRE(disk.engine().write(put("b"), false));
        REQUIRE(disk.engine().write(put("c"), false));
        REQUIRE(disk.engine().write(put("d"), false));
      },
      keys_in);
  CHECK(seen == Strings{"a", "ab", "abc", "abcd"});
}

TEST_CASE("a sync keeps all that came before it", "[sim][disk][crash]") {
  const Strings seen = outcomes(
      [](Disk& disk) {
        REQUIRE(disk.engine().write(put("a"), false));
        REQUIRE(disk.engine().write({}, true));
        REQUIRE(disk.engine().write(put("b"), true));
      },
      keys_in);
  CHECK(seen == Strings{"ab"});
}

TEST_CASE("after a failed sync the batch may be there or not, and nothing else goes",
          "[sim][disk][errors]") {
  const Strings seen = outcomes(
      [](Disk& disk) {
        REQUIRE(disk.engine().write(put("a"), true));
        disk.faults().fail_sync_after(0);
        CHECK(disk.engine().write(put("b"), true).code() == Errc::storage_failed);
        CHECK(disk.engine().write(put("c"), true).code() == Errc::storage_failed);
        CHECK(disk.engine().get("a").code() == Errc::storage_failed);
      },
      keys_in);
  CHECK(seen == Strings{"a", "ab"});
}

// Would catch a process that tries a failed sync again and believes the answer.
TEST_CASE("after a failed sync that makes later ones lie nothing is safe any more",
          "[sim][disk][errors]") {
  const Strings seen = outcomes(
      [](Disk& disk) {
        REQUIRE(disk.engine().write(put("a"), true));
        disk.faults().fail_sync_after(0, true);
        CHECK(disk.engine().write(put("b"), true).code() == Errc::storage_failed);
        CHECK(disk.engine().write(put("c"), true));
        CHECK(disk.engine().do_syncs_lie());
      },
      [](Disk& disk) {
        REQUIRE(disk.engine().write(put("z"), true));
        core::Random random(1);
        disk.power_on(random);
        return keys_in(disk);
      });
  CHECK(seen == Strings{"az", "abz", "abcz"});
}

TEST_CASE("only scripted errors count, each life its own", "[sim][disk][errors]") {
  Disk disk;
  disk.faults().set_reads_fail(true);
  CHECK(disk.engine().get("a").code() == Errc::storage_failed);
  CHECK(disk.faults().errors(sim::DiskOperation::read) == 1);
  disk.faults().set_full(true);
  CHECK(disk.engine().write(put("a"), true).code() == Errc::storage_full);
  CHECK(disk.faults().errors(sim::DiskOperation::write) == 0);
  disk.faults().begin_life();
  CHECK(disk.faults().errors(sim::DiskOperation::read) == 0);
}

TEST_CASE("a full disk takes nothing until the engine was resumed", "[sim][disk][errors]") {
  Disk disk;
  disk.faults().set_full(true);
  CHECK(disk.engine().write(put("a"), true).code() == Errc::storage_full);
  disk.faults().set_full(false);
  CHECK(disk.engine().write(put("a"), true).code() == Errc::storage_full);
  REQUIRE(disk.engine().resume());
  CHECK(keys_in(disk).empty());
  REQUIRE(disk.engine().write(put("a"), true));
  CHECK(keys_in(disk) == "a");
}

TEST_CASE("the power goes off after a number of changes", "[sim][disk][crash]") {
  Disk disk;
  disk.faults().power_off_after(3);
  REQUIRE(disk.engine().write(put("a"), true));  // A write and a sync.
  CHECK_FALSE(disk.engine().write(put("b"), true).has_value());
  CHECK_FALSE(disk.faults().is_powered());
  CHECK(disk.engine().unsynced() == 1);
  CHECK_FALSE(disk.files().create("f").has_value());
  CHECK_FALSE(disk.files().list().has_value());
  core::Random random(1);
  disk.power_on(random);
  CHECK(keys_in(disk).front() == 'a');
  CHECK(names_in(disk).empty());
}

TEST_CASE("each un-synced page is kept, dropped or torn on its own", "[sim][disk][crash]") {
  std::set<std::string> shapes;
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    core::Random random(seed);
    Disk disk;
    write_durably(disk, "f", Bytes(page, 'a'));
    auto writer = disk.files().reopen("f");
    REQUIRE(writer.has_value());
    REQUIRE((*writer)->append(Bytes(2 * page, 'b')));
    disk.power_on(random);
    const Bytes left = read(disk, "f");
    REQUIRE(left.substr(0, page) == Bytes(page, 'a'));
    REQUIRE(left.find_first_not_of(std::string("ab\0", 3)) == Bytes::npos);
    sizes.insert(left.size());
    if (left.size() != 3 * page) continue;
    std::string shape;
    for (const std::size_t at : {page, 2 * page}) {
      shape += left[at] == '\0' ? 'd' : left[at + page - 1] == '\0' ? 't' : 'k';
    }
    shapes.insert(shape);
  }
  CHECK(shapes == Strings{"dd", "dk", "dt", "kd", "kk", "kt", "td", "tk", "tt"});
  CHECK(*sizes.begin() == page);
  CHECK(sizes.size() > 10);
}

TEST_CASE("a synced file under a synced name stays as it is", "[sim][disk][crash]") {
  const Strings seen = outcomes([](Disk& disk) { write_durably(disk, "f", Bytes(9'000, 'x')); },
                                [](Disk& disk) { return read(disk, "f"); });
  CHECK(seen == Strings{Bytes(9'000, 'x')});
}

TEST_CASE("names are lost on their own until the folder is synced", "[sim][disk][crash]") {
  const Strings seen = outcomes(
      [](Disk& disk) {
        write_durably(disk, "a", "old");
        REQUIRE(create(disk, "b")->sync());
        REQUIRE(create(disk, "c")->sync());
        REQUIRE(disk.files().remove("a"));
      },
      names_in);
  CHECK(seen == Strings{"", "a", "ab", "abc", "ac", "b", "bc", "c"});
}

TEST_CASE("a rename happens as a whole or not at all", "[sim][disk][crash]") {
  const Strings seen = outcomes(
      [](Disk& disk) {
        write_durably(disk, "f", "old");
        write_durably(disk, "t", "new");
        REQUIRE(disk.files().rename("t", "f"));
      },
      [](Disk& disk) { return names_in(disk) + ":" + read(disk, "f"); });
  CHECK(seen == Strings{"f:new", "ft:old"});
}

TEST_CASE("after a failed sync of a file later ones lie", "[sim][disk][errors]") {
  const Strings seen = outcomes(
      [](Disk& disk) {
        write_durably(disk, "f", "");
        auto writer = create(disk, "f");
        REQUIRE(writer->append("x"));
        disk.faults().fail_sync_after(0);
        CHECK(writer->sync().code() == Errc::storage_failed);
        CHECK(writer->sync().has_value());
      },
      [](Disk& disk) { return read(disk, "f"); });
  CHECK(seen.size() > 1);
}

TEST_CASE("a full disk writes half and renames still work", "[sim][disk][errors]") {
  Disk disk;
  auto writer = create(disk, "f");
  disk.faults().set_full(true);
  CHECK(writer->append("abcd").code() == Errc::storage_full);
  CHECK(read(disk, "f") == "ab");
  CHECK(disk.files().create("g").code() == Errc::storage_full);
  CHECK(disk.files().rename("f", "h").has_value());
  CHECK(disk.files().remove("h").has_value());
}

TEST_CASE("nothing of an earlier life reaches the disk", "[sim][disk][crash]") {
  Disk disk;
  write_durably(disk, "f", "x");
  auto writer = disk.files().reopen("f");
  REQUIRE(writer.has_value());
  core::Random random(1);
  disk.power_on(random);
  CHECK((*writer)->append("late").code() == Errc::storage_failed);
  CHECK((*writer)->sync().code() == Errc::storage_failed);
  CHECK(read(disk, "f") == "x");
}

TEST_CASE("the same seed gives the same disk", "[sim][disk][determinism]") {
  const auto left_by = [](std::uint64_t seed) {
    core::Random random(seed);
    Disk disk;
    for (int i = 0; i < 20; ++i) {
      REQUIRE(disk.engine().write(put(std::string(1, static_cast<char>('a' + i))), i % 7 == 0));
      REQUIRE(create(disk, "f" + std::to_string(i))->append(Bytes(5'000, 'x')));
    }
    disk.power_on(random);
    std::string all = keys_in(disk) + names_in(disk);
    const auto names = disk.files().list();
    for (const std::string& name : *names) all += read(disk, name);
    return all;
  };
  CHECK(left_by(42) == left_by(42));
  CHECK(left_by(42) != left_by(43));
}

}  // namespace raft
