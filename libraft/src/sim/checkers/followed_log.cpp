#include "sim/checkers/followed_log.hpp"

#include <algorithm>
#include <utility>

namespace raft::sim {

void FollowedLog::reset(const SnapshotMeta& base, std::uint64_t chain) {
  base_ = base;
  base_chain_ = chain;
  base_bytes_ = 0;
  links_.clear();
  memberships_.clear();
}

std::optional<Place> FollowedLog::at(Index index) const {
  if (index == base_.last.index) return Place{base_.last.term, base_chain_};
  if (index < base_.last.index || index > last_index()) return std::nullopt;
  const Link& found = link(index);
  return Place{found.entry->term, found.chain};
}

bool FollowedLog::holds(EntryId id) const {
  if (id.index < base_.last.index) return true;
  const auto place = at(id.index);
  return place && place->term == id.term;
}

std::uint64_t FollowedLog::bytes_between(Index after, Index upto) const {
  upto = std::min(upto, last_index());
  if (upto <= std::max(after, base_.last.index)) return 0;
  const std::uint64_t before = after > base_.last.index ? link(after).bytes : base_bytes_;
  return link(upto).bytes - before;
}

const LoggedMembership& FollowedLog::membership() const {
  return memberships_.empty() ? base_.membership : memberships_.back();
}

const LoggedMembership& FollowedLog::membership_at(Index index) const {
  for (auto set = memberships_.rbegin(); set != memberships_.rend(); ++set) {
    if (set->index <= index) return *set;
  }
  return base_.membership;
}

std::size_t FollowedLog::memberships_above(Index index) const {
  std::size_t count = 0;
  for (auto set = memberships_.rbegin(); set != memberships_.rend() && set->index > index; ++set) {
    ++count;
  }
  return count;
}

void FollowedLog::append(EntryPtr entry, std::uint64_t chain) {
  const std::uint64_t before = links_.empty() ? base_bytes_ : links_.back().bytes;
  if (const MembershipPtr* set = entry->membership()) memberships_.push_back({entry->index, *set});
  const std::uint64_t size = size_of(*entry);
  links_.push_back({std::move(entry), chain, before + size});
}

void FollowedLog::truncate_from(Index from) {
  links_.resize(distance(base_.last.index, from.prev()));
  while (!memberships_.empty() && memberships_.back().index >= from) memberships_.pop_back();
}

void FollowedLog::compact(const SnapshotMeta& base) {
  const Link& last = link(base.last.index);
  base_chain_ = last.chain;
  base_bytes_ = last.bytes;
  const auto count = static_cast<std::ptrdiff_t>(distance(base_.last.index, base.last.index));
  links_.erase(links_.begin(), links_.begin() + count);
  std::erase_if(memberships_,
                [&](const LoggedMembership& set) { return set.index <= base.last.index; });
  base_ = base;
}

}  // namespace raft::sim
