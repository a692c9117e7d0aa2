// What of restart and durability (DU) the core alone can show; files and whole clusters are in
// tests/storage, tests/replica and tests/sim.
#include "core/scenario.hpp"

namespace raft::test {
namespace {

/// Everything that happens in a life with elections, leases, crashes and restarts, line by line.
std::vector<std::string> story(Instant clock) {
  Setup setup;
  setup.clock = clock;
  setup.lease_reads = true;
  Cluster cluster(setup);
  std::vector<std::string> lines;
  cluster.set_trace([&](const std::string& line) { lines.push_back(line); });
  cluster.run_until([&] { return cluster.is_converged(); });
  const NodeId first = cluster.leader();
  REQUIRE(first);
  REQUIRE(cluster.propose(first, "x"));
  REQUIRE(cluster.read(first, true));
  cluster.run_for(1s);
  cluster.crash(first);
  cluster.run_until([&] { return bool(cluster.leader()); });
  REQUIRE(cluster.propose(cluster.leader(), "y"));
  cluster.restart(first);
  cluster.run_for(3s);
  for (const NodeId id : cluster.ids()) {
    lines.push_back(cluster.machine(id));
    cluster.restart(id);
  }
  cluster.run_for(3s);
  return lines;
}

/// A single voter whose last entry was made when log time was `log_time`, started at `clock`.
core::Core single(Duration log_time, Instant clock) {
  auto membership = std::make_shared<Membership>();
  membership->members = {{n1, {1, 1}, "node-1", Role::voter, false, {}}};
  const EntryId base{term(1), index(1)};
  core::Recovered recovered;
  recovered.log.base = {base, {log_time}, {base.index, membership}};
  recovered.log.last = base.index;
  recovered.log.last_time = {log_time};
  recovered.log.hard_state.term = base.term;
  recovered.applied = base.index;
  core::Options options;
  options.id = n1;
  options.instance = {1, 1};
  return {options, recovered, clock};
}

/// Log time of a proposal that follows on an election after `later`.
Duration time_of_proposal(core::Core& core, Duration later) {
  std::vector<EntryPtr> written;
  const auto turn = [&](Instant now) {
    if (const auto work = core.take_ready(now).persist) {
      written.insert(written.end(), work->entries.begin(), work->entries.end());
      core.persisted(work->number, now);
    }
  };
  Instant now = core.now();
  core.tick(now);
  for (int i = 0; i < 4; ++i) turn(now);
  REQUIRE(core.is_leader());
  now += later;
  REQUIRE(core.propose({}, now));
  turn(now);
  return written.back()->time.since_founding;
}

}  // namespace

// Would catch an instant that is compared with zero, or a sum that overflows: a board without a
// battery boots in 1970, and a broken one in 2100.
TEST_CASE("DU-17 what the clocks show at the start makes no difference",
          "[DU-17][durability][election]") {
  const std::vector<std::string> usual = story(Instant{1h});
  CHECK(usual.size() > 100);
  CHECK(story(Instant{0ns}) == usual);
  CHECK(story(Instant{std::chrono::hours(24 * 365 * 130)}) == usual);
}

// Would catch sessions and times to live that end at once, or never, because of a clock.
TEST_CASE("DU-17 log time goes on from the log, by what has passed and not by the clock",
          "[DU-17][durability]") {
  for (const Duration log_time : {Duration{0}, Duration{1h}, Duration{24h * 365 * 50}}) {
    for (const Duration clock : {Duration{0}, Duration{24h * 365 * 130}}) {
      core::Core core = single(log_time, Instant{clock});
      CHECK(time_of_proposal(core, 3s) == log_time + 3s);
    }
  }
}

}  // namespace raft::test
