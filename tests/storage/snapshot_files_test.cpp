#include "storage/snapshot_files.hpp"

#include <algorithm>
#include <set>

#include "sim/disk.hpp"
#include "snapshot_samples.hpp"
#include "storage/disk_space.hpp"
#include "util/crc32c.hpp"

namespace raft {
namespace {

using storage::SnapshotFiles;

struct World {
  Bytes file_of(const SnapshotInfo& info) { return value_of(snapshots.read_at(info, 0, file_max)); }
  std::vector<std::string> names() { return value_of(disk.files().list()); }

  sim::Disk disk;
  SnapshotFiles snapshots{disk.files(), snapshot_group};
};

// A leader's file, and a node that receives it.
struct Transfer {
  Result<void> send(SnapshotFiles::Writer& writer, std::uint64_t upto) {
    while (writer.bytes_written() < upto) {
      const std::uint64_t offset = writer.bytes_written();
      const std::size_t size = std::min<std::size_t>(3'000, upto - offset);
      const Result<void> appended =
          writer.append(value_of(leader.snapshots.read_at(info, offset, size)));
      if (!appended) return appended;
    }
    return {};
  }

  World leader;
  World follower;
  SnapshotInfo info = save(leader.snapshots, 10, 2);
};

}  // namespace

TEST_CASE("a snapshot is read back as it was written", "[storage][snapshot]") {
  World world;
  const SnapshotInfo info = save(world.snapshots, 10, 2);
  SnapshotFiles::Contents contents = value_of(world.snapshots.open(info));
  CHECK(contents.meta().last == EntryId{{2}, {10}});
  CHECK(contents.meta().time == time_at(10));
  CHECK(contents.meta().membership.index == Index{1});
  CHECK(*contents.meta().membership.membership == *membership_of({1, 2, 3}));
  CHECK(contents.head_records() == "records");
  CHECK(contents.remaining() == machine_of(10).size());
  CHECK(read_all(contents) == machine_of(10));
  CHECK(contents.remaining() == 0);
}

TEST_CASE("a machine without any bytes has a snapshot, too", "[storage][snapshot]") {
  World world;
  auto writer = value_of(world.snapshots.begin(base_at(1, 1), ""));
  const SnapshotInfo info = value_of(writer->finish());
  SnapshotFiles::Contents contents = value_of(world.snapshots.open(info));
  CHECK(read_all(contents).empty());
  CHECK(contents.head_records().empty());
}

// Would catch: an info that does not describe the file as a whole, or a checksum that is the same
// for every file because the file ends with its own.
TEST_CASE("the info counts and sums the whole file", "[storage][snapshot]") {
  World world;
  std::set<std::uint32_t> sums;
  for (std::uint64_t index = 1; index <= 20; ++index) {
    const SnapshotInfo info = save(world.snapshots, index, 1);
    const Bytes file = world.file_of(info);
    CHECK(info.bytes == file.size());
    CHECK(info.crc == util::crc32c(file));
    sums.insert(info.crc);
  }
  CHECK(sums.size() == 20);
}

TEST_CASE("a restart finds the newest snapshot", "[storage][snapshot][recover]") {
  World world;
  CHECK_FALSE(value_of(recover(world.snapshots)).has_value());
  const SnapshotInfo info = save(world.snapshots, 10, 2);
  const auto found = value_of(recover(world.snapshots));
  REQUIRE(found);
  CHECK(same(*found, info));
  CHECK(found->meta.time == time_at(10));
}

// The process that renamed it failed to sync the folder and was started again, on a machine that
// stayed up: the log would be shortened for a file that a later power cut takes.
TEST_CASE("a snapshot that a restart finds survives the power cut after it",
          "[storage][snapshot][recover][found-10]") {
  core::Random random(1);
  for (int round = 0; round < 20; ++round) {
    World world;
    auto writer = std::optional(value_of(world.snapshots.begin(base_at(10, 2), "records")));
    REQUIRE((*writer)->append(machine_of(10)));
    world.disk.faults().fail_sync_after(1);  // The file's is the first, the folder's the second.
    CHECK_FALSE((*writer)->finish());
    writer.reset();
    SnapshotFiles restarted(world.disk.files(), snapshot_group);
    const auto found = value_of(recover(restarted));
    world.disk.faults().power_off();
    world.disk.power_on(random);
    if (found) CHECK_FALSE(world.names().empty());
  }
}

// Would catch: "newest" by term or by name, which deletes the state of the machine (SN-12).
TEST_CASE("newest is the highest index, whatever the term", "[storage][snapshot][SN-12]") {
  World world;
  save(world.snapshots, 99, 9);
  const SnapshotInfo newest = save(world.snapshots, 100, 3);
  SECTION("at the start") {
    CHECK(same(*value_of(recover(world.snapshots)), newest));
    CHECK(world.names().size() == 1);
  }
  SECTION("when older ones are removed") {
    check_done(world.snapshots.remove_below(newest.meta.last.index));
    CHECK(world.names().size() == 1);
    check_complete(world.snapshots, newest);
  }
}

TEST_CASE("older snapshots are removed on demand", "[storage][snapshot]") {
  World world;
  for (const std::uint64_t index : {5u, 6u, 7u, 8u}) save(world.snapshots, index, 1);
  check_done(world.snapshots.remove_below(Index{7}));
  CHECK(world.names().size() == 2);
  check_done(world.snapshots.remove_below(Index{7}));
  CHECK(world.names().size() == 2);
}

// Would catch: a start from a file that was received, while its base never reached the log.
TEST_CASE("a snapshot that is not part of the log is not found but removed",
          "[storage][snapshot][recover][SN-11]") {
  World world;
  const SnapshotInfo own = save(world.snapshots, 10, 2);
  save(world.snapshots, 50, 3);
  const auto in_the_log = [](EntryId last) { return last.index <= Index{20}; };
  CHECK(same(*value_of(world.snapshots.recover(in_the_log)), own));
  CHECK(world.names().size() == 1);
  CHECK_FALSE(value_of(world.snapshots.recover([](EntryId) { return false; })).has_value());
}

// Would catch: a start that clears away what could tell why the log has no snapshot to begin with,
// and perhaps all that is left of the state.
TEST_CASE("a log without its snapshot is refused and nothing is removed",
          "[storage][snapshot][recover]") {
  World world;
  save(world.snapshots, 8, 1);
  const SnapshotInfo newest = save(world.snapshots, 50, 3);
  const auto belongs = [](EntryId last) { return last.term == Term{1}; };
  const auto names = world.names();
  const auto refused = world.snapshots.recover(belongs, Index{10});
  REQUIRE_FALSE(refused);
  CHECK(refused.code() == Errc::data_missing);
  CHECK(refused.error().detail.find("begins behind 10") != std::string::npos);
  CHECK(refused.error().detail.find(names.back()) != std::string::npos);
  CHECK(world.names() == names);
  check_complete(world.snapshots, newest);
  CHECK(value_of(world.snapshots.recover(belongs, Index{8})).has_value());
  CHECK(world.names().size() == 1);
}

// Would catch: the files of another group, or of the user, taken for our own and removed.
TEST_CASE("files of others are left alone", "[storage][snapshot]") {
  World world;
  SnapshotFiles others(world.disk.files(), GroupId{2});
  const SnapshotInfo theirs = save(others, 50, 1);
  const SnapshotInfo ours = save(world.snapshots, 10, 1);
  const std::vector<std::string> strange{"identity", "snapshot-1.snap", "snapshot-.tmp",
                                         world.names().front() + ".bak"};
  for (const std::string& name : strange) value_of(world.disk.files().create(name));

  CHECK(same(*value_of(recover(world.snapshots)), ours));
  check_done(world.snapshots.remove_below(Index{100}));
  CHECK(world.names().size() == strange.size() + 1);
  check_complete(others, theirs);
}

TEST_CASE("what was begun and not finished leaves nothing behind", "[storage][snapshot]") {
  World world;
  {
    auto writer = value_of(world.snapshots.begin(base_at(10, 1), "records"));
    check_done(writer->append("half"));
    CHECK(world.names().size() == 1);
  }
  CHECK(world.names().empty());
}

// Would catch: a snapshot that counts as complete although the disk was full.
TEST_CASE("a full disk fails the snapshot and keeps the older one", "[storage][snapshot][DU-14]") {
  World world;
  const SnapshotInfo old = save(world.snapshots, 10, 1);
  {
    auto writer = value_of(world.snapshots.begin(base_at(20, 1), "records"));
    world.disk.faults().set_full(true);
    CHECK(writer->append("bytes").code() == Errc::storage_full);
  }
  CHECK(same(*value_of(recover(world.snapshots)), old));
  CHECK(world.names().size() == 1);
  world.disk.faults().set_full(false);
  check_complete(world.snapshots, save(world.snapshots, 20, 1));
}

// Would catch: any bit that no checksum covers, and a recovery that removes what it still needs.
TEST_CASE("rot anywhere in the newest snapshot is refused by name", "[storage][snapshot][rot]") {
  World world;
  save(world.snapshots, 5, 1);
  const SnapshotInfo info = save(world.snapshots, 10, 2);
  const std::string name = world.names().back();
  core::Random random(1);
  for (std::uint64_t at = 0; at < info.bytes; at += at < 200 || at + 9 > info.bytes ? 1 : 61) {
    const std::size_t bit = at * 8 + static_cast<std::size_t>(random.between(0, 8));
    world.disk.files().rot(name, bit);
    const auto found = recover(world.snapshots);
    REQUIRE_FALSE(found.has_value());
    REQUIRE(found.code() == Errc::corrupt);
    REQUIRE_THAT(found.error().detail, Catch::Contains("disk/" + name));
    REQUIRE(world.names().size() == 2);
    world.disk.files().rot(name, bit);
  }
  CHECK(recover(world.snapshots).has_value());
}

TEST_CASE("a peer reads the file in pieces until it is empty", "[storage][snapshot][send]") {
  World world;
  const SnapshotInfo info = save(world.snapshots, 10, 2);
  Bytes file;
  for (Bytes next; !(next = value_of(world.snapshots.read_at(info, file.size(), 1'000))).empty();) {
    file += next;
  }
  CHECK(file == world.file_of(info));
  CHECK(value_of(world.snapshots.read_at(info, info.bytes + 5, 10)).empty());
  check_done(world.snapshots.remove_below(Index{100}));
  CHECK(world.snapshots.read_at(info, 0, 10).code() == Errc::corrupt);
}

TEST_CASE("a received snapshot is the leader's, byte for byte", "[storage][snapshot][receive]") {
  Transfer transfer;
  auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
  check_done(transfer.send(*writer, transfer.info.bytes));
  CHECK(same(value_of(writer->finish()), transfer.info));
  CHECK(transfer.follower.file_of(transfer.info) == transfer.leader.file_of(transfer.info));
  check_complete(transfer.follower.snapshots, transfer.info);
}

// Would catch: a lost connection that sends gigabytes again from the start.
TEST_CASE("a receive goes on where it was cut off", "[storage][snapshot][receive][resume]") {
  Transfer transfer;
  const std::uint64_t half = transfer.info.bytes / 2;
  check_done(transfer.send(*value_of(transfer.follower.snapshots.receive(transfer.info)), half));
  SECTION("in the same life") {}
  SECTION("after a restart") {
    CHECK_FALSE(value_of(recover(transfer.follower.snapshots)).has_value());
  }
  auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
  CHECK(writer->bytes_written() == half);
  check_done(transfer.send(*writer, transfer.info.bytes));
  CHECK(same(value_of(writer->finish()), transfer.info));
  check_complete(transfer.follower.snapshots, transfer.info);
}

// Would catch: two files mixed into one.
TEST_CASE("a receive of another file starts afresh", "[storage][snapshot][receive][resume]") {
  Transfer transfer;
  check_done(transfer.send(*value_of(transfer.follower.snapshots.receive(transfer.info)), 5'000));
  SnapshotInfo other = transfer.info;
  SECTION("at another place") { other.meta.last.index = {11}; }
  SECTION("of another size") { ++other.bytes; }
  SECTION("with another checksum") { ++other.crc; }
  CHECK(value_of(transfer.follower.snapshots.receive(other))->bytes_written() == 0);
  CHECK(transfer.follower.names().size() == 1);
}

TEST_CASE("a receive below the newest snapshot is dropped at the start",
          "[storage][snapshot][receive]") {
  Transfer transfer;
  check_done(transfer.send(*value_of(transfer.follower.snapshots.receive(transfer.info)), 5'000));
  const SnapshotInfo newest = save(transfer.follower.snapshots, 11, 2);
  CHECK(same(*value_of(recover(transfer.follower.snapshots)), newest));
  CHECK(transfer.follower.names().size() == 1);
}

// Would catch: a snapshot with wrong bytes installed, or refused again and again because its bad
// beginning is resumed.
// A snapshot can be had again at any time. A log that finds no room stops the node's part in the
// group, and its machine's too.
TEST_CASE("a receive that would take the log's space is declined, and keeps none",
          "[storage][snapshot][receive][space]") {
  Transfer transfer;
  sim::DiskFaults& faults = transfer.follower.disk.faults();
  faults.set_free_bytes(storage::low_space_bytes + transfer.info.bytes - 1);
  auto declined = transfer.follower.snapshots.receive(transfer.info);
  REQUIRE_FALSE(declined);
  CHECK(declined.code() == Errc::storage_full);
  CHECK_THAT(declined.error().detail, Catch::Contains("disk/"));
  CHECK(transfer.follower.names().empty());
  faults.set_free_bytes(0);
  CHECK_FALSE(transfer.follower.snapshots.receive(transfer.info));
  faults.set_free_bytes(storage::low_space_bytes + transfer.info.bytes);
  {
    auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
    REQUIRE(transfer.send(*writer, 4'000));
  }
  // Only what is still to come needs room; and where there is none for it, the rest goes too.
  faults.set_free_bytes(storage::low_space_bytes + transfer.info.bytes - 4'000);
  CHECK(value_of(transfer.follower.snapshots.receive(transfer.info))->bytes_written() == 4'000);
  faults.set_free_bytes(storage::low_space_bytes + transfer.info.bytes - 4'001);
  CHECK_FALSE(transfer.follower.snapshots.receive(transfer.info));
  CHECK(transfer.follower.names().empty());
}

TEST_CASE("a receive that runs out of space gives it back at once",
          "[storage][snapshot][receive][space][DU-14]") {
  Transfer transfer;
  sim::DiskFaults& faults = transfer.follower.disk.faults();
  auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
  REQUIRE(transfer.send(*writer, 4'000));
  SECTION("the disk is full") { faults.set_full(true); }
  SECTION("the log would soon find none") {
    faults.set_free_bytes(storage::low_space_bytes / 2 - 1);
  }
  const auto sent = transfer.send(*writer, transfer.info.bytes);
  REQUIRE_FALSE(sent);
  CHECK(sent.code() == Errc::storage_full);
  CHECK(transfer.follower.names().empty());
  writer.reset();
  faults.set_full(false);
  faults.set_free_bytes(~std::uint64_t{0});
  CHECK(value_of(transfer.follower.snapshots.receive(transfer.info))->bytes_written() == 0);
}

TEST_CASE("wrong bytes are refused and not resumed", "[storage][snapshot][receive][rot]") {
  Transfer transfer;
  auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
  SECTION("a flipped bit") {
    check_done(transfer.send(*writer, transfer.info.bytes));
    transfer.follower.disk.files().rot(transfer.follower.names().front(), 77'777);
  }
  SECTION("too few bytes") { check_done(transfer.send(*writer, transfer.info.bytes - 1)); }
  SECTION("another whole file") {
    const SnapshotInfo other = value_of(try_to_save(transfer.leader.snapshots, base_at(20, 2)));
    const Bytes wrong = transfer.leader.file_of(other);
    REQUIRE(wrong.size() == transfer.info.bytes);
    check_done(writer->append(wrong));
  }
  const Result<SnapshotInfo> finished = writer->finish();
  REQUIRE_FALSE(finished.has_value());
  CHECK(finished.code() == Errc::corrupt);
  CHECK_THAT(finished.error().detail, Catch::Contains("disk/snapshot-"));
  writer.reset();
  CHECK(value_of(transfer.follower.snapshots.receive(transfer.info))->bytes_written() == 0);
}

TEST_CASE("more bytes than announced are refused", "[storage][snapshot][receive]") {
  Transfer transfer;
  auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
  check_done(transfer.send(*writer, transfer.info.bytes));
  CHECK(writer->append("x").code() == Errc::corrupt);
}

// Would catch: a retry of a failed sync that succeeds and means nothing, so that a power cut leaves
// a complete name on lost bytes (DU-04).
TEST_CASE("after a failed sync a receive starts afresh", "[storage][snapshot][receive][DU-04]") {
  Transfer transfer;
  sim::Disk& disk = transfer.follower.disk;
  {
    auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
    check_done(transfer.send(*writer, transfer.info.bytes));
    disk.faults().fail_sync_after(0);
    CHECK(writer->finish().code() == Errc::storage_failed);
  }
  auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
  CHECK(writer->bytes_written() == 0);
  check_done(transfer.send(*writer, transfer.info.bytes));
  value_of(writer->finish());
  core::Random random(5);
  disk.power_on(random);
  CHECK(same(*value_of(recover(transfer.follower.snapshots)), transfer.info));
}

// Would catch: gigabytes that are received again because the node stopped, or was offered another
// file, between the end of the file and its place in the log.
TEST_CASE("a received file that is finished already is not received again", "[storage][snapshot]") {
  Transfer transfer;
  {
    auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
    check_done(transfer.send(*writer, transfer.info.bytes));
    CHECK(writer->finish().has_value());
  }
  auto again = value_of(transfer.follower.snapshots.receive(transfer.info));
  CHECK(again->bytes_written() == transfer.info.bytes);
  CHECK(again->append("x").code() == Errc::corrupt);
  CHECK(storage::is_same_file(value_of(again->finish()), transfer.info));
  CHECK(transfer.follower.file_of(transfer.info) == transfer.leader.file_of(transfer.info));
}

// Would catch: a file that is taken by its name alone.
TEST_CASE("another or a damaged file of the same entry is received over", "[storage][snapshot]") {
  Transfer transfer;
  const SnapshotInfo other = [&] {
    auto writer = value_of(transfer.follower.snapshots.begin(base_at(10, 2), "other records"));
    return value_of(writer->finish());
  }();
  REQUIRE(transfer.follower.names().size() == 1);
  REQUIRE_FALSE(storage::is_same_file(other, transfer.info));
  const auto receive = [&] {
    auto writer = value_of(transfer.follower.snapshots.receive(transfer.info));
    CHECK(writer->bytes_written() == 0);
    check_done(transfer.send(*writer, transfer.info.bytes));
    CHECK(writer->finish().has_value());
  };
  receive();
  transfer.follower.disk.files().rot(transfer.follower.names().front(), 1'000);
  receive();
  CHECK(transfer.follower.file_of(transfer.info) == transfer.leader.file_of(transfer.info));
}

}  // namespace raft
