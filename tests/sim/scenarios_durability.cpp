// Restart and durability (DU) in whole clusters: the same replicas, log schema and snapshot files
// as in production, on disks that fail by schedule. Every invariant is checked after every event,
// the clients' history at the end; a run whose faults had no effect shows nothing and fails.
//
// What one node's files must stand is shown in tests/storage and tests/replica.
#include <catch2/catch.hpp>
#include <chrono>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <libraft/sim.hpp>
#include "sim/simulation.hpp"

namespace raft::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr NodeId leader{0};  ///< In an action: whoever leads then.

/// Three nodes that shorten their logs all the time, and nothing that goes wrong by chance.
Profile calm(std::uint64_t seed) {
  Profile profile;
  profile.seed = seed;
  profile.nodes = 3;
  profile.is_durable = seed % 3 == 0;
  profile.machine_blocks = seed % 2 == 0;
  profile.writes_inline = seed % 4 < 2;
  profile.group.retention.snapshot_log_entries = 10;
  profile.group.retention.trailing_entries = 2;
  return profile;
}

/// Actions one after the other, each with a pause behind it.
class Plan {
 public:
  Plan& then(ActionKind kind, NodeId node, std::uint64_t amount = 0,
             Duration pause = milliseconds(1800)) {
    schedule_.push_back({at_, kind, node, {}, amount});
    at_ += pause;
    return *this;
  }
  /// As long as the clients need to be busy throughout.
  Summary play(Profile profile, std::ostream* trace = nullptr) const {
    profile.operations = static_cast<std::uint64_t>(at_ / milliseconds(15));
    const Subject subject = register_subject();
    Options options;
    options.trace = trace;
    return Simulation(profile, options, subject).run(schedule_);
  }

 private:
  Duration at_ = seconds(1);
  Schedule schedule_;
};

void check_none_violated(const Summary& summary) {
  for (const Summary::Violation& violation : summary.violations) {
    FAIL_CHECK("seed " << violation.seed << ": " << violation.invariant << ' ' << violation.what);
  }
}

std::uint64_t hits(const Summary& summary, Fault fault) {
  const auto found = summary.hits.find(fault);
  return found == summary.hits.end() ? 0 : found->second;
}

std::size_t count(const std::string& text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
  return found;
}

/// Parts of a simulation, for steps that no action does.
struct Stage {
  explicit Stage(const Profile& with) : profile(with) {
    REQUIRE(its_operator.set_up());
    clients.start(1000);
    world.run_for(seconds(3));
  }
  bool has_converged() {
    return world.run_until(
        [&] {
          its_operator.tend();
          const NodeId leads = world.leader();
          return leads && its_operator.is_done() &&
                 world.replica(leads)->core().commit() == checkers.committed();
        },
        seconds(60));
  }

  const Profile profile;
  const Subject subject = register_subject();
  Trace trace;
  Effects effects;
  Checkers checkers;
  World world{profile, subject, trace, checkers, effects};
  Calls calls{world};
  Operator its_operator{world, calls};
  Clients clients{world, calls};
};

/// "C2 ...", or nothing.
std::string violation_of(const Stage& stage) {
  const auto& violation = stage.checkers.violation();
  return violation ? violation->invariant + ' ' + violation->what : std::string();
}

}  // namespace

// Would catch a promise that leaves before what it promises is on the disk, at any of the places
// where a vote, an append, a truncation, a membership or a snapshot is written.
TEST_CASE("DU-01 the power goes off between any two storage calls of any node",
          "[DU-01][sim][durability]") {
  std::uint64_t cuts = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Plan plan;
    plan.then(ActionKind::join, leader);
    for (std::uint64_t changes = 0; changes < 12; ++changes) {
      const NodeId follower{changes % 3 + 1};
      plan.then(ActionKind::crash_at, leader, changes);
      plan.then(ActionKind::transfer, leader, 0, milliseconds(100));
      plan.then(ActionKind::crash_at, follower, changes);
      plan.then(changes % 2 == 0 ? ActionKind::demote : ActionKind::promote, NodeId{4}, 0,
                milliseconds(20));
      plan.then(ActionKind::crash_at, leader, changes);
      plan.then(ActionKind::snapshot, follower, 0, milliseconds(10));
    }
    const Summary summary = plan.play(calm(seed));
    check_none_violated(summary);
    CHECK(summary.membership_changes > 0);
    CHECK(summary.operations_done > 100);
    cuts += hits(summary, Fault::crash_loop);
  }
  CHECK(cuts >= 100);
}

// Would catch the loss of anything acknowledged when nobody is left to remember it.
TEST_CASE("DU-03 a thousand power cuts of the whole cluster under load lose nothing acknowledged",
          "[DU-03][sim][durability]") {
  Summary all;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    core::Random random(seed);
    Plan plan;
    for (int cut = 0; cut < 50; ++cut) {
      const std::uint64_t back_within = random.between(20, 300);
      plan.then(ActionKind::power_cut, leader, back_within,
                milliseconds(random.between(300, 2500)));
    }
    const Summary summary = plan.play(calm(seed));
    check_none_violated(summary);
    all.add(summary);
  }
  CHECK(hits(all, Fault::power_cut) == 1000);
  CHECK(hits(all, Fault::unsynced_loss) >= 100);
  CHECK(all.operations_done > 5000);
}

// Would catch a node that goes on as if its disk had kept what it failed to sync.
TEST_CASE("DU-04 a node whose sync fails once says nothing more, and the others go on",
          "[DU-04][sim][durability]") {
  std::size_t failures = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Plan plan;
    for (std::uint64_t syncs = 0; syncs < 8; ++syncs) {
      plan.then(ActionKind::fail_sync, syncs % 2 == 0 ? leader : NodeId{syncs % 3 + 1}, syncs,
                milliseconds(1500));
      plan.then(ActionKind::crash, NodeId{syncs % 3 + 1}, 200);  // The sync had lied.
    }
    std::ostringstream trace;
    const Summary summary = plan.play(calm(seed), &trace);
    check_none_violated(summary);
    CHECK(summary.operations_done > 100);
    failures += count(trace.str(), "sync error");
  }
  CHECK(failures >= 20);
}

// Would catch an empty directory that votes under an old name, and one that can never be replaced.
TEST_CASE("DU-07 a wiped node is turned away until it was removed, and then taken in anew",
          "[DU-07][sim][durability]") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Plan plan;
    for (std::uint64_t id = 1; id <= 3; ++id) {
      plan.then(ActionKind::wipe, NodeId{id}, 0, seconds(6));
      plan.then(ActionKind::crash, leader, 100);
    }
    const Summary summary = plan.play(calm(seed));
    check_none_violated(summary);
    CHECK(hits(summary, Fault::wipe) == 3);
    CHECK(summary.membership_changes >= 3);
  }
}

// Would catch a copy of a directory that forgets promises and is believed all the same.
TEST_CASE("DU-08 a node that comes back with an old copy of its directory is found out",
          "[DU-08][sim][durability]") {
  std::uint64_t rollbacks = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Profile profile = calm(seed);
    profile.is_durable = false;  // Copies are made of volatile machines only.
    Plan plan;
    plan.then(ActionKind::back_up, NodeId{2}, 0, seconds(1));
    for (int life = 0; life < 3; ++life) plan.then(ActionKind::crash, NodeId{2}, 50, seconds(2));
    plan.then(ActionKind::roll_back, NodeId{2}, 0, seconds(8));
    const Summary summary = plan.play(profile);
    check_none_violated(summary);
    rollbacks += hits(summary, Fault::rollback);
  }
  CHECK(rollbacks >= 5);
}

// Would catch a node that dies of a full disk, or that acknowledges what found no place on it.
TEST_CASE("DU-14 disks fill up and become free again while clients write",
          "[DU-14][sim][durability]") {
  Summary all;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Plan plan;
    for (std::uint64_t round = 0; round < 6; ++round) {
      plan.then(ActionKind::fill_disk, leader, 1200);
      plan.then(ActionKind::fill_disk, NodeId{1}, 1500, milliseconds(20));
      plan.then(ActionKind::fill_disk, NodeId{2}, 900, milliseconds(400));
      plan.then(ActionKind::crash, NodeId{1}, 50);
    }
    const Summary summary = plan.play(calm(seed));
    check_none_violated(summary);
    CHECK(summary.operations_done > 100);
    all.add(summary);
  }
  CHECK(hits(all, Fault::no_space) >= 50);
}

// Would catch a node that starts from damaged files, and a cluster that cannot do without it.
TEST_CASE("DU-15 a node with a rotten log and a rotten snapshot halts, and all commits stay",
          "[DU-15][sim][durability]") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Profile profile = calm(seed);
    profile.is_durable = false;
    Stage stage(profile);
    REQUIRE(stage.has_converged());
    const Index before = stage.checkers.committed();
    stage.world.crash(NodeId{3});
    Node& node = stage.world.node(NodeId{3});
    while (!node.is_lost) stage.world.rot(NodeId{3});
    SimulatedFiles& files = node.disk->files();
    for (const auto& [name, bytes] : files.backup()) files.rot(name, bytes.size() * 4);
    CHECK_FALSE(files.backup().empty());
    stage.world.start(NodeId{3});
    CHECK_FALSE(stage.world.is_up(NodeId{3}));
    REQUIRE(stage.world.node(NodeId{3}).failure);
    CHECK(stage.world.node(NodeId{3}).failure->code == Errc::corrupt);
    CHECK(stage.has_converged());  // It was removed, and came back with nothing.
    CHECK(stage.checkers.committed() > before);
    CHECK(violation_of(stage).empty());
  }
}

// Would catch a recovery that destroys what the next one needs.
TEST_CASE("DU-16 the power goes off again and again while a node recovers",
          "[DU-16][sim][durability]") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Stage stage(calm(seed));
    std::uint64_t cut_short = 0;
    for (std::uint64_t changes = 0; changes < 12; ++changes) {
      if (stage.world.is_up(NodeId{2})) stage.world.crash(NodeId{2});
      stage.world.node(NodeId{2}).disk->faults().power_off_after(changes);
      stage.world.start(NodeId{2});
      stage.world.run_for(milliseconds(40));
      if (!stage.world.is_up(NodeId{2})) ++cut_short;
    }
    CHECK(cut_short >= 3);
    CHECK(stage.has_converged());
    CHECK(violation_of(stage).empty());
  }
}

// Would catch a judge that cannot see what leases give up for their speed: the documents bound the
// drift of clocks, and beyond that bound reads are stale.
TEST_CASE("RD-14 with clocks far beyond the bound, leases serve stale reads, and that is seen",
          "[RD-14][sim][read]") {
  std::string found;
  for (std::uint64_t seed = 1; seed <= 60 && found.empty(); ++seed) {
    Profile profile = calm(seed);
    profile.group.lease_reads = true;
    profile.drift_permille = 900;
    Plan plan;
    for (int round = 0; round < 6; ++round) {
      plan.then(ActionKind::one_way, leader, 0, milliseconds(50));
      plan.then(ActionKind::partition, leader, 1u << (round % 3), seconds(6));
      plan.then(ActionKind::heal, leader, 0, seconds(2));
    }
    const Summary summary = plan.play(profile);
    for (const auto& violation : summary.violations) {
      if (violation.invariant == "R1" || violation.invariant == "R6") found = violation.invariant;
    }
  }
  CHECK_FALSE(found.empty());
}

}  // namespace raft::sim
