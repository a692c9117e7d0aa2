// What callers ask of a replica, here or on another node: proposals, reads, changes, transfers.
#include <algorithm>
#include <utility>

#include "core/membership_change.hpp"
#include "protocol/limits.hpp"
#include "replica/guarded.hpp"
#include "replica/replica.hpp"

namespace raft::replica {
namespace {

/// A read changes nothing: one that throws harms nobody but its caller.
Result<void> run_guarded(Read& read) {
  return guarded(Errc::invalid_argument, "the read", [&]() -> Result<void> {
    read.function(read.granted);
    return {};
  });
}

/// What the end of a group means to whoever asks something of it. How it tried to join concerns
/// only whoever began it.
Error refusal_after(const Error& failure) {
  switch (failure.code) {
    case Errc::removed:
    case Errc::corrupt:
    case Errc::storage_failed:
    case Errc::machine_failed:
      return failure;
    default:
      return {Errc::stopped, failure.detail};
  }
}

}  // namespace

/// Why nothing may be proposed now, whoever leads.
std::optional<Error> Replica::reason_to_refuse() const {
  if (failure_) return refusal_after(*failure_);
  if (stopping_) return Error{Errc::stopped, "the group is shutting down"};
  if (ports_.storage.is_full()) return Error{Errc::storage_full, "the disk is nearly full"};
  if (machine_is_full_) return Error{Errc::storage_full, "the state machine waits for space"};
  return std::nullopt;
}

std::optional<Error> Replica::reason_to_refuse(const Command& command) const {
  if (auto refusal = reason_to_refuse()) return refusal;
  if (command.client.size() > client_bytes_max) {
    return Error{Errc::invalid_argument, "a client's name has at most 64 bytes"};
  }
  if (!command.client.empty() && command.sequence == 0) {
    return Error{Errc::invalid_argument, "the requests of a session are numbered from 1"};
  }
  if (command.bytes.size() > options_.limits.command_bytes_max) {
    return Error{Errc::too_large, "the command is larger than command_bytes_max"};
  }
  if (proposals_.size() + forwarded_proposals_.size() >= options_.limits.pending_proposals_max) {
    return Error{Errc::busy, "too many proposals are waiting"};
  }
  return std::nullopt;
}

std::uint64_t Replica::propose(Command command, Instant deadline, Proposal::Done done) {
  Proposal proposal{++last_ticket_, ports_.driver.now(), deadline, std::move(done)};
  const std::uint64_t ticket = proposal.ticket;
  std::optional<Error> refusal = reason_to_refuse(command);
  if (!refusal) {
    refusal = core_.is_leader() ? append(command, proposal) : forward(command, proposal);
  }
  if (!refusal) {
    wake();
    return ticket;
  }
  Answers answers;
  answers.push_back({std::move(proposal), *std::move(refusal)});
  tell(answers);
  return ticket;
}

/// Takes both, unless there is a reason why not.
std::optional<Error> Replica::append(Command& command, Proposal& proposal) {
  const Result<EntryId> entry = core_.propose(std::move(command), proposal.proposed);
  if (!entry) return entry.error();
  proposals_.wait_for(*entry, std::move(proposal));
  return std::nullopt;
}

/// The same, to the leader that is known. It is sent once only: see end_forwarded().
std::optional<Error> Replica::forward(Command& command, Proposal& proposal) {
  const NodeId leader = core_.leader_at_hand();
  if (!leader) return Error{Errc::no_leader, "no leader is known"};
  if (!forwarded_proposals_.has_room(command.bytes.size())) {
    return Error{Errc::busy, "too much is on its way to the leader"};
  }
  proposal.deadline = std::min(proposal.deadline, proposal.proposed + answer_wait_max);
  const std::uint64_t number =
      forwarded_proposals_.forward(leader, command.bytes.size(), std::move(proposal));
  ports_.outbox.send(
      ServiceMessage{self_.id, leader, ProposeRequest{{self_.boot, number}, std::move(command)}});
  return std::nullopt;
}

void Replica::on(NodeId from, ProposeRequest request) {
  const auto answer = [this, from, id = request.id](Result<Applied> result) {
    ProposeReply reply;
    reply.id = id;
    if (result && result->reply.size() > content_bytes_max) {
      // It is applied. The caller gets no reply, and from a retry with a session neither.
      reply.error = static_cast<std::uint8_t>(Errc::unknown_outcome);
    } else if (result) {
      reply.entry = result->id;
      reply.reply = std::move(result->reply);
    } else {
      reply.error = static_cast<std::uint8_t>(result.code());
    }
    ports_.outbox.send(ServiceMessage{self_.id, from, std::move(reply)});
  };
  // One hop only: a request that chased a changing leader could go round for ever.
  if (!leads()) return answer(not_leading());
  propose(std::move(request.command), ports_.driver.now() + answer_wait_max, answer);
}

void Replica::on(ProposeReply reply) {
  if (reply.id.boot != self_.boot) return;
  std::optional<Proposal> proposal = forwarded_proposals_.take(reply.id.number);
  if (!proposal) return;
  Result<Applied> result = Applied{std::move(reply.reply), reply.entry};
  if (reply.error != 0) result = static_cast<Errc>(reply.error);
  Answers answers;
  answers.push_back({*std::move(proposal), std::move(result)});
  tell(answers);
}

// --- reads ---

std::uint64_t Replica::read(ReadLevel level, Instant deadline, Read::Function function, Done done) {
  Read read{++last_ticket_, deadline, level == ReadLevel::lease, std::move(function),
            std::move(done)};
  const std::uint64_t ticket = read.ticket;
  if (stopping_ && !failure_) {
    complete(std::move(read.done), Errc::stopped);
  } else if (level == ReadLevel::stale && !failure_) {
    serve(std::move(read));
  } else {
    ask_for_read(std::move(read));
  }
  return ticket;
}

void Replica::ask_for_read(Read read) {
  if (failure_) return complete(std::move(read.done), *failure_);
  if (reads_.size() >= options_.limits.pending_reads_max) {
    return complete(std::move(read.done), Errc::busy);
  }
  const Result<std::uint64_t> asked = core_.request_read(read.lease, ports_.driver.now());
  if (!asked) return complete(std::move(read.done), asked.error());
  reads_.wait_for_grant(*asked, std::move(read));
  wake();
}

void Replica::granted(const core::ReadGrant& grant) {
  for (Read& read : reads_.take_granted(grant.ticket)) {
    if (!grant.index) {
      // Nothing was served, so nothing can go wrong by asking again.
      ask_for_read(std::move(read));
      continue;
    }
    read.granted = *grant.index;
    if (*grant.index <= reached_) {
      serve(std::move(read));
    } else {
      reads_.wait_for_apply(*grant.index, std::move(read));
    }
  }
}

void Replica::serve(Read read) {
  if (!read.function) return complete(std::move(read.done), {});
  const std::uint64_t ticket = read.ticket;
  auto run = std::make_shared<Read>();
  run->function = std::exchange(read.function, {});
  run->granted = read.granted;
  reads_.wait_for_function(std::move(read));
  auto result = std::make_shared<Result<void>>();
  machine_queue_.run([run, result] { *result = run_guarded(*run); },
                     [this, ticket, result] {
                       auto served = reads_.take_served(ticket);
                       if (served) complete(std::move(served->done), std::move(*result));
                     });
}

// --- membership and leadership ---

std::uint64_t Replica::change_membership(MembershipChange change, Done done) {
  const std::uint64_t ticket = ++last_ticket_;
  if (const auto refusal = reason_to_refuse()) {
    complete(std::move(done), *refusal);
  } else if (const auto checked = core::check_size(change); !checked) {
    complete(std::move(done), checked.error());
  } else if (core_.is_leader()) {
    const Result<EntryId> begun = core_.change_membership(change, ports_.driver.now());
    if (!begun) {
      complete(std::move(done), begun.error());
      return ticket;
    }
    changes_.wait_for(*begun, ports_.driver.now() + answer_wait_max, ticket, std::move(done));
    Completions completions;
    if (begun->index <= reached_) changes_.applied(*begun, applied_membership_, completions);
    tell(completions);
    wake();
  } else if (const NodeId leader = core_.leader_at_hand()) {
    const std::uint64_t number = forwarded_requests_.forward(
        leader, ports_.driver.now() + answer_wait_max, ticket, std::move(done));
    ports_.outbox.send(
        ServiceMessage{self_.id, leader, ChangeRequest{{self_.boot, number}, std::move(change)}});
    wake();
  } else {
    complete(std::move(done), Errc::no_leader);
  }
  return ticket;
}

std::uint64_t Replica::transfer_leadership(NodeId target, Done done) {
  const std::uint64_t ticket = ++last_ticket_;
  if (failure_) {
    complete(std::move(done), *failure_);
  } else if (core_.is_leader()) {
    const Instant now = ports_.driver.now();
    const Result<NodeId> successor = core_.transfer_leadership(target, now);
    if (!successor) {
      complete(std::move(done), successor.error());
      return ticket;
    }
    if (*successor == self_.id) {
      complete(std::move(done), {});
      return ticket;
    }
    transfers_.wait_for(*successor, now + 2 * options_.timing.election_timeout, ticket,
                        std::move(done));
    wake();
  } else if (const NodeId leader = core_.leader_at_hand()) {
    if (leader == target) {
      complete(std::move(done), {});
      return ticket;
    }
    const std::uint64_t number = forwarded_requests_.forward(
        leader, ports_.driver.now() + answer_wait_max, ticket, std::move(done));
    ports_.outbox.send(
        ServiceMessage{self_.id, leader, TransferRequest{{self_.boot, number}, target}});
    wake();
  } else {
    complete(std::move(done), Errc::no_leader);
  }
  return ticket;
}

/// Whether it makes sense to ask here. What this node's own trouble is would only mislead another
/// node's callers, who would take it for their node's: they are to ask again, of whoever leads.
bool Replica::leads() const { return core_.is_leader() && !failure_ && !stopping_; }

/// Why a request of another node is refused. It hears this from a failed replica too, whose node
/// may stay up for long: silence would leave its caller waiting.
Error Replica::not_leading() const {
  return {Errc::not_leader, failure_ ? "node " + to_string(self_.id) + " has failed" : ""};
}

/// Answers another node's request once it is done here.
Done Replica::answer_with(NodeId to, RequestId id, Reply reply) {
  auto shared = std::make_shared<Reply>(std::move(reply));
  return [this, to, id, shared](Result<void> result) {
    ServiceReply answer;
    answer.id = id;
    if (!result) {
      answer.error = static_cast<std::uint8_t>(result.code());
      answer.detail = result.error().detail;
      if (!failure_) answer.leader = core_.leader_at_hand();
      if (const Member* member = core_.membership().membership->find(answer.leader)) {
        answer.leader_address = member->address;
      }
    }
    ServiceMessage message{self_.id, to, std::move(answer)};
    if (*shared) {
      (*shared)(std::move(message));
    } else {
      ports_.outbox.send(message);
    }
  };
}

void Replica::on(NodeId from, ChangeRequest request, Reply reply) {
  Done done = answer_with(from, request.id, std::move(reply));
  if (!leads()) return complete(std::move(done), not_leading());
  change_membership(std::move(request.change), std::move(done));
}

void Replica::on(NodeId from, TransferRequest request, Reply reply) {
  Done done = answer_with(from, request.id, std::move(reply));
  if (!leads()) return complete(std::move(done), not_leading());
  transfer_leadership(request.target, std::move(done));
}

// Joining is idempotent: whoever is a member with the same instance has joined, and tells at most
// where it is to be reached now.
void Replica::on(NodeId from, JoinRequest request, Reply reply) {
  Done done = answer_with(from, request.id, std::move(reply));
  if (!leads()) return complete(std::move(done), not_leading());
  Member& newcomer = request.member;
  const Member* present = core_.membership().membership->find(newcomer.id);
  if (present != nullptr && present->instance != newcomer.instance) {
    return complete(
        std::move(done),
        Error{Errc::id_taken, "node " + to_string(newcomer.id) +
                                  " is a member with another data directory (instance " +
                                  to_string(present->instance) + ")"});
  }
  if (present != nullptr && present->address == newcomer.address &&
      present->attributes == newcomer.attributes) {
    // What a later leader may still cut makes nobody a member: it would wait for ever.
    if (core_.membership().index <= core_.commit()) return complete(std::move(done), {});
    return complete(std::move(done),
                    Error{Errc::conflict, "the membership that names node " +
                                              to_string(newcomer.id) + " is not committed yet"});
  }
  MembershipChange change;
  if (present != nullptr) {
    change.update.push_back({newcomer.id, newcomer.address, newcomer.attributes});
  } else {
    newcomer.promote = true;
    change.add_learners.push_back(newcomer);
  }
  change_membership(std::move(change), std::move(done));
}

void Replica::on(ServiceReply reply) {
  if (reply.id.boot != self_.boot) return;
  Result<void> result;
  if (reply.error != 0) result = Error{static_cast<Errc>(reply.error), std::move(reply.detail)};
  Completions completions;
  forwarded_requests_.answered(reply.id.number, std::move(result), completions);
  tell(completions);
}

void Replica::receive(ServiceMessage message, Reply reply) {
  const NodeId from = message.from;
  if (auto* propose = std::get_if<ProposeRequest>(&message.body)) {
    on(from, std::move(*propose));
  } else if (auto* proposed = std::get_if<ProposeReply>(&message.body)) {
    on(std::move(*proposed));
  } else if (auto* change = std::get_if<ChangeRequest>(&message.body)) {
    on(from, std::move(*change), std::move(reply));
  } else if (auto* transfer = std::get_if<TransferRequest>(&message.body)) {
    on(from, std::move(*transfer), std::move(reply));
  } else if (auto* answered = std::get_if<ServiceReply>(&message.body)) {
    on(std::move(*answered));
  } else if (auto* join = std::get_if<JoinRequest>(&message.body)) {
    on(from, std::move(*join), std::move(reply));
  } else if (failure_) {
    return;
  } else if (auto* wanted = std::get_if<ChunkRequest>(&message.body)) {
    sender_.received(from, *wanted);
  } else if (auto* chunk = std::get_if<Chunk>(&message.body)) {
    receiver_.received(std::move(*chunk));
  }
  wake();
}

// --- giving up ---

/// What was passed on to this node may have arrived or not, and is never sent again.
void Replica::end_forwarded(NodeId leader) {
  Answers answers;
  forwarded_proposals_.lost(leader, answers);
  tell(answers);
  Completions completions;
  forwarded_requests_.lost(leader, completions);
  tell(completions);
}

void Replica::expire() {
  const Instant now = ports_.driver.now();
  Answers answers;
  proposals_.expire(now, answers);
  forwarded_proposals_.expire(now, answers);
  tell(answers);
  for (Read& read : reads_.take_expired(now)) complete(std::move(read.done), Errc::timed_out);
  Completions completions;
  changes_.expire(now, completions);
  transfers_.expire(now, completions);
  forwarded_requests_.expire(now, completions);
  tell(completions);
}

void Replica::cancel(std::uint64_t ticket) {
  Answers answers;
  proposals_.cancel(ticket, answers);
  forwarded_proposals_.cancel(ticket, answers);
  tell(answers);
  Completions completions;
  changes_.cancel(ticket, completions);
  transfers_.cancel(ticket, completions);
  forwarded_requests_.cancel(ticket, completions);
  tell(completions);
  for (Read& read : reads_.take(ticket)) complete(std::move(read.done), Errc::timed_out);
  cancel_snapshot(ticket);
}

}  // namespace raft::replica
