// Snapshots between whole replicas: beside the log, beside heartbeats, and where there is no room.
#include <catch2/catch.hpp>
#include <memory>

#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

GroupOptions short_log() {
  GroupOptions options;
  options.retention.trailing_entries = 0;
  options.retention.snapshot_log_bytes = 1;
  options.retention.snapshot_log_entries = 5;
  return options;
}

/// Three nodes, one of which is behind the beginning of the leader's log.
struct Behind {
  explicit Behind(const GroupOptions& options, std::size_t padding = 0)
      : group(3, options,
              [this, padding](NodeId) {
                return std::make_unique<VolatileRegister>(witness, MachineTraits{false, padding});
              }),
        leader(group.leader()),
        behind(group.follower()) {
    group.isolate(behind);
    propose(20);
    group.run_for(seconds(1));
    REQUIRE(core().log().base().last.index > Index{10});
  }

  void propose(int count) {
    for (int i = 0; i < count; ++i) group.propose(++proposed);
  }
  const core::Core& core() { return group.replica(leader).core(); }
  const core::Progress& peer() { return core().leader_state()->peers.at(behind); }
  Status status(NodeId id) { return group.replica(id).status(); }
  bool is_caught_up() {
    return group.replica(behind).core().log().last_index() == core().log().last_index() &&
           status(behind).applied == status(leader).applied;
  }

  NoWitness witness;
  HandGroup group;
  const NodeId leader;
  const NodeId behind;
  std::uint64_t proposed = 0;
};

}  // namespace

TEST_CASE("a snapshot that arrived is counted as sent and as installed", "[replica][snapshot]") {
  Behind nodes(short_log());
  CHECK(nodes.status(nodes.leader).counters.snapshots_sent == 0);
  nodes.group.heal();
  REQUIRE(nodes.group.run_until([&] { return nodes.is_caught_up(); }));
  nodes.group.run_for(milliseconds(100));
  CHECK(nodes.status(nodes.leader).counters.snapshots_sent == 1);
  CHECK(nodes.status(nodes.behind).counters.snapshots_installed == 1);
}

// A receiver that hears no heartbeat while its chunks come in campaigns, and the leader that is
// about to save it is gone.
TEST_CASE("SN-16 heartbeats flow while a snapshot of many chunks is on its way",
          "[SN-16][replica][snapshot]") {
  Behind nodes(short_log(), std::size_t{10} << 20);
  HandNode& receiver = nodes.group.node(nodes.behind);
  const Term term = nodes.core().term();
  const std::uint64_t campaigns = nodes.status(nodes.behind).counters.elections_started;
  nodes.group.hold_jobs(nodes.behind);
  nodes.group.heal();
  REQUIRE(nodes.group.run_until([&] { return nodes.peer().offered.has_value(); }));
  int steps_with_bytes = 0;
  const auto is_installed = [&] {
    return nodes.status(nodes.behind).counters.snapshots_installed > 0;
  };
  for (int step = 0; step < 500 && !is_installed(); ++step) {
    nodes.group.run_for(milliseconds(20));
    if (!receiver.worker.waiting.empty()) receiver.worker.run_one();
    const Status status = nodes.status(nodes.behind);
    if (status.receiving_bytes > 0) ++steps_with_bytes;
    REQUIRE(status.since_leader_contact <= milliseconds(80));
  }
  REQUIRE(is_installed());
  CHECK(steps_with_bytes > 35);
  CHECK(nodes.core().term() == term);
  CHECK(nodes.status(nodes.behind).counters.elections_started == campaigns);
  nodes.group.release_jobs();
  CHECK(nodes.group.run_until([&] { return nodes.is_caught_up(); }));
}

// A follower that never finishes would keep all of the log that came meanwhile, until the leader's
// disk is full.
TEST_CASE("a transfer that holds too much of the log back is given up and tried again",
          "[replica][snapshot]") {
  GroupOptions options = short_log();
  options.retention.log_hold_bytes_max = 4'000;
  Behind nodes(options);
  nodes.group.hold_jobs(nodes.behind);
  nodes.group.heal();
  REQUIRE(nodes.group.run_until([&] { return nodes.peer().offered.has_value(); }));
  const Index offered = nodes.peer().offered->meta.last.index;
  nodes.propose(10);
  nodes.group.run_for(milliseconds(300));
  // Little is held back, for which the transfer is let go on.
  CHECK(nodes.peer().snapshot_failures == 0);
  CHECK(nodes.core().log().base().last.index <= offered);
  nodes.propose(60);
  REQUIRE(nodes.group.run_until([&] { return nodes.peer().snapshot_failures == 1; }, seconds(1)));
  REQUIRE(nodes.group.run_until([&] { return nodes.core().log().base().last.index > offered; },
                                seconds(1)));
  CHECK(nodes.core().compaction_limit() > offered);
  nodes.group.release_jobs();
  REQUIRE(nodes.group.run_until([&] { return nodes.is_caught_up(); }));
  CHECK(nodes.peer().snapshot_failures == 0);
  nodes.group.run_for(milliseconds(100));
  CHECK(nodes.status(nodes.leader).counters.snapshots_sent == 1);
}

// Would fill the disk with a file that can never be finished, and take the log's room for it; or
// offer, decline and offer again as fast as the network goes.
TEST_CASE("a follower without room declines, is asked less and less, and catches up in the end",
          "[replica][snapshot][space]") {
  Behind nodes(short_log());
  sim::Disk& disk = nodes.group.node(nodes.behind).disk;
  sim::DiskFaults& faults = disk.faults();
  const auto files_before = disk.files().list();
  REQUIRE(files_before);
  faults.set_free_bytes(1'000);
  nodes.group.heal();
  nodes.group.run_for(seconds(20));
  CHECK(nodes.peer().snapshot_failures >= 4);
  CHECK(nodes.peer().snapshot_failures <= 6);
  CHECK(nodes.group.leader() == nodes.leader);
  CHECK(*disk.files().list() == *files_before);
  CHECK_FALSE(nodes.group.replica(nodes.behind).failure());
  faults.set_free_bytes(~std::uint64_t{0});
  CHECK(nodes.group.run_until([&] { return nodes.is_caught_up(); }, seconds(20)));
}

}  // namespace raft::replica
