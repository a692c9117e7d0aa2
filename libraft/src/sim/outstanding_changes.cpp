#include "sim/outstanding_changes.hpp"

#include <algorithm>
#include <utility>

#include "core/membership_change.hpp"

namespace raft::sim {
namespace {

/// A paused process wakes up after 3 s, and may be paused again; a connection on which nothing
/// comes through ends after 5 s.
constexpr Duration on_its_way_max = std::chrono::seconds(10);

Membership with_all_promoted(Membership membership) {
  for (Member& member : membership.members) {
    if (member.promote) member.role = Role::voter;
  }
  return membership;
}

void add(Membership membership, std::vector<Membership>& to) {
  if (std::find(to.begin(), to.end(), membership) == to.end()) to.push_back(std::move(membership));
}

}  // namespace

void OutstandingChanges::asked(std::uint64_t call, MembershipChange change, Duration now) {
  asked_.emplace(call, Asked{std::move(change), now});
}

void OutstandingChanges::answered(std::uint64_t call, const Result<void>& result) {
  if (!result && result.code() == Errc::unknown_outcome) return;
  asked_.erase(call);
}

std::vector<Membership> OutstandingChanges::futures_of(const std::vector<Membership>& present,
                                                       Duration now) {
  std::erase_if(asked_, [&](const auto& item) { return now - item.second.at > on_its_way_max; });
  std::vector<Membership> futures;
  for (const Membership& membership : present) add(membership, futures);
  for (const auto& [call, asked] : asked_) {
    const std::vector<Membership> before = futures;
    for (const Membership& membership : before) {
      const Result<Membership> next = core::enter(core::leave(membership), asked.change);
      if (next) add(*next, futures);
    }
  }
  const std::vector<Membership> unpromoted = futures;
  for (const Membership& membership : unpromoted) add(with_all_promoted(membership), futures);
  return futures;
}

}  // namespace raft::sim
