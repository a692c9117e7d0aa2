// What callers ask of a replica, and what they may throw at it.
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using Lines = std::vector<std::string>;

Command command(std::uint64_t number, std::size_t bytes = 1) {
  Command made;
  made.bytes = encode(Operation{number, "k", Bytes(bytes, 'v')});
  return made;
}

/// Proposes by number and keeps what it is told.
struct Caller {
  Replica& replica;
  Lines told{};

  void propose(std::uint64_t number, std::size_t bytes = 1) {
    replica.propose(command(number, bytes), never, [this, number](const Result<Applied>& result) {
      told.push_back(std::to_string(number) +
                     (result ? " done" : std::string(" ") + to_string(result.code())));
    });
  }
};

}  // namespace

// --- what callers throw ---

// Would end the process from a worker thread, or leave the turn half carried out.
TEST_CASE("a read that throws fails alone", "[replica][reads]") {
  for (const bool may_block : {false, true}) {
    NoWitness witness;
    HandGroup group(1, {}, [&](NodeId) {
      return std::make_unique<VolatileRegister>(witness, MachineTraits{may_block, 0});
    });
    Replica& replica = group.replica(group.leader());
    std::vector<std::string> told;
    const auto read = [&](ReadLevel level, Read::Function function) {
      replica.read(level, never, std::move(function), [&told](const Result<void>& result) {
        told.push_back(result ? "done" : result.error().detail);
      });
      group.settle();
    };
    for (const ReadLevel level : {ReadLevel::linearizable, ReadLevel::stale}) {
      read(level, [](Index) { throw std::runtime_error("no such key"); });
      read(level, [](Index) { throw 7; });
      read(level, [](Index) {});
    }
    CHECK(told == Lines{"the read threw: no such key", "the read threw", "done",
                        "the read threw: no such key", "the read threw", "done"});
    CHECK_FALSE(replica.failure());
    group.propose(1);
  }
}

// Callers that nobody ever answers because another one's handler threw.
TEST_CASE("a handler that throws takes no other answers with it", "[replica][proposals]") {
  HandGroup group(1);
  Caller caller{group.replica(group.leader())};
  caller.propose(1);
  caller.replica.propose(command(2), never,
                         [](const Result<Applied>&) { throw std::runtime_error("a handler"); });
  caller.propose(3);
  CHECK_THROWS_AS(group.settle(), std::runtime_error);
  CHECK(caller.told == Lines{"1 done"});
  caller.propose(4);
  group.settle();
  CHECK(caller.told == Lines{"1 done", "3 done", "4 done"});
}

// --- what is passed on ---

TEST_CASE("a follower says busy before the way to the leader is full", "[replica][proposals]") {
  constexpr std::size_t quarter = forwarded_bytes_max / 4 - 100;
  HandGroup group(3);
  Caller caller{group.replica(group.follower())};
  for (std::uint64_t number = 1; number <= 5; ++number) caller.propose(number, quarter);
  caller.replica.run_completions();
  CHECK(caller.told == Lines{"5 busy"});
  group.settle();
  caller.propose(6, quarter);
  group.settle();
  CHECK(caller.told == Lines{"5 busy", "1 done", "2 done", "3 done", "4 done", "6 done"});
}

// --- joining ---

// Would leave a newcomer waiting for ever: it was told that it is a member by a leader whose entry
// nobody else has, and a later leader cut it.
TEST_CASE("who joins is told so once the entry that names it is committed", "[replica][joining]") {
  HandGroup group(3);
  const NodeId leader = group.leader();
  HandNode& node = group.node(leader);
  std::vector<ServiceReply> replies;
  const auto join = [&] {
    JoinRequest request;
    request.member = {NodeId{4}, InstanceId{4, 1}, "n4", Role::learner, false, {}};
    node.replica->receive(
        ServiceMessage{NodeId{4}, leader, std::move(request)},
        [&](ServiceMessage answer) { replies.push_back(std::get<ServiceReply>(answer.body)); });
    group.settle();
  };
  group.isolate(leader);
  join();
  CHECK(replies.empty());
  join();
  REQUIRE(replies.size() == 1);
  CHECK(static_cast<Errc>(replies.back().error) == Errc::conflict);
  group.heal();
  REQUIRE(group.run_until([&] { return replies.size() == 2; }));
  CHECK(replies.back().error == 0);
  join();
  REQUIRE(replies.size() == 3);
  CHECK(replies.back().error == 0);
}

// Expired would point at the wrong mistake.
TEST_CASE("a session's request without a number is refused", "[replica][sessions]") {
  HandGroup group(1);
  Replica& replica = group.replica(group.leader());
  Command unnumbered = command(1);
  unnumbered.client = "client";
  std::optional<Errc> told;
  replica.propose(std::move(unnumbered), never,
                  [&](const Result<Applied>& result) { told = result.code(); });
  group.settle();
  CHECK(told == Errc::invalid_argument);
}

}  // namespace raft::replica
