#include "core/log.hpp"

#include <algorithm>
#include <limits>

#include "util/assert.hpp"

namespace raft::core {
namespace {

constexpr Index nowhere{std::numeric_limits<std::uint64_t>::max()};

}  // namespace

Log::Log(const RecoveredLog& recovered)
    : base_(recovered.base),
      term_runs_(recovered.term_runs),
      memberships_(recovered.memberships),
      last_(recovered.last),
      tail_first_(recovered.last.next()),
      time_before_tail_(recovered.last_time),
      unstaged_from_(recovered.last.next()),
      written_(recovered.last),
      stable_(recovered.last) {
  RAFT_ASSERT(last_ >= base_.last.index);
}

EntryId Log::last() const {
  return {term_runs_.empty() ? base_.last.term : term_runs_.back().term, last_};
}

LogTime Log::last_time() const { return tail_.empty() ? time_before_tail_ : tail_.back()->time; }

std::optional<Term> Log::term_at(Index index) const {
  if (index > last_ || index < base_.last.index) return std::nullopt;
  if (index == base_.last.index) return base_.last.term;
  const auto after =
      std::upper_bound(term_runs_.begin(), term_runs_.end(), index,
                       [](Index wanted, const TermRun& run) { return wanted < run.first; });
  RAFT_ASSERT(after != term_runs_.begin());
  return std::prev(after)->term;
}

EntryId Log::last_not_above(EntryId limit) const {
  Index end = std::min(limit.index, last_);
  for (auto run = term_runs_.rbegin(); run != term_runs_.rend(); ++run) {
    if (run->first > end) continue;
    if (run->term <= limit.term) return {run->term, end};
    end = run->first.prev();
  }
  return base_.last;
}

const LoggedMembership& Log::membership() const {
  return memberships_.empty() ? base_.membership : memberships_.back();
}

const LoggedMembership& Log::membership_at(Index index) const {
  const auto after = std::upper_bound(
      memberships_.begin(), memberships_.end(), index,
      [](Index wanted, const LoggedMembership& logged) { return wanted < logged.index; });
  return after == memberships_.begin() ? base_.membership : *std::prev(after);
}

bool Log::names(NodeId id, InstanceId instance, Index upto) const {
  const auto named = [&](const LoggedMembership& logged) {
    return logged.index <= upto && logged.membership->names(id, instance);
  };
  return named(base_.membership) || std::any_of(memberships_.begin(), memberships_.end(), named);
}

void Log::append(EntryPtr entry) {
  RAFT_ASSERT(entry->index == last_.next());
  RAFT_ASSERT(entry->term >= last().term);
  last_ = entry->index;
  if (term_runs_.empty() || term_runs_.back().term != entry->term) {
    term_runs_.push_back({entry->index, entry->term});
  }
  if (const MembershipPtr* membership = entry->membership()) {
    memberships_.push_back({entry->index, *membership});
  }
  tail_bytes_ += size_of(*entry);
  tail_.push_back(std::move(entry));
}

bool Log::truncate_from(Index from) {
  RAFT_ASSERT(from > base_.last.index);
  last_ = from.prev();
  while (!term_runs_.empty() && term_runs_.back().first >= from) term_runs_.pop_back();
  while (!tail_.empty() && tail_.back()->index >= from) {
    tail_bytes_ -= size_of(*tail_.back());
    tail_.pop_back();
  }
  // After a restart the suffix may be on disk only.
  tail_first_ = std::min(tail_first_, from);
  unstaged_from_ = std::min(unstaged_from_, from);
  update_stable();
  const std::size_t before = memberships_.size();
  while (!memberships_.empty() && memberships_.back().index >= from) memberships_.pop_back();
  return memberships_.size() != before;
}

void Log::reset(const SnapshotMeta& base) {
  base_ = base;
  term_runs_.clear();
  memberships_.clear();
  last_ = base.last.index;
  tail_.clear();
  tail_first_ = last_.next();
  tail_bytes_ = 0;
  time_before_tail_ = base.time;
  unstaged_from_ = last_.next();
  base_unstaged_ = true;
  update_stable();
}

void Log::compact(const SnapshotMeta& base) {
  if (base.last.index <= base_.last.index) return;
  RAFT_ASSERT(matches(base.last));
  RAFT_ASSERT(base.last.index <= stable_);
  while (!tail_.empty() && tail_.front()->index <= base.last.index) {
    tail_bytes_ -= size_of(*tail_.front());
    time_before_tail_ = tail_.front()->time;
    tail_.pop_front();
    tail_first_ = tail_first_.next();
  }
  std::erase_if(memberships_,
                [&](const LoggedMembership& logged) { return logged.index <= base.last.index; });
  const Index first = base.last.index.next();
  const auto covering =
      std::upper_bound(term_runs_.begin(), term_runs_.end(), first,
                       [](Index wanted, const TermRun& run) { return wanted < run.first; });
  if (covering != term_runs_.begin()) term_runs_.erase(term_runs_.begin(), std::prev(covering));
  if (base.last.index == last_) {
    term_runs_.clear();
  } else {
    term_runs_.front().first = std::max(term_runs_.front().first, first);
  }
  base_ = base;
}

const EntryPtr& Log::entry(Index index) const {
  RAFT_ASSERT(index >= tail_first_ && index <= last_);
  return tail_[distance(tail_first_, index)];
}

std::vector<EntryPtr> Log::slice(Index first, Index last, std::size_t bytes_max) const {
  RAFT_ASSERT(first >= tail_first_);
  std::vector<EntryPtr> entries;
  std::size_t bytes = 0;
  for (Index at = first; at <= std::min(last, last_); at = at.next()) {
    const EntryPtr& entry = tail_[distance(tail_first_, at)];
    bytes += size_of(*entry);
    if (bytes > bytes_max && !entries.empty()) break;
    entries.push_back(entry);
  }
  return entries;
}

void Log::shrink(std::size_t bytes_max, Index upto) {
  while (tail_bytes_ > bytes_max && !tail_.empty() && tail_.front()->index <= upto) {
    tail_bytes_ -= size_of(*tail_.front());
    time_before_tail_ = tail_.front()->time;
    tail_.pop_front();
    tail_first_ = tail_first_.next();
  }
}

void Log::stage(PersistWork& work) {
  Staged batch{work.number, nowhere, nowhere};
  if (base_unstaged_) {
    work.base = base_;
    batch.first = Index{};
    batch.last = base_.last.index;
  }
  if (unstaged_from_ <= last_) {
    work.entries = slice(unstaged_from_, last_, std::numeric_limits<std::size_t>::max());
    if (!base_unstaged_) batch.first = unstaged_from_;
    batch.last = last_;
  }
  base_unstaged_ = false;
  unstaged_from_ = last_.next();
  staged_.push_back(batch);
  update_stable();
}

void Log::confirm(std::uint64_t number) {
  while (!staged_.empty() && staged_.front().number <= number) {
    if (staged_.front().last != nowhere) written_ = staged_.front().last;
    staged_.pop_front();
  }
  update_stable();
}

// An old write must never vouch for entries that a later one replaces: with entries 5..10 under way
// and 7..8 of a new leader behind them, the confirmation of the first makes only 5..6 stable,
// whether or not the second has been handed to the disk yet.
void Log::update_stable() {
  Index stable = std::min(written_, unstaged_from_.prev());
  if (base_unstaged_) stable = Index{};
  for (const Staged& batch : staged_) stable = std::min(stable, batch.first.prev());
  stable_ = stable;
}

}  // namespace raft::core
