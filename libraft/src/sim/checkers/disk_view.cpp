#include "sim/checkers/disk_view.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace raft::sim {
namespace {

bool is_above(Index index, const TermRun& run) { return index < run.first; }

}  // namespace

DiskView::DiskView() { base_.membership.membership = std::make_shared<const Membership>(); }

void DiskView::synced(const PersistWork& work) {
  if (!work.writes()) return;
  ++version_;
  if (work.base) write_base(*work.base);
  if (!work.entries.empty()) write_entries(work.entries);
  if (work.hard_state) {
    if (work.hard_state->term < hard_.term) report_.violated("D4", "the term on disk falls");
    if (work.hard_state->commit < hard_.commit) report_.violated("D4", "commit on disk falls");
    hard_ = *work.hard_state;
    if (hard_.vote) votes_.emplace(hard_.term, hard_.vote);
  }
  check();
}

void DiskView::write_base(const SnapshotMeta& base) {
  if (base.last.index <= base_.last.index) report_.violated("D4", "the base on disk falls");
  base_ = base;
  runs_.clear();
  memberships_.clear();
  last_ = base.last.index;
}

void DiskView::write_entries(const std::vector<EntryPtr>& entries) {
  const Index first = entries.front()->index;
  if (first <= base_.last.index || first > last_.next()) {
    return report_.violated(
        "D4", "entries from " + to_string(first) + " on a log that ends at " + to_string(last_));
  }
  truncate_from(first);
  for (const EntryPtr& entry : entries) {
    const Term before = last().term;
    if (entry->index != last_.next() || entry->term < before) {
      report_.violated("D4", "a gap or a falling term on disk at " + to_string(entry->id()));
    }
    last_ = entry->index;
    if (runs_.empty() || runs_.back().term != entry->term) runs_.push_back({last_, entry->term});
    if (const MembershipPtr* set = entry->membership()) memberships_.push_back({last_, *set});
  }
}

void DiskView::truncate_from(Index from) {
  last_ = from.prev();
  while (!runs_.empty() && runs_.back().first >= from) runs_.pop_back();
  while (!memberships_.empty() && memberships_.back().index >= from) memberships_.pop_back();
}

void DiskView::compacted(const SnapshotMeta& base) {
  if (base.last.index <= base_.last.index) return;
  ++version_;
  if (!holds(base.last)) {
    report_.violated("D4",
                     "the log on disk is shortened up to what it lacks: " + to_string(base.last));
  }
  std::erase_if(memberships_,
                [&](const LoggedMembership& set) { return set.index <= base.last.index; });
  const Index first = base.last.index.next();
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), first, is_above);
  if (after != runs_.begin()) runs_.erase(runs_.begin(), std::prev(after));
  if (base.last.index >= last_) {
    runs_.clear();
    last_ = base.last.index;
  } else {
    runs_.front().first = std::max(runs_.front().first, first);
  }
  base_ = base;
  check();
}

// What was written and not synced may have survived, and it may have replaced a synced suffix; but
// only a newer term or a newer base does that.
void DiskView::recovered(const RecoveredLog& log) {
  ++version_;
  DiskView now;
  now.hard_ = log.hard_state;
  now.base_ = log.base;
  if (!now.base_.membership.membership) now.base_.membership = base_.membership;
  now.runs_ = log.term_runs;
  now.memberships_ = log.memberships;
  now.last_ = log.last;
  const bool vote_is_kept =
      now.hard_.term > hard_.term || !hard_.vote || now.hard_.vote == hard_.vote;
  if (now.hard_.term < hard_.term || !vote_is_kept) {
    report_.violated("D3", "a start finds term " + to_string(now.hard_.term) + " and vote " +
                               to_string(now.hard_.vote) + " where " + to_string(hard_.term) +
                               " and " + to_string(hard_.vote) + " were synced");
  }
  Index at = std::max(base_.last.index, now.base_.last.index);
  while (at <= last_ && now.holds({*term_at(at), at})) at = at.next();
  const auto instead = now.term_at(at);
  if (at <= last_ && !(instead && *instead > *term_at(at))) {
    report_.violated("D3", "a start does not find the synced entry " + to_string(at));
  }
  if (now.last_ < base_.last.index) report_.violated("D3", "a start finds an older base");
  hard_ = now.hard_;
  base_ = std::move(now.base_);
  runs_ = std::move(now.runs_);
  memberships_ = std::move(now.memberships_);
  last_ = now.last_;
  if (hard_.vote) votes_.emplace(hard_.term, hard_.vote);
  check();
}

void DiskView::check() {
  if (hard_.commit > last_) report_.violated("D4", "commit on disk is above the last entry");
  if (last().term > hard_.term) report_.violated("D4", "an entry on disk is newer than the term");
}

EntryId DiskView::last() const {
  return {runs_.empty() ? base_.last.term : runs_.back().term, last_};
}

std::optional<Term> DiskView::term_at(Index index) const {
  if (index > last_ || index < base_.last.index) return std::nullopt;
  if (index == base_.last.index) return base_.last.term;
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), index, is_above);
  if (after == runs_.begin()) return std::nullopt;
  return std::prev(after)->term;
}

const LoggedMembership& DiskView::membership() const {
  return memberships_.empty() ? base_.membership : memberships_.back();
}

NodeId DiskView::vote_in(Term term) const {
  const auto vote = votes_.find(term);
  return vote == votes_.end() ? NodeId{} : vote->second;
}

}  // namespace raft::sim
