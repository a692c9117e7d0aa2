#include "replica/replica.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/describe.hpp"
#include "replica/microseconds.hpp"
#include "replica/options_check.hpp"
#include "util/assert.hpp"

namespace raft::replica {
namespace {

core::Options core_options(const Self& self, const GroupOptions& options) {
  core::Options core;
  core.id = self.id;
  core.instance = self.instance;
  core.boot = self.boot;
  core.seed = self.seed;
  core.timing = options.timing;
  core.limits = options.limits;
  core.pre_vote = options.pre_vote;
  core.check_quorum = options.check_quorum;
  core.lease_reads = options.lease_reads;
  return core;
}

/// The term of an index of a recovered log; absent outside of it.
std::optional<Term> term_at(const RecoveredLog& log, Index index) {
  if (index == log.base.last.index) return log.base.last.term;
  if (index < log.base.last.index || index > log.last) return std::nullopt;
  Term term;
  for (const TermRun& run : log.term_runs) {
    if (run.first <= index) term = run.term;
  }
  return term;
}

/// Restores the machine from the newest snapshot file of an entry that the log has. Any other was
/// received but never installed: only the log's base makes it valid.
Result<std::optional<SnapshotInfo>> restore_from_file(const RecoveredLog& log, Machine& machine,
                                                      storage::SnapshotFiles& files) {
  const auto newest = files.recover(
      [&](EntryId last) { return term_at(log, last.index) == last.term; }, log.base.last.index);
  if (!newest) return newest.error();
  if (!*newest) return std::optional<SnapshotInfo>{};
  auto contents = files.open(**newest);
  if (!contents) return contents.error();
  const Result<void> restored =
      machine.restore(contents->meta(), contents->head_records(), *contents);
  if (!restored) return restored.error();
  return *newest;
}

/// Brings the machine to a state that the log can be applied to.
Result<std::optional<SnapshotInfo>> prepare(const RecoveredLog& log, Machine& machine,
                                            storage::SnapshotFiles& files) {
  if (const Result<void> loaded = machine.load(); !loaded) return loaded.error();
  if (!machine.is_durable()) return restore_from_file(log, machine, files);
  const Index applied = machine.applied().last.index;
  if (applied > log.last) {
    return Error{Errc::corrupt, "the state machine has applied " + to_string(applied) +
                                    ", but the log ends at " + to_string(log.last)};
  }
  // A crash between the log's new base and the machine's restore: do it again.
  if (applied < log.base.last.index) return restore_from_file(log, machine, files);
  return std::optional<SnapshotInfo>{};
}

}  // namespace

Result<std::unique_ptr<Replica>> Replica::open(const Self& self, const GroupOptions& options,
                                               RecoveredLog recovered, StateMachine& machine,
                                               const Ports& ports) {
  if (const Result<void> checked = check(options); !checked) return checked.error();
  auto own = std::make_unique<Machine>(machine);
  auto newest = prepare(recovered, *own, ports.files);
  if (!newest) return newest.error();
  const Index applied = own->applied().last.index;
  return std::unique_ptr<Replica>(
      new Replica(self, options, {std::move(recovered), applied}, std::move(own), *newest, ports));
}

Replica::Replica(const Self& self, const GroupOptions& options, core::Recovered recovered,
                 std::unique_ptr<Machine> machine, std::optional<SnapshotInfo> newest,
                 const Ports& ports)
    : self_(self),
      options_(options),
      ports_(ports),
      machine_(std::move(machine)),
      core_(core_options(self, options), std::move(recovered), ports.driver.now()),
      machine_queue_(ports.worker, machine_->may_block()),
      files_queue_(ports.worker, true),
      sender_(transfer_limits(options), core_, ports.outbox, ports.worker, ports.driver,
              ports.files),
      receiver_(self.id, transfer_limits(options), ports.outbox, files_queue_, ports.driver,
                ports.files,
                [this](const core::SnapshotWanted& wanted, const Result<void>& result) {
                  snapshot_ended(wanted, result);
                }),
      applied_membership_(machine_->applied().membership),
      reached_(machine_->applied().last.index),
      newest_snapshot_(std::move(newest)),
      durable_requested_(machine_->durable_index()) {
  if (newest_snapshot_) static_cast<void>(sender_.have(*newest_snapshot_));
}

Replica::~Replica() = default;

// --- events ---

void Replica::receive(const Message& message) {
  // Nobody gets that far ahead in one step; believing it would use the terms up.
  constexpr std::uint64_t leap_max = std::uint64_t{1} << 32;
  // Who sends one may well send thousands: the count tells how many.
  constexpr Duration absurd_term_log_pause = std::chrono::seconds(10);
  if (message.term.value > core_.term().value + leap_max) {
    ++counters_.absurd_terms;
    const Instant now = ports_.driver.now();
    if (absurd_term_logged_ && now - *absurd_term_logged_ < absurd_term_log_pause) return;
    absurd_term_logged_ = now;
    RAFT_LOG(ports_.log, error,
             "ignored a message with an absurd term, the " +
                 std::to_string(counters_.absurd_terms) + ". so far: " + describe(message));
    return;
  }
  if (failure_) return;
  core_.receive(message, ports_.driver.now());
  wake();
}

/// A newer link may take the place of one whose end nobody told: the peer came back from a power
/// cut, or its old socket was dead. Of what was passed on over that one no answer may ever come.
void Replica::peer_connected(NodeId peer) {
  core_.peer_connected(peer, ports_.driver.now());
  end_forwarded(peer);
  wake();
}

void Replica::peer_lost(NodeId peer) {
  core_.peer_lost(peer, ports_.driver.now());
  end_forwarded(peer);
  wake();
}

/// What another node knows better. Whoever is a member of nothing yet learns from the member that
/// it asks to join whether its id is free.
void Replica::refused(const Refused& why) {
  if (why.reason == Refusal::rolled_back) return fail({Errc::id_taken, why.detail});
  if (why.reason != Refusal::id_taken && why.reason != Refusal::removed) return;
  // A peer whose membership is older than ours is the one that is behind. And who is named by no
  // committed entry yet is still on its way in: whether its id is free it hears from the member
  // that it asks, not from whoever remembers an earlier life of that id.
  if (why.membership < core_.membership().index || !core_.was_named()) return;
  fail({why.reason == Refusal::removed ? Errc::removed : Errc::id_taken, why.detail});
}

void Replica::tick() {
  if (failure_) return;
  const Instant now = ports_.driver.now();
  core_.tick(now);
  expire();
  if (try_again_ && now >= try_again_at_) std::exchange(try_again_, {})();
  if (fetch_again_ && now >= fetch_again_at_) fetch(*std::exchange(fetch_again_, std::nullopt));
  sender_.tick();
  receiver_.tick();
  if (now - last_maintenance_ >= std::chrono::milliseconds(100)) {
    last_maintenance_ = now;
    maintain_log();
  }
  wake();
}

// --- the turn ---

void Replica::pump() {
  while (!failure_ && core_.has_ready()) {
    core::Ready ready = core_.take_ready(ports_.driver.now());
    // Before anything of it is sent or written: what is wrong stays in this process.
    const auto violation = core::check_invariants(core_, previous_);
    RAFT_ASSERT(!violation, *violation);
    carry_out(ready);
  }
}

void Replica::run_completions() {
  // A completion may ask for more, but what that comes to waits for the next turn.
  auto due = std::exchange(completions_, {});
  auto next = due.begin();
  try {
    while (next != due.end()) (*next++)();
  } catch (...) {
    // What a caller's handler throws leaves through whoever runs it, and does not concern the
    // others: they are told when that goes on.
    completions_.insert(completions_.begin(), std::make_move_iterator(next),
                        std::make_move_iterator(due.end()));
    wake();
    throw;
  }
}

void Replica::carry_out(core::Ready& ready) {
  for (const core::Note& note : ready.notes) observe(note);
  if (ready.soft_state) soft_state_changed(*ready.soft_state);
  if (failure_) return;
  for (const Message& message : ready.send) send(message);
  if (ready.persist) persist(*std::move(ready.persist));
  if (failure_) return;
  if (ready.restore) restore(*ready.restore);
  if (!ready.apply.empty()) apply(std::move(ready.apply));
  for (const core::ReadGrant& grant : ready.reads) granted(grant);
  for (const core::LogFetch& wanted : ready.fetch) fetch(wanted);
  for (const core::SnapshotSend& wanted : ready.snapshot_to) {
    if (!sender_.send(wanted)) start_snapshot();
  }
  if (ready.snapshot_wanted) receiver_.start(*ready.snapshot_wanted);
}

/// Whoever has failed, of a sync above all, claims nothing any more in this life (D5).
void Replica::send(const Message& message) {
  RAFT_ASSERT(!failure_, "D5: a failed replica sends: " + describe(message));
  ports_.outbox.send(message);
}

void Replica::persist(PersistWork work) {
  const bool is_first = held_.empty();
  const std::uint64_t number = work.number;
  held_.push_back({number, work.writes(), std::exchange(work.then_send, {})});
  if (!work.writes()) {
    // Only a place in the queue: with nothing before it, its time has come.
    if (is_first) persisted(number, {});
    return;
  }
  if (!work.entries.empty()) counters_.batch_entries.record(work.entries.size());
  const Membership& membership = *core_.membership().membership;
  const bool has_others = membership.members.size() > 1 || membership.is_joint();
  const bool may_wait = core_.is_leader() && has_others;
  if (may_wait) ports_.outbox.flush();
  ports_.storage.write(work, may_wait, [this, number](const Storage::Written& written) {
    persisted(number, written);
  });
}

void Replica::persisted(std::uint64_t number, const Storage::Written& written) {
  if (failure_) return;
  if (!written.result) return fail(written.result.error());
  if (written.took > Duration{0}) counters_.sync_us.record(microseconds(written.took));
  // Of a confirmation out of order, what it lets go would be held for ever.
  RAFT_ASSERT(!held_.empty() && held_.front().number <= number);
  while (!held_.empty() && (held_.front().number <= number || !held_.front().writes)) {
    number = held_.front().number;
    // By now a newer term may have replaced what an older one claimed.
    for (const Message& message : held_.front().messages) {
      if (message.term == core_.term()) send(message);
    }
    held_.pop_front();
  }
  core_.persisted(number, ports_.driver.now());
  wake();
}

void Replica::fetch(const core::LogFetch& wanted) {
  auto entries = std::make_shared<Result<std::vector<EntryPtr>>>(std::vector<EntryPtr>{});
  ports_.worker.run(
      [this, wanted, entries] {
        *entries = ports_.storage.read(wanted.first, wanted.last, wanted.bytes_max);
      },
      [this, wanted, entries] {
        if (failure_) return;
        if (!*entries) {
          if (!wanted.peer) return no_entries_to_apply(wanted, entries->error());
          RAFT_LOG(ports_.log, error,
                   "cannot read old entries for node " + to_string(wanted.peer) + ": " +
                       entries->error().detail);
        }
        core_.fetched(wanted, *entries ? *std::move(*entries) : std::vector<EntryPtr>{},
                      ports_.driver.now());
        wake();
      });
}

/// The log may have been closed to get out of a full disk: no space is a pause here, too.
void Replica::no_entries_to_apply(const core::LogFetch& wanted, const Error& error) {
  constexpr Duration pause = std::chrono::milliseconds(200);
  if (error.code != Errc::storage_full) return fail(error);
  fetch_again_ = wanted;
  fetch_again_at_ = ports_.driver.now() + pause;
}

void Replica::soft_state_changed(const core::SoftState& soft) {
  if (soft.leader != leader_) {
    leader_ = soft.leader;
    RAFT_LOG(ports_.log, info,
             leader_ ? "node " + to_string(leader_) + " leads in term " + to_string(core_.term())
                     : "no leader in term " + to_string(core_.term()));
    ports_.driver.leader_changed(leader_, core_.term());
  }
  Completions completions;
  transfers_.leader_is(leader_, completions);
  tell(completions);
  fail_if_removed();
}

/// Whoever asked for the removal is told first, which takes until its entry is applied. A node
/// that only hears of it will never have that entry, or never know that it is committed.
///
/// This is for good: the process ends, and its directory with the removal in its log says so again
/// in every later life, although the core would serve if it were taken in again. Whoever comes back
/// does so with a new directory.
void Replica::fail_if_removed() {
  if (!core_.removed()) return;
  const LoggedMembership& last = core_.membership();
  const bool is_to_be_applied = last.index <= core_.commit() && reached_ < last.index &&
                                !last.membership->names(self_.id, self_.instance);
  if (is_to_be_applied) return;
  fail({Errc::removed, "this node was removed from the cluster"});
}

void Replica::observe(const core::Note& note) {
  using core::NoteKind;
  switch (note.kind) {
    case NoteKind::campaign:
      ++counters_.elections_started;
      break;
    case NoteKind::became_leader:
      ++counters_.elections_won;
      break;
    case NoteKind::membership_appended:
    case NoteKind::membership_committed:
    case NoteKind::departing_released:
      ports_.driver.membership_changed();
      break;
    case NoteKind::second_leader:
      return fail({Errc::corrupt, "node " + to_string(note.peer) + " claims to lead in term " +
                                      to_string(note.term) + " too: " + describe(core_)});
    default:
      break;
  }
  RAFT_LOG(ports_.log, debug, "term " + to_string(note.term) + ": " + describe(note));
}

// --- the end ---

void Replica::fail(Error error) {
  if (failure_) return;
  failure_ = error;
  RAFT_LOG(ports_.log, error, std::string(message(error.code)) + " " + error.detail);
  held_.clear();  // Whatever claims something stays here for ever.
  Answers answers;
  proposals_.fail_all({Errc::unknown_outcome, error.detail}, answers);
  forwarded_proposals_.fail_all({Errc::unknown_outcome, error.detail}, answers);
  tell(answers);
  Completions completions;
  changes_.fail_all({Errc::unknown_outcome, error.detail}, completions);
  forwarded_requests_.fail_all({Errc::unknown_outcome, error.detail}, completions);
  transfers_.fail_all(error, completions);
  tell(completions);
  for (Read& read : reads_.take_all()) complete(std::move(read.done), error);
  fail_snapshot_callers(error);
  ports_.driver.failed(error);
  wake();
}

void Replica::stop() {
  stopping_ = true;
  const Error appended{Errc::unknown_outcome, "the group is shutting down"};
  const Error stopped{Errc::stopped, "the group is shutting down"};
  Answers answers;
  proposals_.fail_all(appended, answers);
  forwarded_proposals_.fail_all(appended, answers);
  tell(answers);
  Completions completions;
  changes_.fail_all(appended, completions);
  forwarded_requests_.fail_all(appended, completions);
  transfers_.fail_all(stopped, completions);
  tell(completions);
  for (Read& read : reads_.take_all()) complete(std::move(read.done), stopped);
  fail_snapshot_callers(stopped);
}

void Replica::wake() { ports_.driver.wake(); }

void Replica::complete(Done done, Result<void> result) {
  completions_.push_back(
      [done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  wake();
}

void Replica::tell(Completions& completions) {
  for (Completion& one : completions) complete(std::move(one.done), std::move(one.result));
}

void Replica::tell(Answers& answers) {
  if (answers.empty()) return;
  const Instant now = ports_.driver.now();
  for (Answer& answer : answers) {
    const std::size_t kind = answer.result ? 0 : static_cast<std::size_t>(answer.result.code());
    ++counters_.proposals[kind];
    if (kind == 0) {
      counters_.propose_to_applied_us.record(microseconds(now - answer.proposal.proposed));
    }
    completions_.push_back(
        [answer = std::move(answer)]() mutable { answer.proposal.done(std::move(answer.result)); });
  }
  wake();
}

// --- state ---

bool Replica::is_idle() const {
  const std::size_t waiting = proposals_.size() + forwarded_proposals_.size() + reads_.size() +
                              changes_.size() + transfers_.size() + forwarded_requests_.size() +
                              snapshot_callers_.size() + durable_callers_.size();
  return waiting == 0 && held_.empty();
}

Standing Replica::standing() const {
  Index named_at;
  const auto look = [&](const LoggedMembership& logged) {
    if (logged.membership->names(self_.id, self_.instance)) named_at = logged.index;
  };
  look(core_.log().base().membership);
  for (const LoggedMembership& logged : core_.log().memberships()) look(logged);
  return {options_.group, named_at, core_.term(), core_.log().stable()};
}

Status Replica::status() const {
  Status status;
  const Instant now = ports_.driver.now();
  status.id = self_.id;
  status.group = options_.group;
  status.role = core_.role();
  status.term = core_.term();
  status.leader = core_.leader_at_hand();
  status.commit = core_.commit();
  status.applied = reached_;
  status.first_index = core_.log().first_index();
  status.last_index = core_.log().last_index();
  status.membership = core_.membership();
  status.is_member = status.membership.membership->names(self_.id, self_.instance);
  status.is_removed = core_.removed();
  status.storage_full = ports_.storage.is_full() || machine_is_full_;
  status.failure = failure_;
  status.pending_proposals = proposals_.size() + forwarded_proposals_.size();
  status.pending_reads = reads_.size();
  status.since_leader_contact = core_.is_leader() ? Duration{0} : now - core_.last_leader_contact();
  status.receiving_bytes = receiver_.bytes_received();
  status.receiving_bytes_total = receiver_.bytes_total();
  status.counters = counters_;
  status.counters.snapshots_sent = sender_.delivered();
  status.counters.lease_reads = core_.lease_reads();
  if (const core::Leader* leader = core_.leader_state()) {
    for (const auto& [id, peer] : leader->peers) {
      PeerStatus view;
      view.id = id;
      view.match = peer.match;
      view.since_contact = now - peer.last_heard;
      view.round_trip = peer.round_trip;
      view.receiving_snapshot = peer.state == core::Progress::State::snapshot;
      if (const auto found = sender_.transfers().find(id); found != sender_.transfers().end()) {
        view.snapshot_bytes_sent = found->second.bytes_sent;
        view.snapshot_bytes_total = found->second.bytes_total;
      }
      status.peers.push_back(view);
    }
  }
  return status;
}

}  // namespace raft::replica
