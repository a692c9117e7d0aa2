#include "sim/liveness.hpp"

#include <algorithm>
#include <utility>

#include "core/quorum.hpp"

namespace raft::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The bounds are in election timeouts T of the run, which is drawn down to 120 ms; what takes its
// own time whatever T is comes on top of them.

/// A pause ends within 3 s, a process is back after 4 s, and a system that heard nothing gives its
/// connections up after 5 s: before that, nobody can be expected to know that the faults are over.
constexpr Duration settling = seconds(6);
/// A sync that stalls ends by itself within 6 s.
constexpr Duration settling_after_stalls = seconds(7);
/// Windows may be one entry long, and each takes two syncs and two ways of the network; a snapshot
/// that was begun for somebody who is gone, or that is refused, is tried again after a pause; and
/// whoever comes back with an empty directory is removed, taken in and promoted first.
constexpr Duration catching_up = seconds(30);
/// After failed tries the next one waits for up to 32 T, and may fail once more.
constexpr int snapshot_pauses = 64;
/// Drawn latencies of disks, networks and workers, over all that one command needs.
constexpr Duration some_steps = milliseconds(500);
/// The time between two looks of a node at its clock, at most, and what a turn may be late.
constexpr Duration two_ticks = milliseconds(62);

constexpr std::uint64_t idle_steps_per_node_and_second_max = 1500;
/// In seconds.
constexpr int quiet_within = 5;

/// How those who do not come back spend the time.
enum class Fate : std::uint8_t {
  dead,
  cut,      ///< Reaches nobody.
  deaf,     ///< Speaks and hears nothing.
  mute,     ///< Hears, and nobody hears it.
  stalled,  ///< Its disk stands still.
  count_
};

}  // namespace

Liveness::Liveness(const Parts& parts)
    : world_(parts.world),
      operator_(parts.its_operator),
      clients_(parts.clients),
      calls_(parts.calls),
      nemesis_(parts.nemesis),
      random_(parts.world.profile().seed * 16 + 12),
      timeout_(parts.world.profile().group.timing.election_timeout) {}

void Liveness::require(bool is_so, const char* invariant, const std::string& what) {
  if (!is_so) world_.checkers().violated(invariant, what);
}

void Liveness::judge() {
  const Profile& profile = world_.profile();
  if (profile.only_core_recovers && choose_core()) {
    nemesis_.stop(rest_);
    for (const NodeId id : rest_) strike(id);
    if (profile.core_restarts) {
      for (const NodeId id : core_) {
        if (world_.is_up(id)) world_.crash(id);
      }
    }
  } else {
    nemesis_.stop();
  }
  settle();
  elects();
  commits_soon();
  converges();
  was_core_alone_ = !core_.empty();
  commits();
  clients_.read_everywhere();
  stays_calm();
  has_answered();
  if (profile.hands_over) hands_over();
  if (profile.isolates_one) isolates_one();
  if (profile.cuts_leader) cuts_leader();
  idles();
  if (profile.takes_snapshots) takes_snapshots();
}

// --- the core ---

/// Its directory is in order and says that it is a member, so that it may vote.
bool Liveness::is_fit(NodeId id) const {
  const Node& node = world_.node(id);
  if (node.is_lost) return false;
  const bool is_out = node.failure && node.failure->code != Errc::storage_failed &&
                      node.failure->code != Errc::storage_full;
  if (is_out) return false;
  const LoggedMembership known =
      world_.works(id) ? world_.replica(id)->core().membership() : node.ledger.view().membership();
  return known.membership->names(id, node.instance);
}

/// The committed one, and whatever follows it in some log: it may come to be committed, or be in
/// force at whoever is elected.
std::vector<Membership> Liveness::memberships() const {
  const LoggedMembership committed = world_.checkers().membership();
  if (!committed.membership) return {};
  std::vector<Membership> all{*committed.membership};
  for (const NodeId id : world_.ids()) {
    const auto add = [&](const LoggedMembership& logged) {
      if (logged.index > committed.index) all.push_back(*logged.membership);
    };
    add(world_.node(id).ledger.view().membership());
    if (!world_.works(id)) continue;
    for (const LoggedMembership& logged : world_.replica(id)->core().log().memberships()) {
      add(logged);
    }
  }
  return all;
}

bool Liveness::is_quorum(const std::set<NodeId>& nodes) const {
  const std::vector<Membership> all = memberships();
  return !all.empty() && std::all_of(all.begin(), all.end(), [&](const Membership& membership) {
    return core::has_quorum(membership, [&](NodeId id) {
      return nodes.contains(id) && membership.names(id, world_.node(id).instance);
    });
  });
}

/// False: the cluster needs all that are left.
bool Liveness::choose_core() {
  const LoggedMembership committed = world_.checkers().membership();
  for (const NodeId id : world_.ids()) {
    const bool is_member = committed.membership->names(id, world_.node(id).instance);
    (is_member && is_fit(id) ? core_ : rest_).insert(id);
  }
  std::vector<NodeId> candidates(core_.begin(), core_.end());
  for (std::size_t left = candidates.size(); left > 0 && is_quorum(core_); --left) {
    const std::size_t drawn = random_.between(0, left);
    const NodeId id = candidates[drawn];
    candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(drawn));
    const bool is_kept = chance(25);
    std::set<NodeId> fewer = core_;
    fewer.erase(id);
    if (is_kept || !is_quorum(fewer)) continue;
    core_ = std::move(fewer);
    rest_.insert(id);
  }
  if (is_quorum(core_) && !rest_.empty()) return true;
  core_.clear();
  rest_.clear();
  return false;
}

// Without pre-votes whoever cannot hear the leader unseats it for ever, as Raft itself does (thesis
// 9.6): it must not be able to speak.
void Liveness::strike(NodeId id) {
  const GroupOptions& options = world_.profile().group;
  const std::uint64_t drawn = random_.between(0, static_cast<std::uint64_t>(Fate::count_));
  Fate fate = static_cast<Fate>(drawn);
  if (fate > Fate::cut && !(options.pre_vote && options.check_quorum)) fate = Fate::cut;
  if (!world_.is_up(id)) return;
  if (!world_.works(id) || !is_fit(id)) fate = Fate::dead;
  world_.trace().event(id, "is abandoned", {static_cast<std::uint64_t>(fate)});
  switch (fate) {
    case Fate::cut:
      return cut_off(id);
    case Fate::deaf:
    case Fate::mute:
      for (const NodeId other : world_.ids()) {
        if (other == id) continue;
        const bool is_deaf = fate == Fate::deaf;
        world_.network().block(is_deaf ? other : id, is_deaf ? id : other);
      }
      return;
    case Fate::stalled:
      world_.node(id).disk_weather.stalled_until = world_.now() + std::chrono::hours(1);
      return;
    default:
      return world_.crash(id);
  }
}

void Liveness::cut_off(NodeId id) {
  for (const NodeId other : world_.ids()) {
    if (other == id) continue;
    world_.network().block(id, other);
    world_.network().block(other, id);
  }
}

std::vector<NodeId> Liveness::judged() const {
  if (core_.empty()) return world_.ids();
  // What was on its way when the faults stopped may still have removed one of them.
  const LoggedMembership committed = world_.checkers().membership();
  std::vector<NodeId> ids;
  for (const NodeId id : core_) {
    if (committed.membership->names(id, world_.node(id).instance)) ids.push_back(id);
  }
  return ids;
}

/// What an operator does, but for those who are given up.
void Liveness::bring_up() {
  if (core_.empty()) return operator_.tend();
  for (const NodeId id : judged()) {
    if (world_.is_up(id) && world_.node(id).failure) world_.crash(id);
    if (!world_.is_up(id)) operator_.start(id);
  }
}

void Liveness::settle() {
  constexpr Duration pace = milliseconds(500);
  const bool has_stalls = world_.profile().has(Fault::stalled_disk);
  const Duration end = world_.now() + (has_stalls ? settling_after_stalls : settling);
  while (world_.now() < end && !has_failed()) {
    bring_up();
    world_.run_for(pace);
  }
}

/// V10: only if the core cannot decide any more is it excused. A change that was on its way when
/// the faults stopped may have come to count on those who did not come back.
void Liveness::bring_back_all() {
  world_.trace().event({}, "everybody comes back");
  // A write that has begun on a disk that stands still ends only with its process.
  for (const NodeId id : rest_) {
    const bool is_stalled = world_.node(id).disk_weather.stalled_until > world_.now();
    if (is_stalled && world_.is_up(id)) world_.crash(id);
  }
  core_.clear();
  rest_.clear();
  nemesis_.stop();
  settle();
}

// --- V1 ---

bool Liveness::has_leader() const {
  const NodeId leader = world_.leader();
  if (!leader) return false;
  const core::Core& core = world_.replica(leader)->core();
  return core.commit() >= core.leader_state()->term_start;
}

void Liveness::elects() {
  if (has_failed()) return;
  const auto elects_soon = [&] {
    return world_.run_until([&] { return has_leader(); }, 20 * timeout_ + some_steps);
  };
  bool is_led = elects_soon();
  if (!is_led && !has_failed() && !core_.empty() && !is_quorum(core_)) {
    bring_back_all();
    is_led = elects_soon();
  }
  require(is_led, "V1", "no leader within 20 election timeouts");
}

/// A leader that nothing disturbs leads on.
void Liveness::stays_calm() {
  if (has_failed()) return;
  const Term term = world_.checkers().newest_term();
  const NodeId leader = world_.leader();
  world_.run_for(timeout_ * world_.profile().calm);
  if (has_failed()) return;
  require(world_.checkers().newest_term() == term && world_.leader() == leader, "V1",
          "a new term without a fault");
  require(has_converged(), "V2", "the cluster does not stay together");
}

// --- V4, V5 ---

bool Liveness::has_converged() const {
  const NodeId leader = world_.leader();
  if (!leader) return false;
  const core::Core& leading = world_.replica(leader)->core();
  const std::vector<NodeId> ids = judged();
  return std::all_of(ids.begin(), ids.end(), [&](NodeId id) {
    const replica::Replica* one = std::as_const(world_).replica(id);
    return one != nullptr && one->core().term() == leading.term() &&
           one->core().commit() == leading.log().last_index() &&
           one->core().applied_index() == leading.log().last_index();
  });
}

/// V4: a change that is half done, in words; empty: there is none. Who does not come back is not
/// promoted, and hinders nobody.
std::string Liveness::what_is_open() const {
  const LoggedMembership committed = world_.checkers().membership();
  if (committed.membership->is_joint()) return "joint: " + to_string(*committed.membership);
  for (const NodeId id : judged()) {
    const Member* member = committed.membership->find(id);
    if (member != nullptr && member->promote && !committed.membership->is_voter(id)) {
      return "a learner is not promoted: " + to_string(*committed.membership);
    }
  }
  return {};
}

void Liveness::converges() {
  if (has_failed()) return;
  constexpr Duration pace = milliseconds(500);
  const auto agrees_soon = [&] {
    Duration tended{0};
    const auto agrees = [&] {
      if (world_.now() - tended >= pace) {
        bring_up();
        tended = world_.now();
      }
      return (!core_.empty() || operator_.is_done()) && what_is_open().empty() && has_converged();
    };
    return world_.run_until(agrees, (20 + snapshot_pauses) * timeout_ + catching_up);
  };
  bool agrees = agrees_soon();
  if (!agrees && !has_failed() && !core_.empty() && !is_quorum(core_)) {
    bring_back_all();
    agrees = agrees_soon();
  }
  if (agrees || has_failed()) return;
  const std::string open = what_is_open();
  require(open.empty(), "V4", "a change of members does not end; " + open);
  require(false, "V5", "somebody does not catch up");
}

// --- V2, V3 ---

/// As soon as somebody leads, before everybody has caught up. That may take a log and a snapshot if
/// the majority needs somebody who has slept; and while members come and go, a leader that is
/// removed must be succeeded first.
void Liveness::commits_soon() {
  constexpr std::uint64_t near = 20;
  const NodeId leader = has_failed() || core_.empty() ? NodeId{} : world_.leader();
  if (!leader) return;
  const core::Core& core = world_.replica(leader)->core();
  if (core.membership().index > core.commit() || core.membership().membership->is_joint()) return;
  const auto is_near = [&](NodeId id) {
    if (!core_.contains(id)) return false;
    if (id == leader) return true;
    const auto peer = core.leader_state()->peers.find(id);
    return peer != core.leader_state()->peers.end() &&
           peer->second.match.value + near >= core.log().last_index().value;
  };
  if (!core::has_quorum(*core.membership().membership, is_near)) return;
  world_.trace().event(leader, "is to commit");
  require(clients_.writes_something(10 * timeout_ + some_steps), "V2",
          "nothing commits within 10 election timeouts of an election");
}

void Liveness::commits() {
  if (has_failed()) return;
  require(clients_.writes_something(10 * timeout_ + some_steps), "V2",
          "nothing commits within 10 election timeouts");
  if (has_failed()) return;
  const bool is_everywhere =
      world_.run_until([&] { return has_converged(); }, 10 * timeout_ + some_steps);
  require(is_everywhere, "V2", "what was committed does not reach everybody");
}

void Liveness::has_answered() {
  if (has_failed()) return;
  // The last reads have deadlines of their own.
  world_.run_until([&] { return calls_.unanswered().empty(); }, seconds(4));
  const std::string waiting = calls_.unanswered();
  require(has_failed() || waiting.empty(), "V3", "never answered: " + waiting);
}

// --- V6, V7, V8 ---

NodeId Liveness::follower() {
  const NodeId leader = world_.leader();
  const std::vector<NodeId> ids = judged();
  std::vector<NodeId> spare;
  for (const NodeId id : ids) {
    std::set<NodeId> others(ids.begin(), ids.end());
    others.erase(id);
    const bool is_voter = world_.checkers().membership().membership->is_voter(id);
    if (id != leader && is_voter && is_quorum(others)) spare.push_back(id);
  }
  if (spare.empty()) return {};
  return spare[random_.between(0, spare.size())];
}

void Liveness::hands_over() {
  const NodeId leader = has_failed() ? NodeId{} : world_.leader();
  const NodeId target = leader ? follower() : NodeId{};
  if (!target) return;
  const auto has_ended = std::make_shared<bool>(false);
  const std::uint64_t call = calls_.begin(leader, "transfer");
  world_.on_node(leader, Duration{0}, [this, leader, target, call, has_ended] {
    world_.replica(leader)->transfer_leadership(
        target, [this, call, has_ended](const Result<void>& result) {
          *has_ended = true;
          if (calls_.answered(call) && result) world_.effects().hit(Fault::transfer);
        });
  });
  const bool ends = world_.run_until([&] { return *has_ended; }, 2 * timeout_ + two_ticks);
  require(has_failed() || ends, "V6", "a transfer neither succeeds nor is given up");
  if (has_failed()) return;
  require(clients_.writes_something(10 * timeout_ + some_steps), "V6",
          "nothing is accepted after a transfer");
  converges();
}

// Heard by nobody, hearing nobody, cut off from the leader alone, or linked to one only: whoever
// hears the leader denies it their pre-votes (thesis 4.2.3, 9.6).
void Liveness::isolates_one() {
  const GroupOptions& options = world_.profile().group;
  if (has_failed() || !options.pre_vote || !options.check_quorum) return;
  const NodeId leader = world_.leader();
  const NodeId victim = leader ? follower() : NodeId{};
  if (!victim) return;
  const Term term = world_.replica(leader)->core().term();
  const std::uint64_t way = random_.between(0, 5);
  const std::vector<NodeId> ids = judged();
  const NodeId only = ids[random_.between(0, ids.size())];
  for (const NodeId other : ids) {
    if (other == victim || (way == 3 && other != leader) || (way == 4 && other == only)) continue;
    if (way != 1) world_.network().block(victim, other);
    if (way != 2) world_.network().block(other, victim);
  }
  world_.trace().event(victim, "is isolated", {way});
  world_.run_for(4 * timeout_);
  for (const NodeId other : ids) {
    if (other != victim) world_.network().heal(victim, other);
  }
  world_.run_for(4 * timeout_);
  if (has_failed()) return;
  const replica::Replica* led = std::as_const(world_).replica(leader);
  const bool leads_on = led != nullptr && led->core().is_leader() && led->core().term() == term;
  require(leads_on, "V7", "node " + to_string(victim) + " was cut off and has unseated the leader");
  converges();
}

// It hears nobody, so it steps down once the last answer is an election timeout old; what is asked
// of it afterwards must not be done.
void Liveness::cuts_leader() {
  if (has_failed() || !world_.profile().group.check_quorum) return;
  const NodeId leader = world_.leader();
  const std::vector<NodeId> ids = judged();
  std::set<NodeId> others(ids.begin(), ids.end());
  if (others.erase(leader) == 0 || !is_quorum(others)) return;
  const Term term = world_.replica(leader)->core().term();
  cut_off(leader);
  world_.trace().event(leader, "is cut off");
  world_.run_for(2 * timeout_ + two_ticks);
  if (has_failed()) return;
  const replica::Replica* cut = std::as_const(world_).replica(leader);
  require(cut == nullptr || !cut->core().is_leader(), "V8",
          "a leader that reaches nobody leads on");
  const auto is_accepted = std::make_shared<bool>(false);
  if (!has_failed() && cut != nullptr) clients_.write_on(leader, is_accepted);
  const auto has_another = [&] { return has_leader() && world_.checkers().newest_term() > term; };
  const bool is_replaced = world_.run_until(has_another, 20 * timeout_ + some_steps);
  require(has_failed() || is_replaced, "V1", "a leader that is cut off is not replaced");
  require(!*is_accepted, "V8", "who reaches nobody accepts a write");
  for (const NodeId other : ids) {
    if (other != leader) world_.network().heal(leader, other);
  }
  converges();
  has_answered();
}

// --- V9 ---

std::uint64_t Liveness::news() const {
  std::uint64_t sum = 0;
  for (const NodeId from : judged()) {
    for (const NodeId to : judged()) sum += world_.checkers().news(from, to);
  }
  return sum;
}

void Liveness::idles() {
  if (has_failed()) return;
  // What the network still has of earlier times arrives, and is answered.
  std::uint64_t told = 0;
  for (int second = 0; second < quiet_within && !has_failed(); ++second) {
    const std::uint64_t steps = world_.steps();
    const std::uint64_t before = news();
    world_.run_for(seconds(1));
    const std::uint64_t taken = world_.steps() - steps;
    require(taken <= idle_steps_per_node_and_second_max * world_.ids().size(), "V9",
            "busy while idle: " + std::to_string(taken) + " events in a second");
    told = news() - before;
    if (told == 0) return;
  }
  require(has_failed() || told == 0, "V9",
          "more than heartbeats while idle: " + std::to_string(told) + " messages in a second");
}

// --- D8 ---

// All have applied the same, so that the files, with sessions and membership in them, are equal.
void Liveness::takes_snapshots() {
  if (has_failed()) return;
  for (const NodeId id : judged()) operator_.take_snapshot(id);
  has_answered();
  for (const NodeId id : judged()) world_.check_files(id);
}

}  // namespace raft::sim
