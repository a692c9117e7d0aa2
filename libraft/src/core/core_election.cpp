// Elections: timeouts, pre-votes, votes, and who may lead (thesis 3.4, 3.6.1, 4.2.3, 9.6).
#include <algorithm>

#include "core/core.hpp"
#include "core/quorum.hpp"
#include "util/assert.hpp"

namespace raft::core {
namespace {

/// With the leader's connection broken, pre-votes are sent at this pace: long enough for a live
/// leader to be redialled first.
constexpr Duration hurry_min = std::chrono::milliseconds(20);
constexpr Duration hurry_max = std::chrono::milliseconds(60);

std::uint64_t count(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

}  // namespace

void Core::become_follower(Term term, NodeId leader) {
  RAFT_ASSERT(term >= hard_.term);
  if (is_leader()) {
    fail_reads();
    note(NoteKind::became_follower, leader);
  }
  if (term > hard_.term) {
    hard_.term = term;
    hard_.vote = NodeId{};
  }
  if (leader_ != leader) {
    leader_ = leader;
    leader_lost_ = false;
    fail_reads();
  }
  role_ = Follower{};
  reset_election_timer();
}

Duration Core::draw(Duration low, Duration high) {
  return Duration(static_cast<std::int64_t>(random_.between(count(low), count(high))));
}

void Core::reset_election_timer() {
  if (is_only_voter()) {
    election_deadline_ = now_;  // There is nobody to wait for.
    return;
  }
  const Duration timeout = options_.timing.election_timeout;
  election_deadline_ = now_ + draw(timeout, 2 * timeout);
}

bool Core::is_only_voter() const {
  return has_quorum(*membership().membership, [&](NodeId id) { return id == options_.id; });
}

void Core::hurry_election() {
  const Instant soon = now_ + draw(hurry_min, hurry_max);
  election_deadline_ = std::min(election_deadline_, std::max(soon, promised_until_));
}

/// A new directory under an old id reads of the old one in the log, and is not meant.
///
/// Whoever is to leave, or to listen only, goes on until it knows that to be committed. Those who
/// stay may lack the entry and need, for the old half of the joint membership before it, the votes
/// of those who have it and rightly refuse: then only one of these can lead (thesis 4.2.2).
bool Core::may_campaign() const {
  const auto votes = [&](const LoggedMembership& logged) {
    const Membership& membership = *logged.membership;
    return membership.is_voter(options_.id) && membership.names(options_.id, options_.instance);
  };
  if (removed()) return false;
  const LoggedMembership& own = membership();
  if (votes(own)) return true;
  return own.index > hard_.commit && votes(log_.membership_at(own.index.prev()));
}

void Core::election_timeout() {
  reset_election_timer();
  if (!may_campaign()) return forget_leader();
  // The own vote is still on its way to the disk: one for another term would queue behind it, and
  // with a disk slower than this timer no candidate would ever have a vote that counts.
  if (std::holds_alternative<Candidate>(role_) && durable_hard_.term < hard_.term) return;
  note(NoteKind::election_timeout);
  if (now_ < promised_until_) {
    election_deadline_ = promised_until_;
    return;
  }
  if (options_.pre_vote || leader_lost_) {
    campaign_for_pre_votes();
  } else {
    campaign(false);
  }
}

/// Nobody waits any longer for a leader that has been silent for so long.
void Core::forget_leader() {
  if (!leader_) return;
  leader_ = NodeId{};
  leader_lost_ = false;
  fail_reads();
}

void Core::campaign_for_pre_votes() {
  note(NoteKind::pre_campaign);
  role_ = PreCandidate{{{options_.id, true}}};
  // A leader without its connection may be back, but nobody is kept waiting for that.
  if (leader_lost_) {
    hurry_election();
    fail_reads();
  } else {
    forget_leader();
  }
  ask_for_votes(PreVoteRequest{hard_.term.next(), log_.last(), {}});
  count_pre_votes();
}

void Core::campaign(bool forced) {
  hard_.term = hard_.term.next();
  hard_.vote = options_.id;
  role_ = Candidate{};
  leader_ = NodeId{};
  fail_reads();
  reset_election_timer();
  if (std::exchange(leader_lost_, false)) {
    // Those who lost it together may well split the votes: that should not cost a full timeout.
    const Duration timeout = options_.timing.election_timeout;
    election_deadline_ = now_ + draw(timeout / 4, timeout / 2);
  }
  note(NoteKind::campaign);
  ask_for_votes(VoteRequest{log_.last(), forced, {}});
}

template <class Request>
void Core::ask_for_votes(Request request) {
  for (const Member& member : membership().membership->members) {
    if (member.id == options_.id || !membership().membership->is_voter(member.id)) continue;
    request.voter = member.instance;
    claim(member.id, request);
  }
}

void Core::count_pre_votes() {
  const auto* candidate = std::get_if<PreCandidate>(&role_);
  if (candidate == nullptr) return;
  switch (tally(*membership().membership, candidate->votes)) {
    case Verdict::won:
      campaign(false);
      return;
    case Verdict::lost:
      role_ = Follower{};  // The timer runs on.
      return;
    case Verdict::pending:
      return;
  }
}

// The own vote counts like any other: once it is on disk.
void Core::count_votes() {
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr) return;
  if (durable_hard_.term == hard_.term && durable_hard_.vote == options_.id) {
    candidate->votes[options_.id] = true;
  }
  switch (tally(*membership().membership, candidate->votes)) {
    case Verdict::won:
      become_leader();
      return;
    case Verdict::lost:
      become_follower(hard_.term, NodeId{});
      return;
    case Verdict::pending:
      return;
  }
}

void Core::become_leader() {
  RAFT_ASSERT(durable_hard_.term == hard_.term && durable_hard_.vote == options_.id);
  note(NoteKind::became_leader, {}, log_.last_index());
  leader_ = options_.id;
  leader_lost_ = false;
  fail_reads();
  Leader leader;
  leader.time_at_start = log_.last_time();
  leader.clock_at_start = now_;
  leader.term_start = log_.last_index().next();
  role_ = std::move(leader);
  for (const Member& member : membership().membership->members) {
    if (member.id != options_.id) add_peer(member.id);
  }
  append_as_leader(Noop{});
}

/// Whether a working leader was heard of so recently that no other should be elected.
bool Core::is_sticky() const {
  if (!options_.check_quorum) return false;
  if (is_leader()) return true;
  if (leader_lost_) return false;
  return leader_ && now_ - last_leader_contact_ < options_.timing.election_timeout;
}

/// Why this node would not vote for a candidate whose log ends at `candidate_last`.
///
/// The candidate counts the vote of one data directory, `voter`, and only that one may give it. So
/// majorities intersect in directories, each of which votes once in a term and forgets nothing:
///  - A wiped disk under an old id has forgotten its promises, and is another instance than the
///    one that every membership names, until it has been removed and taken in anew.
///  - Then two directories may be running under one id. Whoever still names the old one lacks its
///    committed removal, and so loses to the log of a voter who has it; asked through the new one,
///    or the other way round, an id would count twice in a term.
///  - A newcomer may vote before it has the entry that names it: the candidate has. What the own
///    log says does not matter, for its membership may be the stale one (thesis 4.2.2), and it
///    must not: where old voters are down, the newcomer's vote may be the one that is missing.
/// An older copy of the same directory cannot be told from it here; see Gatekeeper.
std::optional<NoteKind> Core::reason_to_refuse(EntryId candidate_last, bool forced,
                                               InstanceId voter) const {
  if (voter != options_.instance) return NoteKind::vote_refused_no_member;
  if (candidate_last < log_.last()) return NoteKind::vote_refused_stale_log;
  if (forced) return std::nullopt;
  if (now_ < promised_until_) return NoteKind::vote_refused_lease;
  if (is_sticky()) return NoteKind::vote_refused_sticky;
  return std::nullopt;
}

void Core::on(const Message& message, const PreVoteRequest& request) {
  tell_if_removed(message.from);
  std::optional<NoteKind> refusal = reason_to_refuse(request.last, false, request.voter);
  if (request.campaign <= hard_.term) refusal = NoteKind::vote_refused_already_voted;
  if (refusal) note(*refusal, message.from);
  claim(message.from, PreVoteReply{request.campaign, !refusal});
}

void Core::on(const Message& message, const PreVoteReply& reply) {
  auto* candidate = std::get_if<PreCandidate>(&role_);
  if (candidate == nullptr || reply.campaign != hard_.term.next()) return;
  candidate->votes.emplace(message.from, reply.granted);
  count_pre_votes();
}

void Core::on(const Message& message, const VoteRequest& request) {
  tell_if_removed(message.from);
  std::optional<NoteKind> refusal = reason_to_refuse(request.last, request.forced, request.voter);
  if (hard_.vote && hard_.vote != message.from) refusal = NoteKind::vote_refused_already_voted;
  if (refusal) {
    note(*refusal, message.from);
    claim(message.from, VoteReply{false});
    return;
  }
  note(NoteKind::vote_granted, message.from);
  hard_.vote = message.from;
  role_ = Follower{};
  reset_election_timer();
  claim(message.from, VoteReply{true});
}

void Core::on(const Message& message, const VoteReply& reply) {
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr) return;
  candidate->votes.emplace(message.from, reply.granted);
  count_votes();
}

// Whoever campaigns although the committed membership does not name it may not know (thesis 4.2.3).
// A learner never campaigns, so whoever connects is told too. Those on their way in, or named later
// than this node knows, take it for no news.
void Core::tell_if_removed(NodeId sender) {
  const LoggedMembership& current = membership();
  if (current.index > hard_.commit || current.membership->members.empty()) return;
  if (current.membership->find(sender) != nullptr) return;
  claim(sender, Removed{current.index});
}

void Core::on(const Message& message, const Removed& news) {
  const LoggedMembership& own = membership();
  // Who was never named by a committed membership has not lost anything: the entry that took it in
  // was replaced, and it may be asking again.
  if (!named_by_ || removed()) return;
  // Only news: our own log may already hold the membership that takes us in again.
  if (news.membership < own.index) return;
  // At an equal index stands the very entry that removed us, or one that it will replace; only a
  // committed one that names us proves the news wrong.
  const bool is_named = own.membership->names(options_.id, options_.instance);
  if (news.membership == own.index && own.index <= hard_.commit && is_named) return;
  note(NoteKind::removed, message.from, news.membership);
  removed_by_ = news.membership;
  become_follower(hard_.term, NodeId{});
}

// A directory that is taken in again serves again: it has forgotten nothing. Taken from the log as
// it is, so that this too is rolled back.
bool Core::removed() const {
  const LoggedMembership& own = membership();
  return removed_by_ &&
         (own.index <= *removed_by_ || !own.membership->names(options_.id, options_.instance));
}

// A leader that no majority answers any more makes room, so that clients are not kept waiting
// (thesis 6.2) and stickiness cannot hold off its successor.
void Core::check_quorum() {
  if (!options_.check_quorum) return;
  const Leader& leader = *leading();
  const auto is_heard = [&](NodeId id) {
    if (id == options_.id) return true;
    const auto peer = leader.peers.find(id);
    return peer != leader.peers.end() &&
           now_ - peer->second.last_heard < options_.timing.election_timeout;
  };
  // While its own removal is under way a leader answers for itself in no half.
  if (has_quorum(*membership().membership, is_heard)) return;
  note(NoteKind::stepped_down_without_quorum);
  become_follower(hard_.term, NodeId{});
}

}  // namespace raft::core
