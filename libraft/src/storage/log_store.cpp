#include "storage/log_store.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "storage/keys.hpp"
#include "storage/log_records.hpp"
#include "storage/record.hpp"
#include "util/assert.hpp"

namespace raft::storage {
namespace {

// Every range tombstone costs each later read a little; a few points are cheaper.
constexpr std::uint64_t point_erases_max = 32;

// Decodes and checks the entries of one scan, in ascending order. The first thing that is wrong
// ends the scan and is kept.
class EntryScan {
 public:
  /// The log continues `before`: its index plus one comes next, with at least its term.
  EntryScan(EntryId before) : before_(before) {}

  /// Null, with error() set, if the entry is not what may stand here.
  EntryPtr check(BytesView key, BytesView value) {
    Result<EntryPtr> decoded = decode_entry_at(key, value);
    if (!decoded) return fail(decoded.error());
    EntryPtr entry = *std::move(decoded);
    if (entry->index != before_.index.next()) {
      return fail(corrupt_record(key, "entries " + to_string(before_.index.next()) + " to " +
                                          to_string(entry->index.prev()) + " are missing"));
    }
    if (entry->term < before_.term) {
      return fail(corrupt_record(key, "term " + to_string(entry->term) +
                                          " falls below the term before it, " +
                                          to_string(before_.term)));
    }
    before_ = entry->id();
    return entry;
  }

  const EntryId& last() const { return before_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  EntryPtr fail(Error error) {
    error_ = std::move(error);
    return nullptr;
  }

  EntryId before_;
  std::optional<Error> error_;
};

void add_entry(RecoveredLog& log, const Entry& entry) {
  if (log.term_runs.empty() || log.term_runs.back().term != entry.term) {
    log.term_runs.push_back({entry.index, entry.term});
  }
  if (const MembershipPtr* membership = entry.membership()) {
    log.memberships.push_back({entry.index, *membership});
  }
  log.last = entry.index;
  log.last_time = entry.time;
}

// What can only be wrong between records. The last term is that of the last entry or of the base.
std::optional<Error> find_contradiction(const RecoveredLog& log, Term last_term, GroupId group) {
  const Bytes key = hard_state_key(group);
  if (log.hard_state.term < last_term) {
    return corrupt_record(key, "term " + to_string(log.hard_state.term) +
                                   " is below the log's last term, " + to_string(last_term));
  }
  if (log.hard_state.commit > log.last) {
    return corrupt_record(key, "commit " + to_string(log.hard_state.commit) +
                                   " is above the log's last index, " + to_string(log.last));
  }
  return std::nullopt;
}

}  // namespace

LogStore::LogStore(const KvEngine& engine, GroupId group) : engine_(engine), group_(group) {}

Result<RecoveredLog> LogStore::recover() {
  RecoveredLog log;

  const Bytes hard_state_at = hard_state_key(group_);
  const Result<std::optional<Bytes>> hard_state = engine_.get(hard_state_at);
  if (!hard_state) return hard_state.error();
  if (*hard_state) {
    const Result<HardState> decoded = decode_hard_state(hard_state_at, **hard_state);
    if (!decoded) return decoded.error();
    log.hard_state = *decoded;
  }

  const Bytes base_at = base_key(group_);
  const Result<std::optional<Bytes>> base = engine_.get(base_at);
  if (!base) return base.error();
  if (*base) {
    Result<SnapshotMeta> decoded = decode_base(base_at, **base);
    if (!decoded) return decoded.error();
    log.base = *std::move(decoded);
  } else {
    log.base.membership.membership = std::make_shared<const Membership>();
  }

  // From the first entry that can be there, never from the group's beginning: an iterator that
  // starts before the tombstones of a compacted prefix walks over all of them.
  log.last = log.base.last.index;
  log.last_time = log.base.time;
  EntryScan entries(log.base.last);
  const Result<void> scanned =
      engine_.scan(entry_key(group_, log.last.next()), key_behind(group_, Index{~std::uint64_t{0}}),
                   [&](BytesView key, BytesView value) {
                     const EntryPtr entry = entries.check(key, value);
                     if (entry) add_entry(log, *entry);
                     return entry != nullptr;
                   });
  if (!scanned) return scanned.error();
  if (entries.error()) return *entries.error();
  if (const auto wrong = find_contradiction(log, entries.last().term, group_)) return *wrong;

  // The base was applied, so it is committed, whatever the lagging record says.
  log.hard_state.commit = std::max(log.hard_state.commit, log.base.last.index);
  first_ = log.base.last.index.next();
  last_ = log.last;
  return log;
}

void LogStore::stage(const PersistWork& work, KvBatch& batch) {
  if (work.base) stage_base(*work.base, batch);
  if (work.hard_state) {
    Bytes key = hard_state_key(group_);
    Bytes value = encode_record(key, *work.hard_state);
    batch.put(std::move(key), std::move(value));
  }
  if (!work.entries.empty()) stage_entries(work.entries, batch);
}

void LogStore::stage_base(const SnapshotMeta& base, KvBatch& batch) {
  erase_entries(first_, last_, batch);
  first_ = base.last.index.next();
  last_ = base.last.index;
  Bytes key = base_key(group_);
  Bytes value = encode_record(key, base);
  batch.put(std::move(key), std::move(value));
}

void LogStore::stage_entries(const std::vector<EntryPtr>& entries, KvBatch& batch) {
  const Index begin = entries.front()->index;
  RAFT_ASSERT(begin >= first_, "first " + to_string(first_) + ", entry " + to_string(begin));
  RAFT_ASSERT(begin <= last_.next(), "last " + to_string(last_) + ", entry " + to_string(begin));

  Index next = begin;
  for (const EntryPtr& entry : entries) {
    RAFT_ASSERT(entry->index == next, "entry " + to_string(entry->index));
    next = next.next();
    Bytes key = entry_key(group_, entry->index);
    Bytes value = encode_record(key, *entry);
    batch.put(std::move(key), std::move(value));
  }

  // The new entries overwrite what they replace; what lies behind them belongs to the old suffix.
  erase_entries(next, last_, batch);
  last_ = next.prev();
}

void LogStore::stage_compaction(const SnapshotMeta& base, KvBatch& batch) {
  // An installed snapshot may have overtaken this compaction: then its base is the newer one.
  if (base.last.index < first_) return;
  RAFT_ASSERT(base.last.index <= last_,
              "last " + to_string(last_) + ", base " + to_string(base.last.index));
  erase_entries(first_, base.last.index, batch);
  first_ = base.last.index.next();
  Bytes key = base_key(group_);
  Bytes value = encode_record(key, base);
  batch.put(std::move(key), std::move(value));
}

void LogStore::erase_entries(Index first, Index last, KvBatch& batch) {
  if (last < first) return;
  if (distance(first, last) < point_erases_max) {
    for (Index index = first; index <= last; index = index.next()) {
      batch.erase(entry_key(group_, index));
    }
  } else {
    batch.erase_range(entry_key(group_, first), key_behind(group_, last));
  }
}

Result<std::vector<EntryPtr>> LogStore::read(Index first, Index last, std::size_t bytes_max) const {
  std::vector<EntryPtr> entries;
  if (last < first || first == Index{}) return entries;

  std::size_t bytes = 0;
  EntryScan scan({Term{}, first.prev()});
  const Result<void> scanned = engine_.scan(entry_key(group_, first), key_behind(group_, last),
                                            [&](BytesView key, BytesView value) {
                                              // Compacted meanwhile: what remains does not begin
                                              // where it was asked to.
                                              if (entries.empty() && entry_index(key) > first)
                                                return false;
                                              EntryPtr entry = scan.check(key, value);
                                              if (!entry) return false;
                                              bytes += size_of(*entry);
                                              if (bytes > bytes_max && !entries.empty())
                                                return false;
                                              entries.push_back(std::move(entry));
                                              return bytes < bytes_max;
                                            });
  if (!scanned) return scanned.error();
  if (scan.error()) return *scan.error();
  return entries;
}

}  // namespace raft::storage
