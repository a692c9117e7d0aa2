// Bugs that other implementations had above the core; see tests/core/past_bugs.cpp.
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <variant>

#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using std::chrono::seconds;

Command command(std::uint64_t number) {
  Command made;
  made.bytes = encode(Operation{number, "k" + std::to_string(number % 5), "v"});
  return made;
}

/// Many proposals at one node, each of whose answers makes the next.
struct Insistence {
  Insistence(HandGroup& the_group, NodeId node) : group(the_group), at(node) {}

  void ask() {
    ++asked;
    const Instant deadline = group.node(at).driver.time + seconds(5);
    group.replica(at).propose(command(asked), deadline, [this](const Result<Applied>&) {
      ++answered;
      is_nested |= is_answering;
      is_answering = true;
      if (asked < asked_max) ask();
      is_answering = false;
    });
  }

  static constexpr std::uint64_t asked_max = 400;
  HandGroup& group;
  const NodeId at;
  std::uint64_t asked = 0;
  std::uint64_t answered = 0;
  bool is_answering = false;
  bool is_nested = false;  ///< An answer came from within a call or another answer.
};

}  // namespace

// braft #531: a leader that stepped down under load ran its callbacks with its lock held, and they
// asked it for something.
TEST_CASE("past bug 37: a leader is deposed under load while every answer asks for more",
          "[bug-37][past-bugs][replica]") {
  HandGroup group(3);
  const NodeId old = group.leader();
  Insistence clients(group, old);
  for (int i = 0; i < 100; ++i) clients.ask();
  group.isolate(old);
  REQUIRE(group.run_until([&] { return !group.replica(old).core().is_leader(); }));
  const NodeId next = group.leader();
  REQUIRE(next != old);
  group.heal();
  const auto all_answered = [&] { return clients.answered == Insistence::asked_max; };
  CHECK(group.run_until(all_answered, seconds(60)));
  CHECK(clients.asked == Insistence::asked_max);
  CHECK_FALSE(clients.is_nested);
  group.propose(1000);
}

// RedisLabs/redisraft #13: a follower passed a command on to whom it took for the leader, who did
// the same, and so on; or it passed it on twice.
TEST_CASE("past bug 42: a command is passed on by one node only, and once",
          "[bug-42][past-bugs][replica]") {
  HandGroup group(3);
  const NodeId leader = group.leader();
  const NodeId asked = group.follower();
  const NodeId third{6 - leader.value - asked.value};
  int answers = 0;
  Errc told{};
  group.replica(asked).propose(command(1), never, [&](const Result<Applied>& result) {
    ++answers;
    if (!result) told = result.code();
  });
  group.replica(asked).pump();
  auto& sent = group.node(asked).outbox.services;
  REQUIRE(sent.size() == 1);
  REQUIRE(std::holds_alternative<ProposeRequest>(sent.front().body));
  CHECK(sent.front().to == leader);
  sent.front().to = third;  // As if the third had led when it was sent.
  group.node(third).outbox.services.clear();
  group.replica(third).receive(std::exchange(sent, {}).front(), {});
  group.replica(third).pump();
  group.replica(third).run_completions();
  const auto& replies = group.node(third).outbox.services;
  REQUIRE(replies.size() == 1);
  CHECK(replies.front().to == asked);
  REQUIRE(std::holds_alternative<ProposeReply>(replies.front().body));
  group.run_for(seconds(3));
  CHECK(answers == 1);
  CHECK(told == Errc::not_leader);
  for (const NodeId id : group.ids())
    CHECK(group.replica(id).core().log().last_index() == Index{2});
}

}  // namespace raft::replica
