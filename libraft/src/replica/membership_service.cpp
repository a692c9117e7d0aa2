#include "replica/membership_service.hpp"

#include <optional>
#include <utility>

namespace raft::replica {
namespace {

/// Completes and removes whoever `result` has an answer for.
template <class Answer>
void complete_if(auto& waiting, Completions& completions, Answer result) {
  std::erase_if(waiting, [&](auto& one) {
    std::optional<Result<void>> answer = result(one);
    if (answer) completions.push_back({std::move(one.done), *std::move(answer)});
    return answer.has_value();
  });
}

const Error cancelled{Errc::unknown_outcome, "cancelled"};
const Error deadline_passed{Errc::unknown_outcome, "the deadline passed"};

using Answer = std::optional<Result<void>>;

template <class Waiting>
auto cancels(std::uint64_t ticket) {
  return [ticket](const Waiting& one) -> Answer {
    if (one.ticket != ticket) return std::nullopt;
    return cancelled;
  };
}

template <class Waiting>
auto expires(Instant now) {
  return [now](const Waiting& one) -> Answer {
    if (now < one.deadline) return std::nullopt;
    return deadline_passed;
  };
}

}  // namespace

void PendingChanges::wait_for(EntryId begun, Instant deadline, std::uint64_t ticket, Done done) {
  waiting_.push_back({begun, deadline, ticket, false, std::move(done)});
}

void PendingChanges::applied(EntryId entry, const LoggedMembership& membership,
                             Completions& completions) {
  if (waiting_.empty()) return;
  complete_if(waiting_, completions, [&](Waiting& one) -> Answer {
    if (entry.index == one.begun.index) {
      if (entry.term != one.begun.term) return Errc::dropped;
      one.is_applied = true;
    }
    if (!one.is_applied || membership.membership->is_joint()) return std::nullopt;
    return Result<void>{};
  });
}

void PendingChanges::skipped(Index upto, Completions& completions) {
  complete_if(waiting_, completions, [&](const Waiting& one) -> Answer {
    if (one.begun.index > upto) return std::nullopt;
    return Error{Errc::unknown_outcome, "a snapshot took the place of the entry"};
  });
}

void PendingChanges::expire(Instant now, Completions& completions) {
  complete_if(waiting_, completions, expires<Waiting>(now));
}

void PendingChanges::cancel(std::uint64_t ticket, Completions& completions) {
  complete_if(waiting_, completions, cancels<Waiting>(ticket));
}

void PendingChanges::fail_all(const Error& error, Completions& completions) {
  complete_if(waiting_, completions, [&](const Waiting&) -> Answer { return error; });
}

void PendingTransfers::wait_for(NodeId target, Instant deadline, std::uint64_t ticket, Done done) {
  waiting_.push_back({target, deadline, ticket, std::move(done)});
}

void PendingTransfers::leader_is(NodeId leader, Completions& completions) {
  complete_if(waiting_, completions, [&](const Waiting& one) -> Answer {
    if (leader != one.target) return std::nullopt;
    return Result<void>{};
  });
}

void PendingTransfers::expire(Instant now, Completions& completions) {
  complete_if(waiting_, completions, [&](const Waiting& one) -> Answer {
    if (now < one.deadline) return std::nullopt;
    return Errc::timed_out;
  });
}

void PendingTransfers::cancel(std::uint64_t ticket, Completions& completions) {
  complete_if(waiting_, completions, cancels<Waiting>(ticket));
}

void PendingTransfers::fail_all(const Error& error, Completions& completions) {
  complete_if(waiting_, completions, [&](const Waiting&) -> Answer { return error; });
}

std::uint64_t ForwardedRequests::forward(NodeId leader, Instant deadline, std::uint64_t ticket,
                                         Done done) {
  waiting_.push_back({++last_number_, leader, deadline, ticket, std::move(done)});
  return last_number_;
}

void ForwardedRequests::answered(std::uint64_t number, Result<void> result,
                                 Completions& completions) {
  complete_if(waiting_, completions, [&](const Waiting& one) -> Answer {
    if (one.number != number) return std::nullopt;
    return result;
  });
}

void ForwardedRequests::lost(NodeId leader, Completions& completions) {
  complete_if(waiting_, completions, [&](const Waiting& one) -> Answer {
    if (one.leader != leader) return std::nullopt;
    return Error{Errc::unknown_outcome, "the connection to the leader broke"};
  });
}

void ForwardedRequests::expire(Instant now, Completions& completions) {
  complete_if(waiting_, completions, expires<Waiting>(now));
}

void ForwardedRequests::cancel(std::uint64_t ticket, Completions& completions) {
  complete_if(waiting_, completions, cancels<Waiting>(ticket));
}

void ForwardedRequests::fail_all(const Error& error, Completions& completions) {
  complete_if(waiting_, completions, [&](const Waiting&) -> Answer { return error; });
}

}  // namespace raft::replica
