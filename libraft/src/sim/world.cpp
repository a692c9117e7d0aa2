#include "sim/world.hpp"

#include <algorithm>
#include <utility>

#include "sim/digest.hpp"
#include "storage/snapshot_format.hpp"
#include "util/assert.hpp"

namespace raft::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Many times what the longest runs need: whoever takes more turns than this goes in circles.
constexpr std::uint64_t steps_max = 20'000'000;

}  // namespace

Node::Node(NodeId node, InstanceId fresh_instance, Clock own_clock)
    : id(node), instance(fresh_instance), clock(own_clock) {}
Node::~Node() = default;

World::World(const Profile& profile, const Subject& subject, Trace& trace, Checkers& checkers,
             Effects& effects)
    : profile_(profile),
      subject_(subject),
      trace_(trace),
      checkers_(checkers),
      effects_(effects),
      events_(profile.seed * 16 + 1),
      network_(events_, trace, effects, profile.seed * 16 + 2),
      disk_random_(profile.seed * 16 + 3),
      job_random_(profile.seed * 16 + 4),
      node_random_(profile.seed * 16 + 5) {
  trace_.tell_time_by(events_);
}

World::~World() {
  is_ending_ = true;
  for (auto& [id, node] : nodes_) {
    node->disk->faults().power_off();
    node->process.reset();
  }
  events_.clear();
}

// --- time ---

void World::on_node(NodeId id, Duration delay, Events::Function function) {
  on_node(id, nodes_.at(id)->lives, delay, std::move(function));
}

void World::on_node(NodeId id, std::uint64_t life, Duration delay, Events::Function function) {
  if (is_ending_) return;
  events_.after(delay, [this, id, life, function = std::move(function)]() mutable {
    run_on(id, life, function);
  });
}

void World::run_on(NodeId id, std::uint64_t life, Events::Function& function) {
  Node& node = *nodes_.at(id);
  if (!node.process || node.lives != life) return;
  if (node.paused_until > now()) {
    effects_.hit(Fault::pause);
    return on_node(id, life, node.paused_until - now(), std::move(function));
  }
  function();
  // The call may have ended the process.
  if (node.process && node.lives == life) take_turn(node);
}

void World::run_next() {
  ++steps_;
  events_.run_next();
  if (steps_ == steps_max) checkers_.violated("endless", "the run does not end");
}

void World::run_for(Duration duration) {
  const Duration end = now() + duration;
  while (!checkers_.violation() && !events_.empty() && events_.next() <= end) run_next();
  if (!checkers_.violation()) events_.advance_to(end);
}

bool World::run_until(const std::function<bool()>& is_so, Duration at_most) {
  const Duration end = now() + at_most;
  while (!is_so()) {
    if (checkers_.violation() || now() >= end) return false;
    run_for(milliseconds(10));
  }
  return !checkers_.violation();
}

void World::take_turn(Node& node) {
  Process& process = *node.process;
  const bool had_failed = node.failure.has_value();
  if (!process.turn_is_late && profile_.late_turns > 0 &&
      node_random_.between(0, 1000) < profile_.late_turns) {
    process.turn_is_late = true;
    const Duration delay = microseconds(node_random_.between(0, 300));
    on_node(node.id, delay, [&process] { process.turn_is_late = false; });
  }
  if (!process.turn_is_late) process.turn();
  if (!node.disk->faults().is_powered()) {
    // The power went off at a drawn boundary between two storage calls.
    effects_.hit(Fault::crash_loop);
    return crash(node.id);
  }
  if (!had_failed && node.failure) judge_failure(node);
}

/// A replica stops for a reason that was given to it, or it is a violation.
void World::judge_failure(Node& node) {
  const Error& why = *node.failure;
  const bool is_out = checkers_.was_removed(node.id, node.instance);
  // An id that belongs to another directory is only asked for by one that never was a member.
  const bool has_other_id =
      why.code == Errc::id_taken && !checkers_.was_member(node.id, node.instance);
  const std::optional<Fault> disk_error = node.process->disk_error();
  const bool has_reason = (why.code == Errc::storage_failed && disk_error) ||
                          (why.code == Errc::removed && is_out) || has_other_id || node.is_lost;
  if (why.code == Errc::storage_failed && disk_error) effects_.hit(*disk_error);
  if (!has_reason) {
    checkers_.violated("fail-stop", "node " + to_string(node.id) + " failed: " + why.detail);
  }
}

// --- nodes ---

NodeId World::add() {
  const NodeId id{nodes_.size() + 1};
  const Duration origin = seconds(node_random_.between(1, 100'000));
  std::int64_t permille = 1000;
  if (profile_.drift_permille > 0) {
    const auto drift = static_cast<std::uint64_t>(profile_.drift_permille);
    permille +=
        static_cast<std::int64_t>(node_random_.between(0, 2 * drift + 1)) - profile_.drift_permille;
  }
  nodes_.emplace(id, std::make_unique<Node>(id, fresh_instance(), Clock(origin, permille)));
  return id;
}

void World::start(NodeId id, const Founding& founding) {
  Node& node = *nodes_.at(id);
  RAFT_ASSERT(node.process == nullptr);
  ++node.lives;
  node.failure.reset();
  node.disk->faults().begin_life();
  node.process = std::make_unique<Process>(*this, node);
  trace_.event(id, "starts", {node.lives});
  const Result<void> started = node.process->start(founding);
  if (node.disk->faults().is_powered()) {
    judge_start(node, started);
    if (!started) return end_life(node);
  }
  if (!node.disk->faults().is_powered()) {
    effects_.hit(Fault::crash_loop);
    return crash(id);
  }
  take_turn(node);
  if (node.process) schedule_tick(id, true);
}

/// A start is refused for a reason that was given to it, and for that one it must be.
void World::judge_start(Node& node, const Result<void>& started) {
  if (!started) {
    node.failure = started.error();
    trace_.event(node.id, "cannot start", {}, [&] { return started.error().detail; });
  }
  const bool is_full =
      !started && started.code() == Errc::storage_full && node.disk_weather.is_full;
  const std::optional<Fault> disk_error = node.process->disk_error();
  if (node.is_rotten) {
    if (!started && started.code() == Errc::corrupt) return effects_.hit(Fault::rot);
    if (is_full || (!started && disk_error)) return;
    return checkers_.violated(
        "rot", "node " + to_string(node.id) +
                   (started ? " starts with rot in what it needs"
                            : " does not notice its rot: " + started.error().detail));
  }
  if (started || node.is_lost || is_full) return;
  if (disk_error) return effects_.hit(*disk_error);
  checkers_.violated("recovery",
                     "node " + to_string(node.id) + " cannot start: " + started.error().detail);
}

// The first tick of a life stands for all its timers.
void World::schedule_tick(NodeId id, bool is_first) {
  const Duration own = profile_.group.timing.tick;
  const Duration tick = nodes_.at(id)->clock.in_truth(own);
  const Duration late = microseconds(node_random_.between(0, 1000));
  on_node(id, tick + late, [this, id, is_off = is_first && tick != own] {
    Node& node = *nodes_.at(id);
    if (is_off) effects_.hit(Fault::drift);
    if (std::exchange(node.has_jumped, false)) effects_.hit(Fault::clock_jump);
    node.process->tick();
    schedule_tick(id, false);
  });
}

void World::crash(NodeId id) {
  Node& node = *nodes_.at(id);
  trace_.event(id, "crashes", {node.lives});
  effects_.hit(Fault::crash);
  node.disk->faults().power_off();
  end_life(node);
  const std::size_t lost = node.disk->power_on(disk_random_);
  const bool store_lost = node.points.power_cut(disk_random_);
  if (lost > 0 || store_lost) effects_.hit(Fault::unsynced_loss);
  if (store_lost) ++totals_.stores_set_back;
  node.ledger.lost(lost);
  node.ledger.synced();
  check_files(node);
}

void World::check_files(const Node& node) {
  if (node.is_lost || node.has_rotten_file) return;
  const storage::FileSystem& files = node.disk->files();
  const auto names = files.list();
  if (!names) return;
  for (const std::string& name : *names) {
    const auto parsed = storage::parse_snapshot_name(name, profile_.group.group);
    if (!parsed || parsed->kind != storage::SnapshotName::Kind::complete) continue;
    const auto found = storage::verify_snapshot(files, name);
    checkers_.snapshot_file(node.id, found ? std::optional(*found) : std::nullopt);
  }
}

void World::stop(NodeId id) {
  Node& node = *nodes_.at(id);
  trace_.event(id, "stops", {node.lives});
  effects_.hit(Fault::stop);
  node.process->stop();
  end_life(node);
  // What the operating system still has is written by the engine when it is opened again; not if it
  // takes for written what is not.
  if (node.disk->engine().write({}, true) && !node.disk->engine().do_syncs_lie()) {
    node.ledger.synced();
  } else {
    node.ledger.lost(node.disk->power_on(disk_random_));
    node.ledger.synced();
  }
  node.disk->faults().power_on();
}

void World::count(const Node& node, Totals& totals) const {
  const replica::Replica* one = replica(node.id);
  if (one == nullptr) return;
  const Counters counters = one->status().counters;
  totals.elections += counters.elections_won;
  totals.snapshots_installed += counters.snapshots_installed;
  totals.lease_reads += counters.lease_reads;
}

World::Totals World::totals() const {
  Totals totals = totals_;
  for (const auto& [id, node] : nodes_) count(*node, totals);
  return totals;
}

void World::end_life(Node& node) {
  count(node, totals_);
  if (node.process->replica() != nullptr) checkers_.life_ended(node.id);
  node.process.reset();
  node.paused_until = Duration{0};
  node.has_jumped = false;
  if (life_ended) life_ended(node.id);
}

void World::pause(NodeId id, Duration duration) {
  trace_.event(id, "pauses", {static_cast<std::uint64_t>(duration.count())});
  // The later end counts: timers that were put off until then must not miss an earlier one.
  Node& node = *nodes_.at(id);
  node.paused_until = std::max(node.paused_until, now() + duration);
}

void World::wipe(NodeId id) {
  RAFT_ASSERT(!is_up(id));
  Node& node = *nodes_.at(id);
  trace_.event(id, "is wiped");
  node.disk = std::make_unique<Disk>();
  node.ledger = {};
  node.points = {};
  node.disk_weather = {};
  node.instance = fresh_instance();
  node.is_lost = false;
  node.is_rotten = false;
  node.has_rotten_file = false;
  node.failure.reset();
  copies_.erase(id);
  checkers_.forget(id);
}

void World::back_up(NodeId id) {
  const Node& node = *nodes_.at(id);
  if (!node.process || !node.process->replica() || profile_.is_durable) return;
  copies_.insert_or_assign(
      id, Copy{node.process->identity().boot, node.disk->backup(), node.ledger.view()});
}

// An old copy gives itself away by its boot number only if the lives that its peers have seen are
// more than the one that the copy makes; docs/operations.md says so.
bool World::roll_back(NodeId id) {
  const auto copy = copies_.find(id);
  Node& node = *nodes_.at(id);
  if (copy == copies_.end() || !node.process || !node.process->replica()) return false;
  if (node.process->identity().boot.value < copy->second.boot.value + 2) return false;
  crash(id);
  trace_.event(id, "is rolled back");
  node.disk->restore(copy->second.disk);
  node.ledger.view() = copy->second.view;
  node.is_lost = true;
  checkers_.forget(id);
  effects_.hit(Fault::rollback);
  return true;
}

void World::rot(NodeId id) {
  RAFT_ASSERT(!is_up(id));
  Node& node = *nodes_.at(id);
  const std::uint64_t where = disk_random_.between(0, 10);
  const std::uint64_t bit = disk_random_.next();
  const auto strike = [&](SimulatedFiles& files, const std::string& name, bool is_needed) {
    trace_.event(id, "rots", {}, [&] { return name + (is_needed ? "" : ", which it can spare"); });
    files.rot(name, static_cast<std::size_t>(bit % (files.look_at(name)->size() * 8)));
    node.is_rotten = is_needed;
    node.is_lost = node.is_lost || is_needed;
  };
  const std::string identity = "identity";
  if (where < 2 && node.disk->root().look_at(identity) != nullptr) {
    return strike(node.disk->root(), identity, true);
  }
  std::vector<std::string> snapshots;
  for (const std::string& name : node.disk->files().names()) {
    if (!node.disk->files().look_at(name)->empty()) snapshots.push_back(name);
  }
  if (where < 6 && !snapshots.empty()) {
    const std::string& name = snapshots[disk_random_.between(0, snapshots.size())];
    node.has_rotten_file = true;
    return strike(node.disk->files(), name, is_restored_from(node, name));
  }
  rot_record(node);
}

/// All that is in the log is read at a start.
void World::rot_record(Node& node) {
  const SimulatedEngine::Backup& stored = node.disk->engine().backup();
  if (stored.empty()) return;
  auto at = stored.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(disk_random_.between(0, stored.size())));
  if (at->second.empty()) return;
  const Bytes key = at->first;
  trace_.event(node.id, "rots");
  node.disk->engine().rot(key, disk_random_.between(0, at->second.size() * 8));
  node.is_rotten = true;
  node.is_lost = true;
}

/// A machine that is volatile, or behind the log's beginning, is restored from the newest complete
/// snapshot of an entry that the log has. All other files are removed or received to their end.
bool World::is_restored_from(const Node& node, const std::string& file) const {
  const DiskView& view = node.ledger.view();
  const Index applied = node.points.empty() ? Index{} : node.points.newest().applied;
  if (profile_.is_durable && applied >= view.base().last.index) return false;
  std::string newest;
  Index newest_index;
  for (const std::string& name : node.disk->files().names()) {
    const auto parsed = storage::parse_snapshot_name(name, GroupId{});
    if (!parsed || parsed->kind != storage::SnapshotName::Kind::complete) continue;
    const EntryId last = parsed->last;
    if (view.term_at(last.index) != last.term || last.index < newest_index) continue;
    newest = name;
    newest_index = last.index;
  }
  return newest == file;
}

bool World::is_up(NodeId id) const {
  const auto found = nodes_.find(id);
  return found != nodes_.end() && found->second->process != nullptr;
}

bool World::works(NodeId id) const { return replica(id) != nullptr && !nodes_.at(id)->failure; }

replica::Replica* World::replica(NodeId id) {
  return is_up(id) ? nodes_.at(id)->process->replica() : nullptr;
}

const replica::Replica* World::replica(NodeId id) const {
  return is_up(id) ? std::as_const(*nodes_.at(id)->process).replica() : nullptr;
}

std::vector<NodeId> World::ids() const {
  std::vector<NodeId> ids;
  for (const auto& [id, node] : nodes_) ids.push_back(id);
  return ids;
}

std::vector<NodeId> World::up() const {
  std::vector<NodeId> ids;
  for (const auto& [id, node] : nodes_) {
    if (node->process) ids.push_back(id);
  }
  return ids;
}

NodeId World::leader() const {
  const NodeId newest = checkers_.newest_leader();
  if (!newest || !works(newest)) return {};
  const core::Core& core = replica(newest)->core();
  return core.is_leader() && core.term() == checkers_.newest_term() ? newest : NodeId{};
}

std::optional<Index> World::executed_at(BytesView command) const {
  const auto found = executions_.find(digest_of(command));
  if (found == executions_.end()) return std::nullopt;
  return found->second;
}

void World::refused(NodeId host, const Hello& guest, const Refused& why) {
  trace_.event(host, "refuses", {guest.node.value, static_cast<std::uint64_t>(why.reason)},
               [&] { return "node " + to_string(guest.node) + ": " + why.detail; });
  if (why.reason != Refusal::rolled_back) return;  // The guest may be nobody of ours.
  const Node& other = *nodes_.at(guest.node);
  // A greeting of an earlier life may arrive when a newer one has been seen.
  const bool is_late = !other.process || other.process->identity().boot != guest.boot ||
                       other.instance != guest.instance;
  if (!other.is_lost && !is_late)
    checkers_.violated("refusal", "refused for no reason: " + why.detail);
}

std::uint64_t World::seed_for(NodeId id, std::uint64_t life) const {
  return profile_.seed * 1000 + id.value * 100 + life;
}

}  // namespace raft::sim
