// What a follower passes on to the leader: whatever becomes of that one and of the link to it, each
// caller is told, once, and no more than is known.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Three nodes, one that leads and one that passes on what it is asked.
struct Passing {
  HandGroup group{3};
  const NodeId leader = group.leader();
  const NodeId asked = group.follower();
  std::vector<std::string> told;

  auto teller(const std::string& what) {
    return [this, what](const auto& result) {
      told.push_back(what + ": " + (result ? "done" : to_string(result.code())));
    };
  }
  void propose() {
    Command command;
    command.bytes = encode(Operation{1, "k", "v"});
    group.replica(asked).propose(std::move(command), never, teller("proposal"));
  }
  void change() {
    MembershipChange change;
    change.update.push_back({asked, "elsewhere:1", {}});
    group.replica(asked).change_membership(change, teller("change"));
  }
  void transfer() { group.replica(asked).transfer_leadership(asked, teller("transfer")); }
  void read() { group.replica(asked).read(ReadLevel::linearizable, never, {}, teller("read")); }
  /// All that a replica passes on with a number of its own.
  void ask() {
    propose();
    change();
    transfer();
  }
  /// The next sync of this node's log is its last.
  void break_disk(NodeId id) { group.node(id).disk.faults().fail_sync_after(0); }
};

using Lines = std::vector<std::string>;
const Lines all_unknown{"proposal: unknown_outcome", "change: unknown_outcome",
                        "transfer: unknown_outcome"};

}  // namespace

// A leader that lost its power sends no end of its connections: all that the others ever see is
// that it dials them again. Whoever had asked it waited for ever.
TEST_CASE("what was passed on over a link that another replaced has an unknown outcome",
          "[replica][forwarding]") {
  Passing passing;
  passing.group.isolate(passing.leader);
  passing.ask();
  passing.group.settle();
  CHECK(passing.told.empty());
  passing.group.replica(passing.asked).peer_connected(passing.leader);
  passing.group.settle();
  CHECK(passing.told == all_unknown);
  passing.group.heal();
  passing.group.run_for(seconds(60));
  CHECK(passing.told.size() == 3);
}

// What the old link still brought must not be told a second time.
TEST_CASE("an answer that comes over the newer link finds nobody",
          "[bug-42][replica][forwarding]") {
  Passing passing;
  passing.propose();
  passing.group.replica(passing.asked).peer_connected(passing.leader);
  passing.group.settle();
  CHECK(passing.told == Lines{"proposal: unknown_outcome"});
}

// Between the end of a leader and the next election whatever is asked would be sent into the void,
// and end as unknown although it certainly never left.
TEST_CASE("nothing is passed on over a link that is known to be broken", "[replica][forwarding]") {
  Passing passing;
  passing.group.replica(passing.asked).peer_lost(passing.leader);
  passing.ask();
  CHECK(passing.group.node(passing.asked).outbox.services.empty());
  passing.group.replica(passing.asked).run_completions();
  CHECK(passing.told == Lines{"proposal: no_leader", "change: no_leader", "transfer: no_leader"});
  passing.told.clear();
  passing.group.replica(passing.asked).peer_connected(passing.leader);
  passing.propose();
  passing.group.settle();
  CHECK(passing.told == Lines{"proposal: done"});
}

// Another node's new link says nothing about the leader's.
TEST_CASE("a link to another node ends nothing", "[replica][forwarding]") {
  Passing passing;
  const NodeId third{6 - passing.leader.value - passing.asked.value};
  passing.propose();
  passing.group.replica(passing.asked).peer_connected(third);
  passing.group.settle();
  CHECK(passing.told == Lines{"proposal: done"});
}

// Without a link that breaks or is replaced nothing else would ever end the waiting.
TEST_CASE("nobody waits longer than half a minute for another node's answer",
          "[replica][forwarding]") {
  Passing passing;
  passing.group.isolate(passing.leader);
  passing.ask();
  passing.group.run_for(answer_wait_max - milliseconds(20));
  CHECK(passing.told.empty());
  passing.group.run_for(milliseconds(40));
  CHECK(passing.told == all_unknown);
}

TEST_CASE("a caller's own deadline is kept where it is shorter", "[replica][forwarding]") {
  Passing passing;
  passing.group.isolate(passing.leader);
  const Instant deadline = passing.group.node(passing.asked).driver.time + seconds(1);
  passing.group.replica(passing.asked).propose({}, deadline, passing.teller("proposal"));
  passing.group.run_for(milliseconds(1020));
  CHECK(passing.told == Lines{"proposal: unknown_outcome"});
}

// A leader that was cut off for good keeps its callers otherwise: its entry is never replaced.
TEST_CASE("a change on a leader that is cut off has an unknown outcome in the end",
          "[replica][forwarding]") {
  Passing passing;
  passing.group.isolate(passing.leader);
  MembershipChange change;
  change.update.push_back({passing.asked, "elsewhere:1", {}});
  passing.group.replica(passing.leader).change_membership(change, passing.teller("change"));
  passing.group.run_for(answer_wait_max - milliseconds(20));
  CHECK(passing.told.empty());
  passing.group.run_for(milliseconds(40));
  CHECK(passing.told == Lines{"change: unknown_outcome"});
}

// Its process stays up and its links stay whole, so that nothing but an answer tells the callers.
TEST_CASE("a failed leader answers what is passed on to it, and does not carry it out",
          "[replica][forwarding]") {
  Passing passing;
  passing.break_disk(passing.leader);
  Command last;
  last.bytes = encode(Operation{7, "k", "v"});
  passing.group.replica(passing.leader).propose(std::move(last), never, passing.teller("last"));
  passing.group.replica(passing.leader).pump();
  REQUIRE(passing.group.replica(passing.leader).failure());
  REQUIRE(passing.group.replica(passing.asked).core().leader() == passing.leader);
  const Index before = passing.group.replica(passing.leader).core().log().last_index();
  passing.ask();
  passing.group.settle();
  const Lines expected{"last: unknown_outcome", "proposal: not_leader", "change: not_leader",
                       "transfer: not_leader"};
  CHECK(passing.told == expected);
  CHECK(passing.group.replica(passing.leader).core().log().last_index() == before);
}

// A read is asked again and again by the core, so that neither end of it can be lost for good.
TEST_CASE("a read that was passed on to a leader which is gone or has failed is served by the next",
          "[replica][forwarding]") {
  for (const bool failed : {false, true}) {
    Passing passing;
    if (failed) {
      passing.break_disk(passing.leader);
      passing.group.replica(passing.leader).propose({}, never, [](const Result<Applied>&) {});
      passing.group.replica(passing.leader).pump();
      REQUIRE(passing.group.replica(passing.leader).failure());
    } else {
      passing.group.isolate(passing.leader);
    }
    passing.read();
    REQUIRE(passing.group.run_until([&] { return !passing.told.empty(); }, seconds(5)));
    CHECK((passing.told == Lines{"read: done"} || passing.told == Lines{"read: no_leader"}));
    if (!failed) passing.group.isolate(passing.leader);
    passing.told.clear();
    REQUIRE(passing.group.run_until(
        [&] { return bool(passing.group.replica(passing.asked).core().leader()); }, seconds(5)));
    passing.read();
    REQUIRE(passing.group.run_until([&] { return !passing.told.empty(); }, seconds(5)));
    CHECK(passing.told == Lines{"read: done"});
  }
}

}  // namespace raft::replica
