// Power cuts at every file operation of writing, receiving and tidying up.
#include <optional>

#include "core/random.hpp"
#include "sim/disk.hpp"
#include "snapshot_samples.hpp"

namespace raft {
namespace {

using storage::SnapshotFiles;

constexpr std::uint64_t seeds = 24;

// Runs `work` with the power cut after 0, 1, 2... changes, each with several outcomes of the cut,
// until it is no longer cut off; then check(finished).
template <class Prepare, class Work, class Check>
void cut_everywhere(Prepare prepare, Work work, Check check) {
  std::uint64_t cuts = 0;
  for (bool finished = false; !finished; ++cuts) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      INFO("cut after " << cuts << " changes, seed " << seed);
      core::Random random(seed * 1'000 + cuts);
      sim::Disk disk;
      prepare(disk);
      disk.faults().power_off_after(cuts);
      finished = work(disk);
      disk.faults().power_off();
      disk.power_on(random);
      check(disk, finished);
    }
  }
  CHECK(cuts > 5);
}

Result<SnapshotInfo> try_to_receive(sim::Disk& disk, SnapshotFiles& leader,
                                    const SnapshotInfo& info) {
  SnapshotFiles snapshots(disk.files(), snapshot_group);
  auto writer = snapshots.receive(info);
  if (!writer) return writer.error();
  while ((*writer)->bytes_written() < info.bytes) {
    const auto appended =
        (*writer)->append(value_of(leader.read_at(info, (*writer)->bytes_written(), 6'000)));
    if (!appended) return appended.error();
  }
  return (*writer)->finish();
}

}  // namespace

// Would catch: a rename before the sync, a missing sync of the file or the folder, an old snapshot
// removed before the new one is durable (SN-10, DU-11).
TEST_CASE("a power cut while a snapshot is made leaves the old one or the new one, whole",
          "[storage][snapshot][crash][SN-10][DU-11]") {
  cut_everywhere(
      [](sim::Disk& disk) {
        SnapshotFiles snapshots(disk.files(), snapshot_group);
        save(snapshots, 10, 1);
      },
      [](sim::Disk& disk) {
        SnapshotFiles snapshots(disk.files(), snapshot_group);
        if (!try_to_save(snapshots, base_at(20, 2))) return false;
        return snapshots.remove_below(Index{20}).has_value();
      },
      [](sim::Disk& disk, bool finished) {
        SnapshotFiles snapshots(disk.files(), snapshot_group);
        const std::optional<SnapshotInfo> found = value_of(recover(snapshots));
        REQUIRE(found);
        const std::uint64_t index = found->meta.last.index.value;
        CHECK((index == 20 || (index == 10 && !finished)));
        check_complete(snapshots, *found);
        CHECK(value_of(disk.files().list()).size() == 1);
      });
}

// Would catch: the first snapshot of all, of which a torn half would keep the node from starting.
TEST_CASE("a power cut while the first snapshot is made leaves none or a whole one",
          "[storage][snapshot][crash][SN-10]") {
  cut_everywhere([](sim::Disk&) {},
                 [](sim::Disk& disk) {
                   SnapshotFiles snapshots(disk.files(), snapshot_group);
                   return try_to_save(snapshots, base_at(20, 2)).has_value();
                 },
                 [](sim::Disk& disk, bool finished) {
                   SnapshotFiles snapshots(disk.files(), snapshot_group);
                   const std::optional<SnapshotInfo> found = value_of(recover(snapshots));
                   CHECK((found || !finished));
                   if (found) check_complete(snapshots, *found);
                 });
}

// Would catch: torn pages of an earlier life that are resumed and then trusted.
TEST_CASE("a receive survives any power cut and ends with the leader's file",
          "[storage][snapshot][crash][receive][resume]") {
  sim::Disk leader_disk;
  SnapshotFiles leader(leader_disk.files(), snapshot_group);
  const SnapshotInfo info = save(leader, 20, 2);
  cut_everywhere(
      [](sim::Disk& disk) {
        SnapshotFiles snapshots(disk.files(), snapshot_group);
        save(snapshots, 10, 1);
      },
      [&](sim::Disk& disk) { return try_to_receive(disk, leader, info).has_value(); },
      [&](sim::Disk& disk, bool finished) {
        SnapshotFiles snapshots(disk.files(), snapshot_group);
        const std::optional<SnapshotInfo> found = value_of(recover(snapshots));
        REQUIRE(found);
        if (finished) CHECK(same(*found, info));
        check_complete(snapshots, *found);

        // One refusal of what the cut has left is allowed, a second one is not.
        Result<SnapshotInfo> received = try_to_receive(disk, leader, info);
        if (!received) received = try_to_receive(disk, leader, info);
        CHECK(same(value_of(std::move(received)), info));
        CHECK(same(*value_of(recover(snapshots)), info));
        check_complete(snapshots, info);
      });
}

// Would catch: a recovery that, cut off itself, removes what the next one needs (DU-16).
TEST_CASE("a power cut during recovery changes nothing", "[storage][snapshot][crash][DU-16]") {
  for (std::uint64_t cuts = 0; cuts < 4; ++cuts) {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      core::Random random(seed);
      sim::Disk disk;
      SnapshotFiles snapshots(disk.files(), snapshot_group);
      for (const std::uint64_t index : {5u, 7u, 9u}) save(snapshots, index, 1);
      disk.faults().power_off_after(cuts);
      static_cast<void>(recover(snapshots));
      disk.power_on(random);
      const std::optional<SnapshotInfo> found = value_of(recover(snapshots));
      REQUIRE(found);
      CHECK(found->meta.last.index == Index{9});
      check_complete(snapshots, *found);
    }
  }
}

}  // namespace raft
