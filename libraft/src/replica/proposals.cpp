#include "replica/proposals.hpp"

#include <utility>

namespace raft::replica {
namespace {

/// Answers and removes every waiting proposal that `matches`.
template <class Map, class Predicate>
void answer_if(Map& waiting, Answers& answers, const Error& error, Predicate matches) {
  for (auto at = waiting.begin(); at != waiting.end();) {
    if (!matches(at->second)) {
      ++at;
      continue;
    }
    answers.push_back({std::move(at->second.proposal), error});
    at = waiting.erase(at);
  }
}

const Error deadline_passed{Errc::unknown_outcome, "the deadline passed"};
const Error cancelled{Errc::unknown_outcome, "cancelled"};

}  // namespace

void Proposals::wait_for(EntryId entry, Proposal proposal) {
  waiting_.emplace_hint(waiting_.end(), entry.index, Waiting{entry.term, std::move(proposal)});
}

void Proposals::applied(Outcome outcome, Answers& answers) {
  while (!waiting_.empty() && waiting_.begin()->first <= outcome.id.index) {
    Waiting first = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    if (first.term != outcome.id.term) {
      answers.push_back({std::move(first.proposal), Errc::dropped});
    } else if (outcome.reply) {
      answers.push_back(
          {std::move(first.proposal), Applied{*std::move(outcome.reply), outcome.id}});
    } else {
      answers.push_back({std::move(first.proposal), outcome.reply.error()});
    }
  }
}

void Proposals::skipped(Index upto, Answers& answers) {
  while (!waiting_.empty() && waiting_.begin()->first <= upto) {
    answers.push_back({std::move(waiting_.begin()->second.proposal), Errc::unknown_outcome});
    waiting_.erase(waiting_.begin());
  }
}

void Proposals::expire(Instant now, Answers& answers) {
  answer_if(waiting_, answers, deadline_passed,
            [&](const Waiting& one) { return one.proposal.deadline <= now; });
}

void Proposals::cancel(std::uint64_t ticket, Answers& answers) {
  answer_if(waiting_, answers, cancelled,
            [&](const Waiting& one) { return one.proposal.ticket == ticket; });
}

void Proposals::fail_all(const Error& error, Answers& answers) {
  answer_if(waiting_, answers, error, [](const Waiting&) { return true; });
}

std::uint64_t ForwardedProposals::forward(NodeId leader, std::size_t bytes, Proposal proposal) {
  waiting_.emplace_hint(waiting_.end(), ++last_number_,
                        Waiting{leader, bytes, std::move(proposal)});
  bytes_ += bytes;
  return last_number_;
}

std::optional<Proposal> ForwardedProposals::take(std::uint64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return std::nullopt;
  Proposal proposal = std::move(found->second.proposal);
  bytes_ -= found->second.bytes;
  waiting_.erase(found);
  return proposal;
}

template <class Predicate>
void ForwardedProposals::give_up_if(Answers& answers, const Error& error, Predicate matches) {
  answer_if(waiting_, answers, error, [&](const Waiting& one) {
    if (!matches(one)) return false;
    bytes_ -= one.bytes;
    return true;
  });
}

void ForwardedProposals::lost(NodeId leader, Answers& answers) {
  give_up_if(answers, {Errc::unknown_outcome, "the connection to the leader broke"},
             [&](const Waiting& one) { return one.leader == leader; });
}

void ForwardedProposals::expire(Instant now, Answers& answers) {
  give_up_if(answers, deadline_passed,
             [&](const Waiting& one) { return one.proposal.deadline <= now; });
}

void ForwardedProposals::cancel(std::uint64_t ticket, Answers& answers) {
  give_up_if(answers, cancelled, [&](const Waiting& one) { return one.proposal.ticket == ticket; });
}

void ForwardedProposals::fail_all(const Error& error, Answers& answers) {
  give_up_if(answers, error, [](const Waiting&) { return true; });
}

}  // namespace raft::replica
