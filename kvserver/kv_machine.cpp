#include "kvserver/kv_machine.hpp"

#include <utility>
#include <variant>

#include "kvserver/kv_snapshot.hpp"

namespace kv {
namespace {

Index change_index_of(const std::optional<ItemView>& item) {
  return item ? item->change_index : Index{};
}

bool holds(const Condition& condition, const std::optional<ItemView>& item) {
  if (const auto* unchanged = std::get_if<Unchanged>(&condition)) {
    return change_index_of(item) == unchanged->since;  // No entry has index 0, so 0 is absence.
  }
  return std::holds_alternative<Always>(condition) || item.has_value();
}

}  // namespace

KvMachine::KvMachine(StoreEngine& engine, ChangeHistory& history, Index applied,
                     const Totals& totals)
    : engine_(engine),
      history_(history),
      applied_(applied),
      keys_(totals.keys),
      bytes_(totals.bytes) {
  history_.begin(applied);
}

Bytes KvMachine::apply(const raft::AppliedEntry& entry) {
  if (failure_) return {};
  Result<Reply> reply = Reply{Outcome::malformed, {}};
  if (const auto command = decode_command(entry.command)) {
    reply = std::visit([&](const auto& what) { return execute(what, entry.index); }, *command);
  }
  if (!reply) {
    failure_ = reply.error();
    return {};
  }
  applied_ = entry.index;
  return encode(*reply);
}

Result<Reply> KvMachine::execute(const Put& put, Index index) {
  const Result<std::optional<ItemView>> found = engine_.find(put.key);
  if (!found) return found.error();
  const std::optional<ItemView>& old = *found;
  if (!holds(put.condition, old)) {
    return Reply{Outcome::precondition_failed, change_index_of(old)};
  }
  Totals totals = this->totals();
  ItemView item{put.value, index, index, 1};
  if (old) {
    item.create_index = old->create_index;
    item.version = old->version + 1;
    totals.bytes -= old->value.size();
  } else {
    ++totals.keys;
    totals.bytes += put.key.size();
  }
  totals.bytes += put.value.size();
  const Outcome outcome = old ? Outcome::replaced : Outcome::created;
  engine_.put(put.key, item);  // The old item's view ends here.
  history_.add({index, Bytes(put.key), item.copy()});
  set_totals(totals);
  return Reply{outcome, index};
}

Result<Reply> KvMachine::execute(const Delete& command, Index index) {
  const Result<std::optional<ItemView>> found = engine_.find(command.key);
  if (!found) return found.error();
  const std::optional<ItemView>& old = *found;
  if (!holds(command.condition, old)) {
    return Reply{Outcome::precondition_failed, change_index_of(old)};
  }
  if (!old) return Reply{Outcome::not_found, {}};
  Totals totals = this->totals();
  --totals.keys;
  totals.bytes -= command.key.size() + old->value.size();
  engine_.erase(command.key);
  history_.add({index, Bytes(command.key), std::nullopt});
  set_totals(totals);
  return Reply{Outcome::deleted, index};
}

std::unique_ptr<raft::SnapshotReader> KvMachine::capture(Index applied) const {
  return make_snapshot_stream(engine_.capture(), applied);
}

Result<void> KvMachine::restore(raft::SnapshotReader& snapshot, Index applied,
                                std::span<const raft::MetaRecord> meta) {
  const auto replacement = engine_.replace();
  if (!replacement) return replacement.error();
  const auto loaded = load_snapshot(snapshot, **replacement);
  if (!loaded) return loaded.error();
  const Checkpoint checkpoint{applied, loaded->totals, meta};
  if (auto finished = (*replacement)->finish(checkpoint); !finished) return finished;
  applied_ = loaded->applied;
  set_totals(loaded->totals);
  history_.begin(applied_);
  return {};
}

void KvMachine::set_totals(const Totals& totals) {
  keys_.store(totals.keys, std::memory_order_relaxed);
  bytes_.store(totals.bytes, std::memory_order_relaxed);
}

}  // namespace kv
