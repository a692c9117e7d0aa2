#include "core/cluster.hpp"

#include <algorithm>

#include "core/describe.hpp"

namespace raft::test {
namespace {

constexpr std::size_t messages_per_settle_max = 20'000;
constexpr std::size_t turns_per_input_max = 1'000;

Command command_of(std::string bytes) {
  Command command;
  command.bytes = std::move(bytes);
  return command;
}

}  // namespace

Cluster::Cluster(Setup setup) : setup_(std::move(setup)), now_(setup_.clock), random_(setup_.seed) {
  auto founding = std::make_shared<Membership>();
  const auto add = [&](const std::vector<NodeId>& ids, Role role) {
    for (const NodeId id : ids) {
      founding->members.push_back({id, instance(id), "node-" + to_string(id), role, false, {}});
    }
  };
  add(setup_.voters, Role::voter);
  add(setup_.learners, Role::learner);
  std::sort(founding->members.begin(), founding->members.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  SnapshotMeta base{{}, {}, {{}, founding}};
  for (const Member& member : founding->members) add_node(member.id, base);
  base.membership.membership = std::make_shared<Membership>();
  for (const NodeId id : setup_.strangers) add_node(id, base);
  for (auto& [id, node] : nodes_) start(node);
}

void Cluster::add_node(NodeId id, const SnapshotMeta& base) {
  core::Options options;
  options.id = id;
  options.instance = {id.value, 1};
  options.seed = setup_.seed * 100 + id.value;
  options.timing = setup_.timing;
  options.limits = setup_.limits;
  options.pre_vote = setup_.pre_vote && !setup_.without_pre_vote.contains(id);
  options.check_quorum = setup_.check_quorum;
  options.lease_reads = setup_.lease_reads;
  Node& node = nodes_.emplace(id, Node(options, ModelDisk(base))).first->second;
  write_initial_log(id, node);
}

void Cluster::write_initial_log(NodeId id, Node& node) {
  PersistWork work;
  work.hard_state = HardState{};
  for (const std::uint64_t term : setup_.logs[id]) {
    const EntryId entry_id{{term}, {work.entries.size() + 1}};
    EntryPtr& entry = initial_entries_[entry_id];
    if (!entry) {
      entry = std::make_shared<Entry>(
          Entry{entry_id.term, entry_id.index, {}, command_of(to_string(entry_id))});
    }
    work.entries.push_back(entry);
    work.hard_state->term = entry_id.term;
  }
  if (const auto term = setup_.terms.find(id); term != setup_.terms.end()) {
    work.hard_state->term = {term->second};
  }
  safety_.writes(view(node), work);
  node.disk.write(work);
}

void Cluster::start(Node& node) {
  ++node.options.boot.value;
  node.previous = {};
  const auto on_disk = [&](const MachineSnapshot& snapshot) {
    return node.disk.term_at(snapshot.meta.last.index) == snapshot.meta.last.term;
  };
  const auto newest = std::find_if(node.snapshots.rbegin(), node.snapshots.rend(), on_disk);
  node.applied = newest == node.snapshots.rend() ? std::vector<EntryPtr>{} : newest->applied;
  node.core = std::make_unique<core::Core>(
      node.options, core::Recovered{node.disk.recover(), {node.applied.size()}}, now_);
  safety_.restarts(view(node));
  feed(node, [](core::Core&) {});
}

// --- time ---

void Cluster::tick(NodeId id, Duration duration) {
  const Instant end = now_ + duration;
  do {
    now_ = std::min(end, now_ + setup_.timing.tick);
    feed(live(id), [&](core::Core& core) { core.tick(now_); });
  } while (now_ < end);
}

void Cluster::run_for(Duration duration) {
  const Instant end = now_ + duration;
  while (now_ < end) {
    now_ = std::min(end, now_ + setup_.timing.tick);
    for (auto& [id, node] : nodes_) {
      if (node.core) feed(node, [&](core::Core& core) { core.tick(now_); });
    }
    settle();
  }
}

bool Cluster::run_until(const std::function<bool()>& condition, Duration limit) {
  const Instant end = now_ + limit;
  while (!condition()) {
    if (now_ >= end) return false;
    run_for(setup_.timing.tick);
  }
  return true;
}

// --- inputs ---

void Cluster::campaign(NodeId id) {
  now_ = std::max(now_, live(id).core->election_deadline());
  feed(live(id), [&](core::Core& core) { core.tick(now_); });
}

void Cluster::elect(NodeId id) {
  for (int tries = 0; tries < 100; ++tries) {
    campaign(id);
    settle();
    if (core(id).is_leader()) return;
  }
  throw Violation("V1: node " + to_string(id) + " is never elected");
}

Result<EntryId> Cluster::propose(NodeId id, const std::string& command) {
  Result<EntryId> result = Errc::stopped;
  feed(live(id), [&](core::Core& core) { result = core.propose(command_of(command), now_); });
  return result;
}

Result<EntryId> Cluster::change(NodeId id, const MembershipChange& change) {
  Result<EntryId> result = Errc::stopped;
  feed(live(id), [&](core::Core& core) { result = core.change_membership(change, now_); });
  return result;
}

Result<std::uint64_t> Cluster::read(NodeId id, bool lease) {
  Result<std::uint64_t> result = Errc::stopped;
  feed(live(id), [&](core::Core& core) {
    result = core.request_read(lease, now_);
    if (result) safety_.asks_read(id, *result);
  });
  return result;
}

Result<NodeId> Cluster::transfer(NodeId id, NodeId target) {
  Result<NodeId> result = Errc::stopped;
  feed(live(id), [&](core::Core& core) { result = core.transfer_leadership(target, now_); });
  return result;
}

void Cluster::disconnect(NodeId a, NodeId b) {
  drop(a, b);
  drop(b, a);
  disconnected_.insert({a, b});
  disconnected_.insert({b, a});
  if (is_up(a)) lose_peer(a, b);
  if (is_up(b)) lose_peer(b, a);
}

void Cluster::connect(NodeId a, NodeId b) {
  disconnected_.erase({a, b});
  disconnected_.erase({b, a});
  feed(live(a), [&](core::Core& core) { core.peer_connected(b, now_); });
  feed(live(b), [&](core::Core& core) { core.peer_connected(a, now_); });
}

void Cluster::lose_peer(NodeId id, NodeId peer) {
  feed(live(id), [&](core::Core& core) { core.peer_lost(peer, now_); });
}

void Cluster::begin_turn(NodeId id) { live(id).in_turn = true; }

void Cluster::end_turn(NodeId id) {
  live(id).in_turn = false;
  feed(live(id), [](core::Core&) {});
}

// --- the network ---

void Cluster::settle() {
  std::size_t delivered = 0;
  while (deliver_one() || move_transfers()) {
    if (++delivered > messages_per_settle_max) throw Violation("V9: messages without an end");
  }
}

bool Cluster::settle_until(const std::function<bool()>& condition) {
  settle();
  return condition() || (setup_.drop_percent > 0 && run_until(condition));
}

bool Cluster::deliver_one() {
  const auto next = std::find_if(network_.begin(), network_.end(), [&](const Message& message) {
    return !held_.contains({message.from, message.to});
  });
  if (next == network_.end()) return false;
  const Message message = *next;
  network_.erase(next);
  if (loses()) {
    trace("lost: " + describe(message));
    return true;
  }
  receive(message);
  if (loses()) receive(message);
  return true;
}

void Cluster::deliver(NodeId from, NodeId to) {
  for (const Message& message : take(from, to)) receive(message);
}

void Cluster::inject(const Message& message) { receive(message); }

std::vector<Message> Cluster::in_flight(NodeId from, NodeId to) const {
  std::vector<Message> found;
  for (const Message& message : network_) {
    if (message.from == from && message.to == to) found.push_back(message);
  }
  return found;
}

std::vector<Message> Cluster::take(NodeId from, NodeId to) {
  std::vector<Message> taken = in_flight(from, to);
  std::erase_if(network_,
                [&](const Message& message) { return message.from == from && message.to == to; });
  return taken;
}

void Cluster::duplicate(NodeId from, NodeId to) {
  std::deque<Message> doubled;
  for (const Message& message : network_) {
    doubled.push_back(message);
    if (message.from == from && message.to == to) doubled.push_back(message);
  }
  network_ = std::move(doubled);
}

void Cluster::reverse(NodeId from, NodeId to) {
  std::vector<Message> taken = take(from, to);
  network_.insert(network_.end(), taken.rbegin(), taken.rend());
}

void Cluster::isolate(NodeId id) {
  for (const auto& [other, node] : nodes_) {
    cut(id, other);
    cut(other, id);
  }
}

void Cluster::partition(const std::vector<std::vector<NodeId>>& sides) {
  heal();
  for (const NodeId from : ids()) {
    for (const NodeId to : ids()) {
      const auto has_both = [&](const std::vector<NodeId>& side) {
        return std::count(side.begin(), side.end(), from) > 0 &&
               std::count(side.begin(), side.end(), to) > 0;
      };
      if (std::none_of(sides.begin(), sides.end(), has_both)) cut(from, to);
    }
  }
}

bool Cluster::is_broken(NodeId from, NodeId to) const {
  return cut_.contains({from, to}) || disconnected_.contains({from, to});
}

bool Cluster::loses() {
  return setup_.drop_percent > 0 && random_.between(0, 100) < setup_.drop_percent;
}

void Cluster::receive(const Message& message) {
  const auto found = nodes_.find(message.to);
  const bool arrives =
      found != nodes_.end() && found->second.core && !cut_.contains({message.from, message.to});
  if (!arrives) {
    trace("lost: " + describe(message));
    return;
  }
  const HardState before = found->second.core->hard_state();
  feed(found->second, [&](core::Core& core) { core.receive(message, now_); });
  if (std::holds_alternative<PreVoteRequest>(message.body) &&
      (found->second.core->term() != before.term ||
       found->second.core->hard_state().vote != before.vote)) {
    throw Violation("E9: a pre-vote left a trace | " + describe(message));
  }
}

// --- turns ---

void Cluster::feed(Node& node, const std::function<void(core::Core&)>& input) {
  input(*node.core);
  if (node.in_turn) return;
  pump(node);
  check_step(node);
}

// What is carried out promptly comes back as an input of the same turn.
void Cluster::pump(Node& node) {
  std::size_t turns = 0;
  do {
    if (++turns > turns_per_input_max) throw Violation("V9: a turn without an end");
    carry_out(node, node.core->take_ready(now_));
  } while (node.core->has_ready());
}

void Cluster::carry_out(Node& node, core::Ready ready) {
  const NodeId id = node.options.id;
  for (const core::Note& note : ready.notes) {
    node.notes.push_back(note);
    trace(to_string(id) + ": " + core::describe(note));
  }
  for (const Message& message : ready.send) send(node, message);
  if (ready.persist) {
    if (node.disk_held) trace(to_string(id) + ": waits, " + core::describe(*ready.persist));
    node.batches.push_back(std::move(*ready.persist));
  }
  if (ready.restore) node.work.push_back({ready.restore, nullptr});
  for (EntryPtr& entry : ready.apply) node.work.push_back({std::nullopt, std::move(entry)});
  for (const core::ReadGrant& read : ready.reads) {
    if (read.index) safety_.answers_read(id, read.ticket, *read.index);
    trace(to_string(id) + ": read " + std::to_string(read.ticket) +
          (read.index ? " at " + to_string(*read.index) : " fails"));
    node.grants[read.ticket] = read.index;
  }
  for (const core::LogFetch& fetch : ready.fetch) {
    node.fetches.push_back({fetch, node.disk.read(fetch.first, fetch.last, fetch.bytes_max)});
  }
  node.snapshot_sends.insert(node.snapshot_sends.end(), ready.snapshot_to.begin(),
                             ready.snapshot_to.end());
  if (ready.snapshot_wanted) node.transfer = ready.snapshot_wanted;
  if (!node.disk_held) write(node, node.batches.size());
  if (!node.machine_held) run_machine(node);
  if (!node.fetches_held) serve_fetches(node);
  if (!snapshots_held_) serve_snapshots(node);
}

void Cluster::send(Node& node, const Message& message) {
  const auto receiver = nodes_.find(message.to);
  std::optional<NodeView> to;
  if (receiver != nodes_.end()) to = view(receiver->second);
  safety_.leaves(view(node), to ? &*to : nullptr, message);
  node.sent.push_back(message);
  trace(describe(message));
  if (!is_broken(message.from, message.to)) network_.push_back(message);
}

void Cluster::write(Node& node, std::size_t batches) {
  std::optional<std::uint64_t> number;
  for (; batches > 0 && !node.batches.empty(); --batches) {
    const PersistWork work = std::move(node.batches.front());
    node.batches.pop_front();
    if (work.writes()) {
      safety_.writes(view(node), work);
      node.disk.write(work);
    }
    for (const Message& message : work.then_send) send(node, message);
    number = work.number;
  }
  if (number) node.core->persisted(*number, now_);
}

void Cluster::run_machine(Node& node) {
  const NodeId id = node.options.id;
  if (node.work.empty()) return;
  safety_.check(views());  // What is applied in the turn of its commit must be known by then.
  while (!node.work.empty()) {
    const MachineWork work = std::move(node.work.front());
    node.work.pop_front();
    if (work.restore) {
      const auto restored = std::find_if(
          node.snapshots.begin(), node.snapshots.end(),
          [&](const MachineSnapshot& kept) { return kept.meta.last == work.restore->last; });
      if (restored == node.snapshots.end()) throw Violation("P4: installed what is not on disk");
      if (restored->applied.size() < node.applied.size()) throw Violation("P2: restores the past");
      node.applied = restored->applied;
      trace(to_string(id) + ": restores " + to_string(work.restore->last));
      continue;
    }
    if (work.entry->index.value != node.applied.size() + 1) {
      throw Violation("C7: node " + to_string(id) + " applies " + to_string(work.entry->index));
    }
    safety_.applies(id, *work.entry);
    node.applied.push_back(work.entry);
  }
  node.core->applied({node.applied.size()});
}

void Cluster::serve_fetches(Node& node) {
  while (!node.fetches.empty()) {
    FetchWork work = std::move(node.fetches.front());
    node.fetches.pop_front();
    node.core->fetched(work.fetch, std::move(work.entries), now_);
  }
}

void Cluster::check_step(Node& node) {
  if (auto broken = core::check_invariants(*node.core, node.previous)) throw Violation(*broken);
  safety_.check(views());
}

// --- disks, machines and lives ---

void Cluster::hold_disk(NodeId id) { node(id).disk_held = true; }

void Cluster::persist(NodeId id, std::size_t batches) {
  feed(live(id), [&](core::Core&) { write(live(id), batches); });
}

void Cluster::release_disk(NodeId id) {
  node(id).disk_held = false;
  if (is_up(id)) persist(id);
}

std::size_t Cluster::waiting_batches(NodeId id) const { return node(id).batches.size(); }

void Cluster::hold_machine(NodeId id) { node(id).machine_held = true; }

void Cluster::apply(NodeId id) {
  feed(live(id), [&](core::Core&) { run_machine(live(id)); });
}

void Cluster::release_machine(NodeId id) {
  node(id).machine_held = false;
  if (is_up(id)) apply(id);
}

void Cluster::hold_fetches(NodeId id) { node(id).fetches_held = true; }

void Cluster::fetch(NodeId id) {
  node(id).fetches_held = false;
  feed(live(id), [&](core::Core&) { serve_fetches(live(id)); });
}

void Cluster::crash(NodeId id) {
  Node& node = live(id);
  node.core.reset();
  node.in_turn = node.disk_held = node.machine_held = node.fetches_held = false;
  node.batches.clear();
  node.work.clear();
  node.applied.clear();
  node.fetches.clear();
  node.snapshot_sends.clear();
  node.transfer.reset();
  node.grants.clear();
}

void Cluster::restart(NodeId id) {
  if (is_up(id)) crash(id);
  start(node(id));
}

void Cluster::restart_wiped(NodeId id) {
  if (is_up(id)) crash(id);
  Node& wiped = node(id);
  wiped.disk = ModelDisk({{}, {}, {{}, std::make_shared<Membership>()}});
  wiped.snapshots.clear();
  ++wiped.options.instance.low;
  wiped.options.boot = {};
  safety_.forgets(id);
  start(wiped);
}

bool Cluster::is_up(NodeId id) const { return node(id).core != nullptr; }

// --- snapshots ---

SnapshotMeta Cluster::take_snapshot(NodeId id) {
  Node& taker = live(id);
  const Index at{taker.applied.size()};
  const core::Log& log = taker.core->log();
  const LogTime time = taker.applied.empty() ? LogTime{} : taker.applied.back()->time;
  SnapshotMeta meta{{log.term_at(at).value(), at}, time, log.membership_at(at)};
  if (taker.snapshots.empty() || taker.snapshots.back().meta.last.index < at) {
    taker.snapshots.push_back({meta, taker.applied});
  }
  return meta;
}

void Cluster::compact(NodeId id, std::optional<Index> upto) {
  Node& compacted = live(id);
  take_snapshot(id);
  const Index end = std::min({upto.value_or(Index{compacted.applied.size()}),
                              compacted.core->applied_index(), compacted.core->compaction_limit()});
  if (end <= compacted.disk.base().last.index) return;
  const core::Log& log = compacted.core->log();
  const SnapshotMeta base{{log.term_at(end).value(), end},
                          compacted.applied[end.value - 1]->time,
                          log.membership_at(end)};
  compacted.disk.erase_up_to(base);
  trace(to_string(id) + ": base " + to_string(base.last));
  feed(compacted, [&](core::Core& core) { core.compacted(base); });
}

void Cluster::hold_snapshots() { snapshots_held_ = true; }

void Cluster::release_snapshots() {
  snapshots_held_ = false;
  for (auto& [id, node] : nodes_) {
    if (!node.core) continue;
    feed(node, [&, &held = node](core::Core&) { serve_snapshots(held); });
  }
}

const std::deque<core::SnapshotSend>& Cluster::snapshots_wanted(NodeId id) const {
  return node(id).snapshot_sends;
}

void Cluster::serve_snapshots(Node& node) {
  while (!node.snapshot_sends.empty()) {
    const core::SnapshotSend wanted = node.snapshot_sends.front();
    node.snapshot_sends.pop_front();
    if (node.snapshots.empty() || node.snapshots.back().meta.last.index < wanted.minimum) {
      take_snapshot(node.options.id);
    }
    const SnapshotInfo info{node.snapshots.back().meta, 1000, 0};
    node.core->offer_snapshot(wanted.to, info, now_);
  }
}

void Cluster::offer_snapshot(NodeId from, NodeId to, std::optional<SnapshotMeta> meta) {
  Node& sender = live(from);
  std::erase_if(sender.snapshot_sends, [&](const core::SnapshotSend& s) { return s.to == to; });
  const SnapshotInfo info{meta ? *meta : take_snapshot(from), 1000, 0};
  feed(sender, [&](core::Core& core) { core.offer_snapshot(to, info, now_); });
}

void Cluster::refuse_snapshot(NodeId from, NodeId to) {
  Node& sender = live(from);
  std::erase_if(sender.snapshot_sends, [&](const core::SnapshotSend& s) { return s.to == to; });
  feed(sender, [&](core::Core& core) { core.snapshot_failed(to, now_); });
}

const std::optional<core::SnapshotWanted>& Cluster::transfer_to(NodeId id) const {
  return node(id).transfer;
}

bool Cluster::move_transfers() {
  if (snapshots_held_) return false;
  for (auto& [id, node] : nodes_) {
    if (!node.core || !node.transfer) continue;
    const NodeId from = node.transfer->from;
    if (!is_up(from) || is_broken(from, id) || is_broken(id, from)) continue;
    finish_transfer(id);
    return true;
  }
  return false;
}

// The file is complete and synced before the core hears of it.
void Cluster::finish_transfer(NodeId id, bool complete) {
  Node& receiver = live(id);
  if (!receiver.transfer) throw Violation("no snapshot is on its way to " + to_string(id));
  const core::SnapshotWanted wanted = *std::exchange(receiver.transfer, std::nullopt);
  if (complete) {
    const auto& kept = node(wanted.from).snapshots;
    const auto sent = std::find_if(kept.begin(), kept.end(), [&](const MachineSnapshot& snapshot) {
      return snapshot.meta.last == wanted.snapshot.meta.last;
    });
    if (sent == kept.end()) throw Violation("P1: offers a snapshot that it does not have");
    receiver.snapshots.push_back(*sent);
  }
  feed(receiver, [&](core::Core& core) { core.snapshot_received(wanted, complete, now_); });
}

// --- what is seen ---

Cluster::Node& Cluster::node(NodeId id) { return nodes_.at(id); }

const Cluster::Node& Cluster::node(NodeId id) const { return nodes_.at(id); }

Cluster::Node& Cluster::live(NodeId id) {
  Node& found = node(id);
  if (!found.core) throw Violation("node " + to_string(id) + " is down");
  return found;
}

NodeView Cluster::view(const Node& node) const {
  return {node.options.id, node.options.instance, &node.disk, node.core.get()};
}

std::vector<NodeView> Cluster::views() const {
  std::vector<NodeView> all;
  for (const auto& [id, node] : nodes_) all.push_back(view(node));
  return all;
}

const core::Core& Cluster::core(NodeId id) const {
  if (!is_up(id)) throw Violation("node " + to_string(id) + " is down");
  return *node(id).core;
}

const ModelDisk& Cluster::disk(NodeId id) const { return node(id).disk; }

std::vector<NodeId> Cluster::ids() const {
  std::vector<NodeId> all;
  for (const auto& [id, node] : nodes_) all.push_back(id);
  return all;
}

NodeId Cluster::leader() const {
  NodeId found;
  for (const auto& [id, node] : nodes_) {
    if (!node.core || !node.core->is_leader()) continue;
    if (!found || node.core->term() > core(found).term()) found = id;
  }
  return found;
}

std::string Cluster::machine(NodeId id) const {
  std::string text;
  for (const EntryPtr& entry : node(id).applied) {
    if (const Command* command = entry->command()) {
      text += (text.empty() ? "" : " ") + command->bytes;
    }
  }
  return text;
}

Index Cluster::applied(NodeId id) const { return {node(id).applied.size()}; }

std::string Cluster::log_terms(NodeId id) const {
  std::string text;
  const core::Log& log = core(id).log();
  for (Index at = log.first_index(); at <= log.last_index(); at = at.next()) {
    text += (text.empty() ? "" : " ") + to_string(*log.term_at(at));
  }
  return text;
}

const std::map<std::uint64_t, std::optional<Index>>& Cluster::grants(NodeId id) const {
  return node(id).grants;
}

std::size_t Cluster::count(NodeId id, core::NoteKind kind) const {
  const auto& notes = node(id).notes;
  return static_cast<std::size_t>(std::count_if(
      notes.begin(), notes.end(), [&](const core::Note& note) { return note.kind == kind; }));
}

void Cluster::forget_notes() {
  for (auto& [id, node] : nodes_) {
    node.notes.clear();
    node.sent.clear();
  }
}

bool Cluster::is_converged() const {
  const NodeId lead = leader();
  if (!lead) return false;
  const Index last = core(lead).log().last_index();
  const Membership& membership = *core(lead).membership().membership;
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& item) {
    const auto& [id, each] = item;
    if (!each.core || !membership.names(id, each.options.instance)) return true;
    return each.core->commit() == last && each.applied.size() == last.value;
  });
}

Member Cluster::member(NodeId id) const {
  return {id, instance(id), "node-" + to_string(id), Role::voter, false, {}};
}

InstanceId Cluster::instance(NodeId id) const {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? InstanceId{id.value, 1} : found->second.options.instance;
}

void Cluster::trace(const std::string& line) const {
  if (trace_) trace_(line);
}

}  // namespace raft::test
