// Entries, batches and memberships for the tests of the log.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "protocol/durable.hpp"
#include "storage/kv_engine.hpp"
#include "storage/log_store.hpp"

namespace raft {

/// Fails the test with the reason if there is none.
template <class T>
T value_of(Result<T> result) {
  if (!result) FAIL(to_string(result.code()) << ": " << result.error().detail);
  return *std::move(result);
}

inline void check_done(const Result<void>& result) {
  if (!result) FAIL(to_string(result.code()) << ": " << result.error().detail);
}

inline MembershipPtr membership_of(std::vector<std::uint64_t> ids) {
  auto membership = std::make_shared<Membership>();
  for (const std::uint64_t id : ids) {
    membership->members.push_back(
        {{id}, {id, 7}, "host:" + std::to_string(id), Role::voter, false, "attributes"});
  }
  return membership;
}

inline LogTime time_at(std::uint64_t index) { return {std::chrono::milliseconds(index)}; }

inline EntryPtr command_at(std::uint64_t index, std::uint64_t term, std::string bytes) {
  return std::make_shared<const Entry>(
      Entry{{term}, {index}, time_at(index), Command{"client", index, std::move(bytes)}});
}

/// The bytes tell index and term apart from all others.
inline EntryPtr entry_at(std::uint64_t index, std::uint64_t term) {
  return command_at(index, term, std::to_string(term) + "/" + std::to_string(index));
}

inline EntryPtr membership_at(std::uint64_t index, std::uint64_t term,
                              std::vector<std::uint64_t> ids) {
  return std::make_shared<const Entry>(
      Entry{{term}, {index}, time_at(index), membership_of(std::move(ids))});
}

/// Entries first to last of one term.
inline std::vector<EntryPtr> entries_from_to(std::uint64_t first, std::uint64_t last,
                                             std::uint64_t term) {
  std::vector<EntryPtr> entries;
  for (std::uint64_t index = first; index <= last; ++index) {
    entries.push_back(entry_at(index, term));
  }
  return entries;
}

inline SnapshotMeta base_at(std::uint64_t index, std::uint64_t term) {
  return {{{term}, {index}}, time_at(index), {{1}, membership_of({1, 2, 3})}};
}

inline HardState hard_state_of(std::uint64_t term, std::uint64_t vote, std::uint64_t commit) {
  return {{term}, {vote}, {commit}, std::chrono::milliseconds(500)};
}

inline PersistWork work_of(HardState hard_state, std::vector<EntryPtr> entries) {
  PersistWork work;
  work.hard_state = hard_state;
  work.entries = std::move(entries);
  return work;
}

/// Stages and writes at once.
inline void persist(storage::KvEngine& engine, storage::LogStore& log, const PersistWork& work) {
  storage::KvBatch batch;
  log.stage(work, batch);
  check_done(engine.write(batch, true));
}

inline void compact(storage::KvEngine& engine, storage::LogStore& log, const SnapshotMeta& base) {
  storage::KvBatch batch;
  log.stage_compaction(base, batch);
  check_done(engine.write(batch, true));
}

/// "1/5 1/6 2/7": the ids of entries, for comparing.
inline std::string ids_of(const std::vector<EntryPtr>& entries) {
  std::string ids;
  for (const EntryPtr& entry : entries) ids += (ids.empty() ? "" : " ") + to_string(entry->id());
  return ids;
}

}  // namespace raft
