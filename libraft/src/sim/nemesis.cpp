#include "sim/nemesis.hpp"

#include <algorithm>
#include <utility>

namespace raft::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// The clients need about so long for each operation.
constexpr Duration time_per_operation = milliseconds(20);
constexpr Duration time_between_actions = milliseconds(120);
/// Some runs are slow: what lasts is not ended by the next thing that happens, and a cut leader
/// stays cut for many election timeouts.
constexpr std::uint64_t slow_pace = 6;

/// A kind of action, how often it is drawn, and the fault that it brings.
struct Choice {
  ActionKind kind;
  Fault fault;
  std::uint64_t weight;
};

constexpr Choice choices[] = {
    {ActionKind::set_rate, Fault::delay, 3},
    {ActionKind::set_rate, Fault::drop, 3},
    {ActionKind::set_rate, Fault::duplicate, 3},
    {ActionKind::set_rate, Fault::late_replay, 3},
    {ActionKind::set_rate, Fault::reorder, 3},
    {ActionKind::set_rate, Fault::reset, 2},
    {ActionKind::set_rate, Fault::half_open, 2},
    {ActionKind::set_rate, Fault::bit_flip, 1},
    {ActionKind::reset, Fault::reset, 4},
    {ActionKind::cut, Fault::partition, 2},
    {ActionKind::partition, Fault::partition, 6},
    {ActionKind::one_way, Fault::one_way, 5},
    {ActionKind::bridge, Fault::bridge, 3},
    {ActionKind::slow_link, Fault::slow_link, 3},
    {ActionKind::crash, Fault::crash, 12},
    {ActionKind::crash_at, Fault::crash_loop, 8},
    {ActionKind::power_cut, Fault::power_cut, 2},
    {ActionKind::stop, Fault::stop, 3},
    {ActionKind::pause, Fault::pause, 6},
    {ActionKind::slow_disk, Fault::slow_disk, 3},
    {ActionKind::stall_disk, Fault::stalled_disk, 2},
    {ActionKind::fail_write, Fault::write_error, 2},
    {ActionKind::fail_sync, Fault::sync_error, 3},
    {ActionKind::fail_reads, Fault::read_error, 3},
    {ActionKind::fill_disk, Fault::no_space, 3},
    {ActionKind::rot, Fault::rot, 3},
    {ActionKind::wipe, Fault::wipe, 2},
    {ActionKind::back_up, Fault::rollback, 6},
    {ActionKind::roll_back, Fault::rollback, 3},
    {ActionKind::jump_clock, Fault::clock_jump, 3},
    {ActionKind::join, Fault::membership, 3},
    {ActionKind::remove, Fault::membership, 3},
    {ActionKind::replace, Fault::membership, 4},
    {ActionKind::regroup, Fault::membership, 3},
    {ActionKind::demote, Fault::membership, 3},
    {ActionKind::promote, Fault::membership, 3},
    {ActionKind::update, Fault::membership, 1},
    {ActionKind::transfer, Fault::transfer, 5},
    {ActionKind::snapshot, Fault::membership, 2},
    {ActionKind::burst, Fault::overload, 3},
};

std::uint64_t draw_rate(Fault fault, core::Random& random) {
  // Off again as often as not: without calm nothing goes far enough to break.
  if (random.between(0, 2) == 0) return 0;
  switch (fault) {
    case Fault::reset:
    case Fault::bit_flip:
      return random.between(1, 15);
    case Fault::half_open:
      return random.between(100, 700);
    case Fault::delay:
      return random.between(1, 60);
    default:
      return random.between(5, 300);
  }
}

std::uint64_t draw_amount(ActionKind kind, core::Random& random) {
  switch (kind) {
    case ActionKind::partition:
    case ActionKind::bridge:
      return random.between(1, 1 << 9);
    case ActionKind::slow_link:
      return random.between(500, 200'000);
    case ActionKind::crash:
    case ActionKind::stop:
      // Often it is back before anyone has noticed.
      return random.between(0, 2) == 0 ? random.between(0, 150) : random.between(0, 4000);
    case ActionKind::power_cut:
      return random.between(10, 1500);
    case ActionKind::crash_at:
      return random.between(0, 25);
    case ActionKind::pause:
      return random.between(10, 3000);
    case ActionKind::slow_disk:
      return random.between(0, 2) == 0 ? 0 : random.between(10, 300);
    case ActionKind::stall_disk:
      return random.between(1000, 6000);
    case ActionKind::fail_write:
    case ActionKind::fail_sync:
      return random.between(0, 20);
    case ActionKind::fail_reads:
      return random.between(50, 1500);
    case ActionKind::fill_disk:
      return random.between(100, 2500);
    case ActionKind::regroup:
      return random.between(0, static_cast<std::uint64_t>(Operator::Regroup::count_));
    case ActionKind::jump_clock:
      return random.between(10, 2000);
    case ActionKind::burst:
      return random.between(10, 80);
    default:
      return 0;
  }
}

Action draw_action(const Choice& choice, std::uint64_t nodes, core::Random& random) {
  Action action;
  action.kind = choice.kind;
  // The leader is the node whose loss matters most.
  if (random.between(0, 3) != 0) action.node = NodeId{random.between(1, nodes + 3)};
  action.other = NodeId{random.between(1, nodes + 2)};
  if (choice.kind == ActionKind::one_way && random.between(0, 2) == 0) action.other = NodeId{};
  if (choice.kind == ActionKind::set_rate) {
    action.other = NodeId{static_cast<std::uint64_t>(choice.fault)};
    action.amount = draw_rate(choice.fault, random);
  } else {
    action.amount = draw_amount(choice.kind, random);
  }
  return action;
}

bool is_of_the_network(ActionKind kind) { return kind <= ActionKind::slow_link; }

}  // namespace

Schedule draw_schedule(const Profile& profile) {
  core::Random random(profile.seed * 16 + 7);
  std::vector<Choice> allowed;
  std::uint64_t weight = 0;
  for (const Choice& choice : choices) {
    if (!profile.has(choice.fault)) continue;
    allowed.push_back(choice);
    weight += choice.weight;
  }
  Schedule schedule;
  if (allowed.empty()) return schedule;
  const Duration end = time_per_operation * static_cast<std::int64_t>(profile.operations);
  std::uint64_t gap = 2 * std::chrono::duration_cast<microseconds>(time_between_actions).count();
  if (random.between(0, 3) == 0) gap *= slow_pace;
  Duration at = microseconds(random.between(0, gap));
  while (at < end) {
    std::uint64_t drawn = random.between(0, weight);
    const auto choice = std::find_if(allowed.begin(), allowed.end(), [&](const Choice& one) {
      if (drawn < one.weight) return true;
      drawn -= one.weight;
      return false;
    });
    Action action = draw_action(*choice, profile.nodes, random);
    action.at = at;
    schedule.push_back(action);
    if (is_of_the_network(action.kind) && action.kind != ActionKind::set_rate) {
      // It does not last.
      Action heal;
      heal.at = at + milliseconds(random.between(50, 3500));
      schedule.push_back(heal);
    }
    at += microseconds(random.between(0, gap));
  }
  std::stable_sort(schedule.begin(), schedule.end(),
                   [](const Action& a, const Action& b) { return a.at < b.at; });
  return schedule;
}

void Nemesis::follow(const Schedule& schedule) {
  for (const Action& action : schedule) {
    world_.events().from_outside(action.at, [this, action] {
      if (!has_stopped_ && world_.now() >= truce_until_) perform(action);
    });
  }
}

void Nemesis::perform(const Action& action) {
  const NodeId node = action.node ? action.node : world_.leader();
  const bool exists = node && node.value <= world_.ids().size();
  world_.trace().event(node, "nemesis", {static_cast<std::uint64_t>(action.kind)},
                       [&] { return to_string(action); });
  const auto millis = milliseconds(action.amount);
  Network& network = world_.network();
  switch (action.kind) {
    case ActionKind::set_rate:
      return set_rate(static_cast<Fault>(action.other.value), action.amount);
    case ActionKind::partition:
      return block_between(action.amount, NodeId{});
    case ActionKind::heal:
      return network.heal_all();
    case ActionKind::power_cut:
      if (!world_.up().empty()) world_.effects().hit(Fault::power_cut);
      for (const NodeId id : world_.up()) {
        world_.crash(id);
        start_later(id, millis * static_cast<int>(id.value) / 4);
      }
      return;
    case ActionKind::join:
      return operator_.join_new();
    case ActionKind::transfer:
      return operator_.transfer(action.node);
    default:
      break;
  }
  if (!exists) return;
  switch (action.kind) {
    case ActionKind::bridge:
      return block_between(action.amount, node);
    case ActionKind::one_way:
      for (const NodeId id : world_.ids()) {
        if (id != node && (!action.other || id == action.other)) network.block(node, id);
      }
      return;
    case ActionKind::reset:
      if (action.other != node) network.reset(node, action.other);
      return;
    case ActionKind::cut:
      if (action.other != node) network.cut(node, action.other);
      return;
    case ActionKind::slow_link:
      if (action.other != node) network.limit(node, action.other, action.amount);
      return;
    case ActionKind::remove:
      return operator_.remove(node);
    case ActionKind::replace:
      return operator_.replace(node);
    case ActionKind::regroup:
      return operator_.regroup(node, static_cast<Operator::Regroup>(action.amount));
    case ActionKind::demote:
      return operator_.demote(node);
    case ActionKind::promote:
      return operator_.promote(node);
    case ActionKind::update:
      return operator_.update(node);
    case ActionKind::snapshot:
      return operator_.take_snapshot(node);
    case ActionKind::rot:
    case ActionKind::wipe:
    case ActionKind::roll_back:
      return lose(action, node);
    case ActionKind::fail_reads:
      return fail_reads(node, millis);
    case ActionKind::fill_disk:
      return fill_disk(node, millis);
    case ActionKind::slow_disk:
      world_.node(node).disk_weather.slow = action.amount;
      return;
    case ActionKind::stall_disk:
      world_.node(node).disk_weather.stalled_until = world_.now() + millis;
      return;
    case ActionKind::jump_clock:
      world_.node(node).clock.jump(world_.now(), millis);
      world_.node(node).has_jumped = world_.is_up(node);
      return;
    default:
      break;
  }
  if (!world_.is_up(node)) return;
  switch (action.kind) {
    case ActionKind::crash:
      world_.crash(node);
      return start_later(node, millis);
    case ActionKind::crash_at:
      world_.node(node).disk->faults().power_off_after(action.amount);
      return start_later(node, milliseconds(1500));
    case ActionKind::stop:
      world_.stop(node);
      return start_later(node, millis);
    case ActionKind::pause:
      return world_.pause(node, millis);
    case ActionKind::fail_write:
      return world_.node(node).disk->faults().fail_write_after(action.amount);
    case ActionKind::fail_sync:
      return world_.node(node).disk->faults().fail_sync_after(action.amount,
                                                              action.other.value % 2 == 0);
    case ActionKind::back_up:
      return world_.back_up(node);
    case ActionKind::burst:
      return clients_.flood(node, action.amount);
    default:
      return;
  }
}

void Nemesis::set_rate(Fault fault, std::uint64_t permille) {
  NetworkWeather weather = world_.network().weather();
  switch (fault) {
    case Fault::delay:
      weather.delay = permille;
      break;
    case Fault::drop:
      weather.drop = permille;
      break;
    case Fault::duplicate:
      weather.duplicate = permille;
      break;
    case Fault::late_replay:
      weather.late_replay = permille;
      break;
    case Fault::reorder:
      weather.reorder = permille;
      break;
    case Fault::reset:
      weather.reset = permille;
      break;
    case Fault::half_open:
      weather.half_open = permille;
      break;
    case Fault::bit_flip:
      weather.bit_flip = permille;
      break;
    default:
      break;
  }
  world_.network().set_weather(weather);
}

void Nemesis::block_between(std::uint64_t side, NodeId common) {
  const auto is_inside = [&](NodeId id) { return ((side >> (id.value - 1)) & 1) != 0; };
  for (const NodeId a : world_.ids()) {
    for (const NodeId b : world_.ids()) {
      if (a == common || b == common || is_inside(a) == is_inside(b)) continue;
      world_.network().block(a, b, static_cast<bool>(common));
    }
  }
}

void Nemesis::fail_reads(NodeId id, Duration duration) {
  world_.node(id).disk->faults().set_reads_fail(true);
  world_.later(duration, [this, id] { world_.node(id).disk->faults().set_reads_fail(false); });
}

void Nemesis::fill_disk(NodeId id, Duration duration) {
  Node& node = world_.node(id);
  node.disk->faults().set_full(true);
  node.disk_weather.is_full = true;
  world_.later(duration, [this, id] {
    Node& again = world_.node(id);
    again.disk->faults().set_full(false);
    again.disk_weather.is_full = false;
  });
}

void Nemesis::start_later(NodeId id, Duration delay) {
  world_.later(delay, [this, id] {
    if (abandoned_.contains(id)) return;
    if (!world_.is_up(id) && !world_.node(id).is_lost) operator_.start(id);
  });
}

void Nemesis::lose(const Action& action, NodeId id) {
  if (world_.node(id).is_lost) return;
  const bool is_borne = operator_.can_lose(id);
  if (action.kind == ActionKind::roll_back) return is_borne ? roll_back(id) : void();
  if (!is_borne && !world_.profile().is_over_limit) return;
  if (!is_borne) world_.effects().hit(Fault::over_limit);
  take_directory(action, id);
  if (!world_.profile().is_over_limit) return;
  // One by one they would be replaced in time.
  for (const NodeId other : world_.ids()) {
    const bool is_struck = other != id && other.value % 2 == id.value % 2;
    if (!is_struck || world_.node(other).is_lost) continue;
    if (!operator_.can_lose(other)) world_.effects().hit(Fault::over_limit);
    take_directory(action, other);
  }
}

void Nemesis::take_directory(const Action& action, NodeId id) {
  if (world_.is_up(id)) world_.crash(id);
  if (action.kind == ActionKind::rot) {
    world_.rot(id);
    return operator_.start(id);
  }
  // Whoever comes back with an empty directory under its old id is told to be removed first.
  world_.effects().hit(Fault::wipe);
  world_.wipe(id);
  operator_.start(id);
}

// What an old copy may have forgotten can only be noticed by those who remember: everyone else is
// there and reachable when it comes back, and nothing happens to them before it was turned away.
void Nemesis::roll_back(NodeId id) {
  const std::vector<NodeId> ids = world_.ids();
  const bool all_remember = std::all_of(ids.begin(), ids.end(), [&](NodeId other) {
    return other == id || (world_.works(other) && world_.node(other).paused_until <= world_.now());
  });
  if (!all_remember || !world_.roll_back(id)) return;
  world_.network().heal_all();
  truce_until_ = world_.now() + seconds(3);
  operator_.start(id);
  world_.later(seconds(3), [this, id] {
    if (world_.is_up(id) && world_.node(id).is_lost) world_.crash(id);
  });
}

void Nemesis::stop(const std::set<NodeId>& abandoned) {
  has_stopped_ = true;
  abandoned_ = abandoned;
  world_.network().set_weather({});
  world_.network().heal_all();
  for (const NodeId id : world_.ids()) {
    if (abandoned.contains(id)) continue;
    Node& node = world_.node(id);
    node.disk_weather = {};
    node.disk->faults().set_full(false);
    node.disk->faults().forget();
    node.clock.run_right(world_.now());
  }
}

}  // namespace raft::sim
