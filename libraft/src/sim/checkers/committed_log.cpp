#include "sim/checkers/committed_log.hpp"

#include <algorithm>
#include <utility>

#include "util/assert.hpp"

namespace raft::sim {

EntryId CommittedLog::last_id() const {
  return entries_.empty() ? EntryId{} : EntryId{entries_.back().place.term, last()};
}

const CommittedEntry* CommittedLog::at(Index index) const {
  if (index.value == 0 || index > last()) return nullptr;
  return &entries_[index.value - 1];
}

bool CommittedLog::has(EntryId id) const {
  const CommittedEntry* entry = at(id.index);
  return entry != nullptr && entry->place.term == id.term;
}

Index CommittedLog::last_before(Term term) const {
  Index newest;
  for (const auto& [by, index] : newest_by_) {
    if (by >= term) break;
    newest = std::max(newest, index);
  }
  return newest;
}

void CommittedLog::append(const Entry& entry, Place place, Term by, MembershipPtr under) {
  RAFT_ASSERT(entry.index == last().next());
  CommittedEntry added{place, by, std::move(under)};
  added.plain = entries_.empty() ? 0 : entries_.back().plain;
  if (const Command* command = entry.command()) {
    added.command = fingerprint(*command);
    if (command->client.empty()) {
      ++added.plain;
    } else {
      added.session = Fingerprint().mix(command->client).mix(command->sequence).value();
    }
    commands_.emplace(added.command, entry.index);
  }
  if (const MembershipPtr* set = entry.membership()) memberships_[entry.index] = *set;
  newest_by_[by] = entry.index;
  entries_.push_back(std::move(added));
}

LoggedMembership CommittedLog::membership_at(Index index) const {
  const auto after = memberships_.upper_bound(index);
  if (after == memberships_.begin()) return {};
  return {std::prev(after)->first, std::prev(after)->second};
}

bool CommittedLog::was_member(NodeId id, InstanceId instance) const {
  return std::any_of(memberships_.begin(), memberships_.end(),
                     [&](const auto& set) { return set.second->names(id, instance); });
}

bool CommittedLog::was_removed(NodeId id, InstanceId instance) const {
  const auto names = [&](const auto& set) { return set.second->names(id, instance); };
  const auto named = std::find_if(memberships_.begin(), memberships_.end(), names);
  return !std::all_of(named, memberships_.end(), names);
}

std::optional<Index> CommittedLog::find(std::uint64_t command) const {
  const auto found = commands_.find(command);
  if (found == commands_.end()) return std::nullopt;
  return found->second;
}

}  // namespace raft::sim
