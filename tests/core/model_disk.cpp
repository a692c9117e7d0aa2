#include "core/model_disk.hpp"

#include <algorithm>

#include "core/safety.hpp"

namespace raft::test {

void ModelDisk::write(const PersistWork& work) {
  if (work.base) {
    base_ = *work.base;
    entries_.clear();
  }
  if (!work.entries.empty()) {
    const Index first = work.entries.front()->index;
    if (first <= base_.last.index) throw Violation("D4: a batch overwrites the base");
    if (first > last().index.next()) throw Violation("D4: a batch leaves a gap in the log");
    while (!entries_.empty() && entries_.back()->index >= first) entries_.pop_back();
    entries_.insert(entries_.end(), work.entries.begin(), work.entries.end());
  }
  if (work.hard_state) {
    if (work.hard_state->term < hard_state_.term) throw Violation("E5: the term on disk fell");
    if (work.hard_state->commit < hard_state_.commit) throw Violation("L5: commit on disk fell");
    hard_state_ = *work.hard_state;
  }
  check();
}

void ModelDisk::check() const {
  Index expected = base_.last.index;
  Term term = base_.last.term;
  for (const EntryPtr& entry : entries_) {
    expected = expected.next();
    if (entry->index != expected) throw Violation("L3: indexes on disk are not contiguous");
    if (entry->term < term) throw Violation("L3: terms on disk fall");
    term = entry->term;
  }
  if (term > hard_state_.term) throw Violation("L3: an entry on disk is newer than the term");
  if (hard_state_.commit > expected) throw Violation("D4: commit on disk is above the last entry");
}

void ModelDisk::erase_up_to(const SnapshotMeta& base) {
  while (!entries_.empty() && entries_.front()->index <= base.last.index) entries_.pop_front();
  base_ = base;
}

EntryId ModelDisk::last() const { return entries_.empty() ? base_.last : entries_.back()->id(); }

EntryPtr ModelDisk::entry(Index index) const {
  if (index <= base_.last.index || index > last().index) return nullptr;
  return entries_[distance(base_.last.index, index) - 1];
}

std::optional<Term> ModelDisk::term_at(Index index) const {
  if (index == base_.last.index) return base_.last.term;
  const EntryPtr found = entry(index);
  return found ? std::optional(found->term) : std::nullopt;
}

bool ModelDisk::holds(EntryId id) const {
  return id.index <= base_.last.index || term_at(id.index) == id.term;
}

LoggedMembership ModelDisk::membership() const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (const MembershipPtr* found = (*entry)->membership()) return {(*entry)->index, *found};
  }
  return base_.membership;
}

std::vector<EntryPtr> ModelDisk::read(Index first, Index last, std::size_t bytes_max) const {
  std::vector<EntryPtr> found;
  std::size_t bytes = 0;
  for (Index at = first; at <= last; at = at.next()) {
    EntryPtr next = entry(at);
    if (!next) break;
    bytes += size_of(*next);
    if (bytes > bytes_max && !found.empty()) break;
    found.push_back(std::move(next));
  }
  return found;
}

RecoveredLog ModelDisk::recover() const {
  RecoveredLog log;
  log.hard_state = hard_state_;
  log.base = base_;
  log.last = last().index;
  log.last_time = entries_.empty() ? base_.time : entries_.back()->time;
  for (const EntryPtr& entry : entries_) {
    if (log.term_runs.empty() || log.term_runs.back().term != entry->term) {
      log.term_runs.push_back({entry->index, entry->term});
    }
    if (const MembershipPtr* found = entry->membership()) {
      log.memberships.push_back({entry->index, *found});
    }
  }
  return log;
}

}  // namespace raft::test
