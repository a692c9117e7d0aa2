#include "sim/checkers_lab.hpp"

#include <algorithm>
#include <utility>

#include "sim/checkers/logs.hpp"

namespace raft::sim {
namespace {

EntryPtr entry_of(std::uint64_t term, std::uint64_t index, EntryBody body) {
  return std::make_shared<const Entry>(Entry{Term{term}, Index{index}, {}, std::move(body)});
}

core::Options options_of(std::uint64_t node, bool lease_reads) {
  core::Options options;
  options.id = NodeId{node};
  options.instance = Lab::instance(node);
  options.boot = BootNumber{1};
  options.seed = node;
  options.pre_vote = false;
  options.lease_reads = lease_reads;
  return options;
}

}  // namespace

// --- storage ---

void LabStorage::write(const PersistWork& work, bool, Done) {
  if (work.base) entries_.clear();
  if (work.entries.empty()) return;
  entries_.erase(entries_.lower_bound(work.entries.front()->index), entries_.end());
  for (const EntryPtr& entry : work.entries) entries_[entry->index] = entry;
}

Result<std::vector<EntryPtr>> LabStorage::read(Index first, Index last, std::size_t) const {
  std::vector<EntryPtr> found;
  for (auto at = entries_.lower_bound(first); at != entries_.end() && at->first <= last; ++at) {
    found.push_back(at->second);
  }
  return found;
}

// --- lab ---

MembershipPtr Lab::voters(const std::vector<std::uint64_t>& ids) {
  Membership membership;
  for (const std::uint64_t id : ids) {
    membership.members.push_back(
        {NodeId{id}, instance(id), "n" + std::to_string(id), Role::voter, false, {}});
  }
  return std::make_shared<const Membership>(std::move(membership));
}

Lab::Lab(const Start& start) : lease_reads_(start.lease_reads) {
  for (const std::uint64_t id : {1u, 2u, 3u}) {
    write(id, work_of(start));
    bench(id).core = make_core(id, bench(id), {});
    checkers_.life_begins(view(id), Duration{0});
    turn(id);
  }
}

PersistWork Lab::work_of(const Start& start) const {
  PersistWork work;
  work.entries.push_back(entry_of(1, 1, voters({1, 2, 3})));
  std::uint64_t index = 1;
  for (const std::uint64_t term : start.terms) {
    ++index;
    work.entries.push_back(entry_of(term, index, command("entry " + std::to_string(index))));
  }
  work.hard_state = HardState{Term{start.term}, start.vote, Index{start.commit}, {}};
  return work;
}

std::unique_ptr<core::Core> Lab::make_core(std::uint64_t node, const Bench& from,
                                           Index applied) const {
  RecoveredLog log;
  log.hard_state = from.disk.hard_state();
  log.base = from.disk.base();
  log.last = from.disk.last().index;
  const auto entries = from.storage.read(log.base.last.index.next(), log.last, 0);
  for (const EntryPtr& entry : *entries) {
    if (log.term_runs.empty() || log.term_runs.back().term != entry->term) {
      log.term_runs.push_back({entry->index, entry->term});
    }
    if (const MembershipPtr* set = entry->membership()) {
      log.memberships.push_back({entry->index, *set});
    }
  }
  return std::make_unique<core::Core>(options_of(node, lease_reads_),
                                      core::Recovered{std::move(log), applied}, now_);
}

Checkers::View Lab::view(std::uint64_t node) {
  Bench& at = benches_[NodeId{node}];
  return {NodeId{node}, *at.core, at.disk, at.storage};
}

std::string Lab::violated() const {
  return checkers_.violation() ? checkers_.violation()->invariant : "";
}

void Lab::write(std::uint64_t node, const PersistWork& work) {
  Bench& at = benches_[NodeId{node}];
  at.storage.write(work, false, {});
  if (at.syncs) at.disk.synced(work);
}

void Lab::turn(std::uint64_t node) {
  core::Core& core = *bench(node).core;
  while (core.has_ready()) carry_out(node, core.take_ready(now_));
  look(node);
}

void Lab::carry_out(std::uint64_t node, core::Ready ready) {
  core::Core& core = *bench(node).core;
  for (const Message& message : ready.send) send(message);
  if (ready.persist) {
    write(node, *ready.persist);
    for (const Message& message : ready.persist->then_send) send(message);
    core.persisted(ready.persist->number, now_);
  }
  for (const core::LogFetch& fetch : ready.fetch) {
    core.fetched(fetch, *bench(node).storage.read(fetch.first, fetch.last, 0), now_);
  }
  for (const EntryPtr& entry : ready.apply) {
    if (const Command* command = entry->command()) {
      checkers_.applied(NodeId{node}, entry->index, fingerprint(*command), entry->index.value);
    }
  }
  if (!ready.apply.empty()) core.applied(ready.apply.back()->index);
  if (ready.restore) {
    checkers_.restored(NodeId{node}, ready.restore->last.index, ready.restore->last.index.value);
    core.applied(ready.restore->last.index);
  }
  for (const core::SnapshotSend& wanted : ready.snapshot_to) {
    core.offer_snapshot(wanted.to, {core.log().base(), 1, 1}, now_);
  }
  if (ready.snapshot_wanted) core.snapshot_received(*ready.snapshot_wanted, true, now_);
}

void Lab::send(const Message& message) {
  checkers_.sends(view(message.from.value), message);
  network_.push_back(message);
}

void Lab::deliver_all() {
  while (!network_.empty()) {
    const Message message = network_.front();
    network_.pop_front();
    if (cut.contains(message.to.value)) continue;
    receive(message.to.value, message, message);
    turn(message.to.value);
  }
}

void Lab::receive(std::uint64_t node, const Message& told, const Message& got) {
  checkers_.before_receive(view(node), told);
  bench(node).core->receive(got, now_);
  checkers_.after_receive(view(node), told);
}

void Lab::slip(std::uint64_t node, const Message& message) {
  bench(node).core->receive(message, now_);
}

void Lab::tick(std::uint64_t node) {
  bench(node).core->tick(now_);
  turn(node);
}

void Lab::elect(std::uint64_t node) {
  now_ = std::max(now_, core(node).election_deadline());
  tick(node);
  deliver_all();
}

EntryId Lab::propose(std::uint64_t node, const std::string& bytes) {
  const EntryId id = *bench(node).core->propose(command(bytes), now_);
  turn(node);
  deliver_all();
  return id;
}

void Lab::restart(std::uint64_t node) {
  Bench& at = bench(node);
  checkers_.life_ended(NodeId{node});
  at.core = make_core(node, at, at.disk.base().last.index);
  checkers_.life_begins(view(node), Duration{0});
  if (violated().empty()) turn(node);
}

SnapshotMeta Lab::compact(std::uint64_t node) {
  Bench& at = bench(node);
  const Index upto = at.core->applied_index();
  const SnapshotMeta meta{
      {*at.core->log().term_at(upto), upto}, {}, at.core->log().membership_at(upto)};
  at.disk.compacted(meta);
  at.storage.erase_up_to(upto);
  at.core->compacted(meta);
  turn(node);
  return meta;
}

Message Lab::message(std::uint64_t from, std::uint64_t to, std::uint64_t term, MessageBody body) {
  return {NodeId{from}, NodeId{to}, Term{term}, std::move(body)};
}

void Lab::replace(std::uint64_t node, const Start& start) {
  Bench other;
  const PersistWork work = work_of(start);
  other.storage.write(work, false, {});
  other.disk.synced(work);
  bench(node).storage = other.storage;
  bench(node).core = make_core(node, other, Index{start.commit});
}

void Lab::lose_disk(std::uint64_t node) {
  Bench& at = bench(node);
  at.disk = DiskView();
  at.storage = LabStorage();
  write(node, work_of({}));
}

WatchedNode Lab::watch(std::uint64_t node, Ghost& ghost) {
  WatchedNode watched;
  watched.id = NodeId{node};
  watched.instance = instance(node);
  watched.core = &core(node);
  watched.storage = &bench(node).storage;
  watched.disk = &bench(node).disk;
  watched.log.reset(core(node).log().base(), 0);
  follow_log(ghost, watched);
  watched.in_force = core(node).membership().membership;
  watched.seen = look_at(core(node));
  return watched;
}

void Lab::usurp(std::uint64_t node) {
  core::Core& core = *bench(node).core;
  now_ = std::max(now_, core.election_deadline());
  core.tick(now_);
  const core::Ready ready = core.take_ready(now_);
  write(node, *ready.persist);
  core.persisted(ready.persist->number, now_);
  const std::uint64_t other = node == 1 ? 2 : 1;
  core.receive(message(other, node, core.term().value, VoteReply{true}), now_);
}

}  // namespace raft::sim
