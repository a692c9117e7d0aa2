#include "replica/gatekeeper.hpp"

#include <algorithm>
#include <utility>

#include "replica/replica.hpp"

namespace raft::replica {
namespace {

/// Null: the guest does not run the group, or not yet, and shows nothing of it.
const Standing* standing_in(const Hello& hello, GroupId group) {
  const auto found =
      std::find_if(hello.standings.begin(), hello.standings.end(),
                   [&](const Standing& standing) { return standing.group == group; });
  return found == hello.standings.end() ? nullptr : &*found;
}

/// Whether the two nodes have something to say to each other in a group that has not removed the
/// guest: it is a member, or it shows that it is on its way to become one.
bool shares(const Hello& hello, const Replica& group) {
  return standing_in(hello, group.group()) != nullptr ||
         group.core().membership().membership->names(hello.node, hello.instance);
}

/// It has just been named, has nothing, and learns from our own hello which cluster that was.
bool is_being_taken_in(const Hello& hello, const std::vector<const Replica*>& groups) {
  const auto has_log = [](const Standing& standing) { return standing.durable.value > 0; };
  const auto names_it = [&](const Replica* group) {
    return group->core().membership().membership->names(hello.node, hello.instance);
  };
  return !hello.cluster && std::any_of(groups.begin(), groups.end(), names_it) &&
         std::none_of(hello.standings.begin(), hello.standings.end(), has_log);
}

/// What it acknowledged to this leader is on its disk, and so is the leader's term. Only a leader
/// of a later term may have cut the log since; then this one is deposed and cannot judge.
bool has_forgotten(const Standing& standing, const core::Core& core, Index acknowledged) {
  return standing.term <= core.term() && standing.durable < acknowledged;
}

/// `is_new_life`: the first hello since a restart. Only then is what it shows older than nothing
/// that was acknowledged: later hellos cross with acknowledgements on other connections.
std::optional<Refused> judge_member(const Hello& hello, bool is_new_life, const Replica& group) {
  const core::Core& core = group.core();
  const LoggedMembership& current = core.membership();
  const Standing* standing = standing_in(hello, group.group());
  const Index named_at = standing == nullptr ? Index{} : standing->named_at;
  const Member* member = current.membership->find(hello.node);
  // A hello has no room for all groups of a large node: then only a leader, whose membership is the
  // newest, need not be told.
  const bool is_cut = standing == nullptr && hello.standings.size() == standings_max;
  if (is_cut && !core.is_leader()) return std::nullopt;
  // Our membership may be the stale one: then the newcomer was named after it.
  if (member != nullptr && member->instance != hello.instance && named_at <= current.index) {
    return Refused{Refusal::id_taken, group.group(), current.index,
                   "node " + to_string(hello.node) +
                       " is a member with another data directory (instance " +
                       to_string(member->instance) + "); if that one is lost, remove node " +
                       to_string(hello.node) + " from the cluster first"};
  }
  // It was named once and is not any more. Nobody replicates to it, so this is how it learns.
  const bool was_removed = member == nullptr && current.index <= core.commit() &&
                           named_at.value > 0 && named_at < current.index;
  if (was_removed) {
    return Refused{Refusal::removed, group.group(), current.index,
                   "node " + to_string(hello.node) + " was removed from the cluster"};
  }
  const core::Leader* leader = core.leader_state();
  if (leader == nullptr || standing == nullptr || !is_new_life) return std::nullopt;
  const auto peer = leader->peers.find(hello.node);
  if (member != nullptr && peer != leader->peers.end() &&
      has_forgotten(*standing, core, peer->second.match)) {
    return Refused{Refusal::rolled_back,
                   {},
                   {},
                   "node " + to_string(hello.node) + " once held the log up to " +
                       to_string(peer->second.match) + " and now ends at " +
                       to_string(standing->durable) +
                       ": its data directory is an old copy; remove it and let it join anew"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refused> Gatekeeper::judge(const Hello& hello, const OwnIdentity& own,
                                         const std::vector<const Replica*>& groups) {
  if (hello.node == own.node) {
    if (hello.instance == own.instance)
      return Refused{Refusal::self, {}, {}, "this is the same node"};
    return Refused{Refusal::id_taken,
                   {},
                   {},
                   "node " + to_string(own.node) + " runs here too, with another data directory"};
  }
  if (hello.purpose == Purpose::introduce) return std::nullopt;
  // Who belongs to no cluster yet is taken in by whoever asks; everyone else keeps to its own.
  if (own.cluster && hello.cluster != own.cluster && !is_being_taken_in(hello, groups)) {
    return Refused{Refusal::wrong_cluster,
                   {},
                   {},
                   "this is cluster " + to_string(own.cluster) + ", not " +
                       (hello.cluster ? to_string(hello.cluster) : "none")};
  }
  const auto seen = seen_.find(hello.instance);
  const BootNumber boot = seen == seen_.end() ? BootNumber{} : seen->second.boot;
  if (hello.boot < boot) {
    return Refused{Refusal::rolled_back,
                   {},
                   {},
                   "node " + to_string(hello.node) +
                       " comes back with an older data directory; remove it and let it join anew"};
  }
  const bool is_new_life = hello.boot > boot;
  // A removal speaks for one group. A link that another group needs stays, and the core tells the
  // news on it; see Core::peer_connected(). All else casts doubt on the directory as a whole.
  std::optional<Refused> removed;
  bool is_needed = false;
  for (const Replica* group : groups) {
    auto refused = judge_member(hello, is_new_life, *group);
    if (refused && refused->reason != Refusal::removed) return refused;
    if (!refused) {
      is_needed = is_needed || shares(hello, *group);
    } else if (!removed) {
      removed = std::move(refused);
    }
  }
  if (removed && !is_needed) return removed;
  remember(hello, groups);
  return std::nullopt;
}

void Gatekeeper::remember(const Hello& hello, const std::vector<const Replica*>& groups) {
  seen_[hello.instance] = {hello.node, hello.boot};
  if (seen_.size() <= strangers_max) return;
  std::erase_if(seen_, [&](const auto& item) {
    return std::none_of(groups.begin(), groups.end(), [&](const Replica* group) {
      return group->core().membership().membership->names(item.second.node, item.first);
    });
  });
}

}  // namespace raft::replica
