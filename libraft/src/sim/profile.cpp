#include "sim/profile.hpp"

#include "core/random.hpp"

namespace raft::sim {
namespace {

using std::chrono::milliseconds;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  bool chance(std::uint64_t percent) { return random_.between(0, 100) < percent; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return random_.between(low, high);
  }

 private:
  core::Random random_;
};

void draw_limits(Dice& dice, GroupOptions& group) {
  Limits& limits = group.limits;
  if (dice.chance(40)) limits.append_bytes_max = dice.between(1, 2000);
  if (dice.chance(30)) limits.inflight_bytes_max = dice.between(1, 5000);
  if (dice.chance(30)) limits.inflight_appends_max = dice.between(1, 5);
  if (dice.chance(30)) limits.uncommitted_bytes_max = dice.between(1, 5000);
  if (dice.chance(30)) limits.apply_bytes_max = dice.between(1, 2000);
  if (dice.chance(60)) limits.log_cache_bytes = dice.between(0, 2000);
  if (dice.chance(20)) limits.pending_proposals_max = dice.between(1, 10);
  if (dice.chance(20)) limits.pending_reads_max = dice.between(1, 4);
  if (dice.chance(20)) limits.command_bytes_max = dice.between(100, 4000);
  if (dice.chance(20)) group.retention.log_hold_bytes_max = dice.between(1000, 20'000);
  // Mostly so small that one transfer takes many chunks, windows and turns.
  if (dice.chance(80)) limits.snapshot_chunk_bytes = dice.between(30, 1500);
  if (dice.chance(80)) limits.snapshot_window_bytes = dice.between(1, 3000);
}

void draw_timing(Dice& dice, GroupOptions& group) {
  if (!dice.chance(40)) return;
  Timing& timing = group.timing;
  timing.tick = milliseconds(dice.between(5, 30));
  timing.heartbeat = milliseconds(dice.between(30, 120));
  timing.election_timeout = timing.heartbeat * static_cast<int>(dice.between(4, 12));
  timing.snapshot_retry = milliseconds(dice.between(20, 1000));
  timing.snapshot_patience = timing.snapshot_retry * static_cast<int>(dice.between(3, 30));
}

/// Few runs go beyond the limit, for none of them tells whether the cluster comes back; and what is
/// asked of it then costs time, so that each run draws some of it.
void draw_end(Profile& profile) {
  Dice dice(profile.seed * 8 + 7);
  const bool loses = profile.has(Fault::rot) || profile.has(Fault::wipe);
  profile.is_over_limit = profile.has(Fault::over_limit) && loses && dice.chance(12);
  profile.only_core_recovers = dice.chance(40);
  profile.core_restarts = dice.chance(30);
  if (dice.chance(6)) profile.calm = 50;
  profile.hands_over = dice.chance(25);
  profile.isolates_one = dice.chance(40);
  profile.cuts_leader = dice.chance(30);
  profile.takes_snapshots = dice.chance(30);
}

}  // namespace

std::set<Fault> Options::every_fault() {
  std::set<Fault> all;
  for (auto fault = 0; fault < static_cast<int>(Fault::count_); ++fault) {
    all.insert(static_cast<Fault>(fault));
  }
  return all;
}

Profile draw_profile(std::uint64_t seed, const Options& options) {
  Profile profile;
  profile.seed = seed;
  profile.nodes = options.nodes;
  profile.operations = options.operations;
  // Each of these has its own dice: one choice more or less does not change all others.
  Dice which(seed * 8 + 1);
  const std::uint64_t share = which.between(20, 90);
  // Those that are not allowed are drawn as well, so that one less leaves the others as they were.
  for (const Fault fault : Options::every_fault()) {
    const bool is_drawn = which.chance(share);
    if (is_drawn && options.faults.contains(fault)) profile.faults.insert(fault);
  }

  Dice dice(seed * 8 + 2);
  GroupOptions& group = profile.group;
  profile.is_durable = dice.chance(35);
  profile.machine_blocks = dice.chance(50);
  profile.writes_inline = dice.chance(60);
  profile.has_initial_members = dice.chance(40);
  profile.late_turns = dice.chance(50) ? dice.between(20, 500) : 0;
  group.retention.snapshot_log_entries = dice.between(5, dice.chance(50) ? 40 : 300);
  group.retention.trailing_entries = dice.chance(60) ? 0 : dice.between(0, 30);
  if (dice.chance(20)) group.retention.snapshot_log_bytes = dice.between(1000, 20'000);
  group.pre_vote = !dice.chance(10);
  group.check_quorum = !dice.chance(5);
  group.lease_reads = group.check_quorum && dice.chance(35);

  Dice limits(seed * 8 + 3);
  if (profile.has(Fault::small_limits)) draw_limits(limits, group);
  if (profile.has(Fault::small_limits)) draw_timing(limits, group);

  // A lease trusts clocks to drift less than 10 % from each other; without leases no promise hangs
  // on any clock.
  Dice clocks(seed * 8 + 4);
  if (profile.has(Fault::drift)) profile.drift_permille = group.lease_reads ? 45 : 450;
  if (group.lease_reads) profile.faults.erase(Fault::clock_jump);
  if (profile.drift_permille > 0) {
    profile.drift_permille = static_cast<std::int64_t>(
        clocks.between(10, static_cast<std::uint64_t>(profile.drift_permille) + 1));
  }
  draw_end(profile);
  return profile;
}

}  // namespace raft::sim
