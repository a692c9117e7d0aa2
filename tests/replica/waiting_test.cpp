// Whoever waits for a proposal, a read, a change or a transfer: each is told once, and never more
// than is known.
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "replica/membership_service.hpp"
#include "replica/proposals.hpp"
#include "replica/reads.hpp"

namespace raft::replica {
namespace {

Instant at(std::int64_t seconds) { return Instant(std::chrono::seconds(seconds)); }
EntryId id(std::uint64_t term, std::uint64_t index) { return {Term{term}, Index{index}}; }

Proposal proposal(std::uint64_t ticket, Instant deadline = never) {
  return {ticket, {}, deadline, {}};
}

Outcome outcome(EntryId entry, Result<Bytes> reply = Bytes("reply")) {
  return {entry, std::move(reply)};
}

/// "ticket: what it was told", in order.
std::vector<std::string> told(const Answers& answers) {
  std::vector<std::string> lines;
  for (const Answer& answer : answers) {
    lines.push_back(std::to_string(answer.proposal.ticket) + ": " +
                    (answer.result ? answer.result->reply : to_string(answer.result.code())));
  }
  return lines;
}

std::vector<std::uint64_t> tickets(const std::vector<Read>& reads) {
  std::vector<std::uint64_t> numbers;
  for (const Read& read : reads) numbers.push_back(read.ticket);
  return numbers;
}

Read read(std::uint64_t ticket, Instant deadline = never) {
  Read one;
  one.ticket = ticket;
  one.deadline = deadline;
  return one;
}

/// Runs what was completed and gives the results by name.
std::vector<std::string> results(Completions& completions) {
  std::vector<std::string> lines;
  for (Completion& one : completions) {
    lines.push_back(one.result ? "done" : to_string(one.result.code()));
  }
  completions.clear();
  return lines;
}

LoggedMembership simple(std::uint64_t index) {
  auto membership = std::make_shared<Membership>();
  membership->members.push_back({NodeId{1}, InstanceId{1, 1}, "a", Role::voter, false, {}});
  return {Index{index}, membership};
}

LoggedMembership joint(std::uint64_t index) {
  auto membership = std::make_shared<Membership>(*simple(index).membership);
  membership->outgoing.push_back(NodeId{1});
  return {Index{index}, membership};
}

using Lines = std::vector<std::string>;
using Tickets = std::vector<std::uint64_t>;

}  // namespace

// --- proposals ---

TEST_CASE("a proposal is answered by its own entry", "[replica][proposals]") {
  Proposals proposals;
  Answers answers;
  proposals.wait_for(id(2, 5), proposal(1));
  proposals.wait_for(id(2, 6), proposal(2));
  proposals.applied(outcome(id(2, 4)), answers);
  CHECK(answers.empty());
  proposals.applied(outcome(id(2, 5)), answers);
  CHECK(told(answers) == Lines{"1: reply"});
  CHECK(answers.front().result->id == id(2, 5));
  CHECK(proposals.size() == 1);
}

// Saying `dropped` on anything less than another entry at the same index would invite a retry that
// is executed twice; saying it late leaves the caller waiting for ever.
TEST_CASE("a proposal is dropped when another entry is applied at its index",
          "[replica][proposals]") {
  Proposals proposals;
  Answers answers;
  proposals.wait_for(id(2, 5), proposal(1));
  proposals.wait_for(id(3, 5), proposal(2));
  proposals.applied(outcome(id(3, 5)), answers);
  CHECK(told(answers) == Lines{"1: dropped", "2: reply"});
  CHECK(proposals.size() == 0);
}

TEST_CASE("the machine's refusal goes to the proposer", "[replica][proposals]") {
  Proposals proposals;
  Answers answers;
  proposals.wait_for(id(2, 5), proposal(1));
  proposals.applied(outcome(id(2, 5), Errc::session_expired), answers);
  CHECK(told(answers) == Lines{"1: session_expired"});
}

// Behind a snapshot nobody knows which entry stood there: neither success nor `dropped`.
TEST_CASE("a proposal that a snapshot jumped over has an unknown outcome", "[replica][proposals]") {
  Proposals proposals;
  Answers answers;
  for (std::uint64_t index : {5u, 6u, 7u}) proposals.wait_for(id(2, index), proposal(index));
  proposals.skipped(Index{6}, answers);
  CHECK(told(answers) == Lines{"5: unknown_outcome", "6: unknown_outcome"});
  proposals.applied(outcome(id(2, 7)), answers);
  CHECK(told(answers).back() == "7: reply");
}

TEST_CASE("deadline, cancellation and the end leave the outcome unknown", "[replica][proposals]") {
  Proposals proposals;
  Answers answers;
  proposals.wait_for(id(2, 5), proposal(1, at(10)));
  proposals.wait_for(id(2, 6), proposal(2, at(20)));
  proposals.wait_for(id(2, 7), proposal(3));
  proposals.expire(at(9), answers);
  CHECK(answers.empty());
  proposals.expire(at(10), answers);
  CHECK(told(answers) == Lines{"1: unknown_outcome"});
  answers.clear();
  proposals.cancel(3, answers);
  CHECK(told(answers) == Lines{"3: unknown_outcome"});
  answers.clear();
  proposals.fail_all({Errc::unknown_outcome, "over"}, answers);
  CHECK(told(answers) == Lines{"2: unknown_outcome"});
  CHECK(answers.front().result.error().detail == "over");
  CHECK(proposals.size() == 0);
}

// An answer that comes after the connection broke must find nobody: the caller was told already.
TEST_CASE("a forwarded proposal is answered once", "[bug-42][replica][proposals]") {
  ForwardedProposals forwarded;
  Answers answers;
  const auto first = forwarded.forward(NodeId{2}, 10, proposal(1));
  const auto second = forwarded.forward(NodeId{3}, 10, proposal(2));
  const auto third = forwarded.forward(NodeId{2}, 10, proposal(3, at(10)));
  CHECK(first != second);
  REQUIRE(forwarded.take(first));
  CHECK_FALSE(forwarded.take(first));
  forwarded.lost(NodeId{2}, answers);
  CHECK(told(answers) == Lines{"3: unknown_outcome"});
  CHECK_FALSE(forwarded.take(third));
  forwarded.expire(at(100), answers);
  CHECK(forwarded.size() == 1);
  forwarded.cancel(2, answers);
  CHECK(told(answers).back() == "2: unknown_outcome");
  CHECK(forwarded.size() == 0);
}

// Would overflow the send queue: the link closes and every caller is left with an unknown outcome.
TEST_CASE("no more is passed on than the way to the leader holds", "[replica][proposals]") {
  ForwardedProposals forwarded;
  Answers answers;
  CHECK(forwarded.has_room(2 * forwarded_bytes_max));  // Alone it has to get through.
  const auto first = forwarded.forward(NodeId{2}, forwarded_bytes_max - 10, proposal(1));
  CHECK(forwarded.has_room(10));
  CHECK_FALSE(forwarded.has_room(11));
  static_cast<void>(forwarded.forward(NodeId{3}, 10, proposal(2)));
  CHECK_FALSE(forwarded.has_room(1));
  forwarded.lost(NodeId{3}, answers);
  CHECK(forwarded.has_room(10));
  CHECK_FALSE(forwarded.has_room(11));
  REQUIRE(forwarded.take(first));
  static_cast<void>(forwarded.forward(NodeId{2}, 10, proposal(3)));
  CHECK(forwarded.has_room(forwarded_bytes_max - 10));
}

// A deadline of Duration::max() must not wrap around into the past.
TEST_CASE("what is due after all time is never due", "[replica][proposals]") {
  CHECK(after(at(5), Duration{7}) == at(5) + Duration{7});
  CHECK(after(at(5), Duration::max()) == never);
  CHECK(after(at(5), never - at(5)) == never);
  CHECK(after(at(5), never - at(5) - Duration{1}) == never - Duration{1});
}

// --- reads ---

TEST_CASE("reads wait for the grant and then for the machine", "[replica][reads]") {
  Reads reads;
  reads.wait_for_grant(7, read(1));
  reads.wait_for_grant(7, read(2));
  reads.wait_for_grant(8, read(3));
  CHECK(reads.take_granted(6).empty());
  auto granted = reads.take_granted(7);
  CHECK(tickets(granted) == Tickets{1, 2});
  CHECK(reads.take_granted(7).empty());
  reads.wait_for_apply(Index{10}, std::move(granted[0]));
  reads.wait_for_apply(Index{9}, std::move(granted[1]));
  CHECK(reads.size() == 3);
  CHECK(reads.take_ready(Index{8}).empty());
  CHECK(tickets(reads.take_ready(Index{10})) == Tickets{2, 1});
  CHECK(reads.size() == 1);
}

// A read forgotten in one of the two places would never be answered.
TEST_CASE("reads expire, are cancelled and end wherever they wait", "[replica][reads]") {
  Reads reads;
  reads.wait_for_grant(7, read(1, at(10)));
  reads.wait_for_grant(7, read(2));
  reads.wait_for_apply(Index{5}, read(3, at(10)));
  reads.wait_for_apply(Index{5}, read(4));
  CHECK(reads.take_expired(at(9)).empty());
  CHECK(tickets(reads.take_expired(at(10))) == Tickets{1, 3});
  CHECK(tickets(reads.take(4)) == Tickets{4});
  CHECK(reads.take(4).empty());
  CHECK(reads.size() == 1);
  CHECK(tickets(reads.take_all()) == Tickets{2});
  CHECK(reads.size() == 0);
}

// --- membership changes ---

TEST_CASE("a change is done once a membership that is not joint is applied",
          "[replica][membership]") {
  PendingChanges changes;
  Completions completions;
  changes.wait_for(id(1, 5), never, 1, {});
  changes.applied(id(1, 4), simple(3), completions);
  CHECK(completions.empty());
  changes.applied(id(1, 5), joint(5), completions);
  CHECK(completions.empty());
  changes.applied(id(1, 6), joint(5), completions);
  CHECK(completions.empty());
  changes.applied(id(1, 7), simple(7), completions);
  CHECK(results(completions) == Lines{"done"});
}

// What replaced it need not be a membership: a change whose leader lost its place must not be
// taken for done when some later change is applied.
TEST_CASE("a change is dropped when another entry is applied at its index",
          "[replica][membership]") {
  PendingChanges changes;
  Completions completions;
  changes.wait_for(id(1, 5), never, 1, {});
  changes.applied(id(2, 5), simple(3), completions);
  CHECK(results(completions) == Lines{"dropped"});
  changes.applied(id(2, 6), simple(6), completions);
  CHECK(completions.empty());
}

TEST_CASE("a change that a snapshot jumped over has an unknown outcome", "[replica][membership]") {
  PendingChanges changes;
  Completions completions;
  changes.wait_for(id(1, 5), never, 1, {});
  changes.wait_for(id(1, 9), never, 2, {});
  changes.skipped(Index{8}, completions);
  CHECK(results(completions) == Lines{"unknown_outcome"});
  changes.applied(id(1, 9), simple(9), completions);
  CHECK(results(completions) == Lines{"done"});
}

TEST_CASE("changes are cancelled, expire and fail", "[replica][membership]") {
  PendingChanges changes;
  Completions completions;
  changes.wait_for(id(1, 5), never, 1, {});
  changes.wait_for(id(1, 6), never, 2, {});
  changes.wait_for(id(1, 7), at(10), 3, {});
  changes.expire(at(9), completions);
  CHECK(completions.empty());
  changes.expire(at(10), completions);
  CHECK(results(completions) == Lines{"unknown_outcome"});
  changes.cancel(2, completions);
  CHECK(results(completions) == Lines{"unknown_outcome"});
  changes.fail_all({Errc::unknown_outcome, "over"}, completions);
  CHECK(results(completions) == Lines{"unknown_outcome"});
  changes.applied(id(1, 5), simple(5), completions);
  CHECK(completions.empty());
}

// --- transfers, and requests passed on ---

TEST_CASE("a transfer ends when its target leads, or in time", "[replica][membership]") {
  PendingTransfers transfers;
  Completions completions;
  transfers.wait_for(NodeId{2}, at(10), 1, {});
  transfers.wait_for(NodeId{3}, at(10), 2, {});
  transfers.wait_for(NodeId{4}, at(20), 3, {});
  transfers.leader_is(NodeId{}, completions);
  CHECK(completions.empty());
  transfers.leader_is(NodeId{2}, completions);
  CHECK(results(completions) == Lines{"done"});
  transfers.expire(at(10), completions);
  CHECK(results(completions) == Lines{"timed_out"});
  transfers.cancel(3, completions);
  CHECK(results(completions).size() == 1);
  transfers.expire(at(100), completions);
  CHECK(completions.empty());
}

TEST_CASE("a request passed on is answered, lost, expired or cancelled, once",
          "[bug-42][replica][membership]") {
  ForwardedRequests requests;
  Completions completions;
  const auto first = requests.forward(NodeId{2}, never, 11, {});
  const auto second = requests.forward(NodeId{2}, never, 12, {});
  static_cast<void>(requests.forward(NodeId{3}, never, 13, {}));
  const auto fourth = requests.forward(NodeId{3}, at(10), 14, {});
  requests.answered(first, Error{Errc::conflict, "why"}, completions);
  REQUIRE(completions.size() == 1);
  CHECK(completions.front().result.error().detail == "why");
  CHECK(results(completions) == Lines{"conflict"});
  requests.lost(NodeId{2}, completions);
  CHECK(results(completions) == Lines{"unknown_outcome"});
  requests.answered(second, {}, completions);
  CHECK(completions.empty());
  requests.cancel(13, completions);
  CHECK(results(completions) == Lines{"unknown_outcome"});
  requests.expire(at(9), completions);
  CHECK(completions.empty());
  requests.expire(at(10), completions);
  CHECK(results(completions) == Lines{"unknown_outcome"});
  requests.answered(fourth, {}, completions);
  CHECK(completions.empty());
}

}  // namespace raft::replica
