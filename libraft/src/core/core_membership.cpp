// Membership changes: joint consensus for every change of voters, learners, departures (thesis 4).
#include <algorithm>

#include "core/core.hpp"
#include "core/membership_change.hpp"
#include "core/quorum.hpp"
#include "util/assert.hpp"

namespace raft::core {

Result<EntryId> Core::change_membership(const MembershipChange& change, Instant now) {
  now_ = std::max(now_, now);
  const Leader* leader = leader_state();
  if (leader == nullptr) return Errc::not_leader;
  if (leader->transfer) return Errc::transferring;
  // Thesis 4.1 with Ongaro's correction of 2015: first an entry of this term must be committed.
  if (hard_.commit < leader->term_start) {
    return Error{Errc::busy, "the leader is new and has not committed an entry of its term yet"};
  }
  if (!change_is_possible()) {
    return Error{Errc::conflict, "another membership change is under way"};
  }
  const LoggedMembership current = membership();
  if (change.expected_index && *change.expected_index != current.index) {
    return Error{Errc::conflict, "the membership in force was set at " + to_string(current.index)};
  }
  Result<Membership> next = enter(*current.membership, change);
  if (!next) return next.error();
  if (*next == *current.membership) {
    // Where it was set the log may be gone by now; the term of the base is not below.
    return EntryId{log_.term_at(current.index).value_or(log_.base().last.term), current.index};
  }
  const auto is_heard = [&](NodeId id) {
    if (id == options_.id) return true;
    const auto peer = leader->peers.find(id);
    return peer != leader->peers.end() && peer->second.match.value > 0 &&
           now_ - peer->second.last_heard < options_.timing.election_timeout;
  };
  if (next->is_joint() && !change.force && !has_quorum(*next, is_heard)) {
    return Error{Errc::invalid_argument,
                 "no majority of the new voters is up; add them as learners first"};
  }
  return append_membership(*std::move(next));
}

/// One change at a time: the last one must be committed and complete.
bool Core::change_is_possible() const {
  return membership().index <= hard_.commit && !membership().membership->is_joint();
}

EntryId Core::append_membership(Membership next) {
  append_as_leader(std::make_shared<const Membership>(std::move(next)));
  membership_in_force_changed();
  return log_.last();
}

// Effective at once, committed or not, appended or rolled back (thesis 4.1).
void Core::membership_in_force_changed() {
  const LoggedMembership& current = membership();
  note(NoteKind::membership_appended, {}, current.index);
  Leader* leader = leading();
  if (leader == nullptr) return;
  for (const Member& member : current.membership->members) {
    if (member.id == options_.id) continue;
    const auto found = leader->peers.find(member.id);
    if (found == leader->peers.end() || found->second.departing) add_peer(member.id);
  }
  for (auto& [id, peer] : leader->peers) {
    if (current.membership->find(id) != nullptr || peer.departing) continue;
    peer.departing =
        Progress::Departing{current.index, now_ + 10 * options_.timing.election_timeout};
  }
  if (leader->transfer && !current.membership->is_voter(leader->transfer->target)) abort_transfer();
  // With fewer voters, what is acknowledged already may do (etcd: TestCommitAfterRemoveNode).
  advance_commit();
  confirm_read_round();
}

Progress& Core::add_peer(NodeId id) {
  Leader& leader = *leading();
  Inflight inflight(options_.limits.inflight_bytes_max, options_.limits.inflight_appends_max,
                    options_.timing.election_timeout / 4);
  return leader.peers
      .insert_or_assign(
          id, Progress(fresh_session(), log_.last_index().next(), std::move(inflight), now_))
      .first->second;
}

void Core::memberships_committed_after(Index before) {
  // A copy: stepping in for a joint one appends another.
  std::vector<LoggedMembership> committed;
  for (const LoggedMembership& logged : log_.memberships()) {
    if (logged.index > before && logged.index <= hard_.commit) committed.push_back(logged);
  }
  for (const LoggedMembership& logged : committed) membership_committed(logged);
}

void Core::membership_committed(const LoggedMembership& current) {
  note(NoteKind::membership_committed, {}, current.index);
  const Membership& membership = *current.membership;
  if (membership.names(options_.id, options_.instance)) {
    if (!named_by_) named_by_ = current.index;
  } else if (named_by_ && !membership.is_joint()) {
    removed_by_ = current.index;
  }
  if (membership.is_joint() || membership.is_voter(options_.id)) return;
  if (current.index != this->membership().index) return;  // Overtaken already.
  if (is_leader()) {
    // Thesis 4.2.2: it led without counting itself until here. Let the best of the others go on at
    // once instead of after an election timeout.
    note(NoteKind::stepped_down_removed, {}, current.index);
    for (auto& [id, peer] : leading()->peers) send_heartbeat(id, peer);
    if (const NodeId successor = best_successor()) claim(successor, TimeoutNow{});
  }
  if (is_leader() || removed()) become_follower(hard_.term, is_leader() ? NodeId{} : leader_);
}

// The second half of every joint change, by whoever leads then: also a leader that inherited it.
void Core::leave_joint_if_due() {
  const Leader* leader = leader_state();
  if (leader == nullptr || hard_.commit < leader->term_start) return;
  const LoggedMembership& current = membership();
  if (!current.membership->is_joint() || current.index > hard_.commit) return;
  note(NoteKind::joint_left, {}, current.index);
  append_membership(leave(*current.membership));
}

// Thesis 4.2.1: rounds of replication, each up to what the log held when it began. A round that
// takes less than an election timeout shows that the newcomer would not hold up commits for longer.
void Core::update_catch_up(NodeId id, Progress& peer) {
  const Member* member = membership().membership->find(id);
  if (member == nullptr || member->role != Role::learner || !member->promote) {
    peer.catch_up.reset();
    return;
  }
  if (!peer.catch_up) peer.catch_up = Progress::CatchUp{log_.last_index(), now_};
  Progress::CatchUp& rounds = *peer.catch_up;
  if (peer.match < rounds.target) return;
  rounds.caught_up = now_ - rounds.since < options_.timing.election_timeout;
  rounds.target = log_.last_index();
  rounds.since = now_;
  note(NoteKind::learner_round, id, peer.match);
}

void Core::promote_learners() {
  const Leader* leader = leader_state();
  if (leader == nullptr || leader->transfer || hard_.commit < leader->term_start) return;
  if (!change_is_possible()) return;
  MembershipChange change;
  for (const Member& member : membership().membership->members) {
    if (member.role != Role::learner || !member.promote) continue;
    const auto peer = leader->peers.find(member.id);
    if (peer == leader->peers.end() || !peer->second.catch_up) continue;
    const bool is_heard = now_ - peer->second.last_heard < options_.timing.election_timeout;
    if (peer->second.catch_up->caught_up && is_heard) change.promote.push_back(member.id);
  }
  if (change.promote.empty()) return;
  Result<Membership> next = enter(*membership().membership, change);
  RAFT_ASSERT(next.has_value());
  for (NodeId id : change.promote) note(NoteKind::learner_promoted, id);
  append_membership(*std::move(next));
}

// A removed member is told until it knows, but not for ever.
void Core::release_departing() {
  Leader* leader = leading();
  if (leader == nullptr) return;
  std::erase_if(leader->peers, [&](const auto& item) {
    const auto& [id, peer] = item;
    if (!peer.departing) return false;
    const bool knows = peer.commit_known >= peer.departing->membership;
    if (!knows && now_ < peer.departing->deadline) return false;
    note(NoteKind::departing_released, id);
    return true;
  });
}

}  // namespace raft::core
