// The end of a replica: what waits is told, wherever it waits, and nothing new is taken.
#include <catch2/catch.hpp>
#include <memory>
#include <optional>

#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using std::chrono::seconds;

/// One node whose machine runs on the worker.
struct Blocking {
  NoWitness witness;
  HandGroup group;
  const NodeId id{1};
  Replica& replica;
  std::optional<Result<void>> told;
  bool ran = false;

  Blocking()
      : group(1, {},
              [this](NodeId) {
                return std::make_unique<VolatileRegister>(witness, MachineTraits{true, 0});
              }),
        replica(group.replica(id)) {
    group.leader();
    group.settle();
    group.hold_jobs(id);
  }

  /// A read that comes as far as the queue of the worker.
  std::uint64_t read(Instant deadline = never) {
    return replica.read(
        ReadLevel::stale, deadline, [this](Index) { ran = true; },
        [this](const Result<void>& result) {
          REQUIRE_FALSE(told);
          told = result;
        });
  }
  Errc outcome() {
    replica.run_completions();
    REQUIRE(told);
    return told->has_value() ? Errc{} : told->code();
  }
};

}  // namespace

// Catches a caller who is forgotten between the grant of the read and its turn at the machine.
TEST_CASE("a read that waits for the machine can be given up", "[replica][reads]") {
  Blocking node;
  const std::uint64_t ticket = node.read(node.group.node(node.id).driver.time + seconds(5));
  CHECK_FALSE(node.replica.is_idle());
  CHECK(node.replica.status().pending_reads == 1);
  SECTION("by cancellation") {
    node.replica.cancel(ticket);
    CHECK(node.outcome() == Errc::timed_out);
  }
  SECTION("by its deadline") {
    node.group.run_for(seconds(6));
    CHECK(node.outcome() == Errc::timed_out);
  }
  SECTION("by the end of the replica") {
    node.replica.stop();
    CHECK(node.outcome() == Errc::stopped);
  }
  CHECK(node.replica.is_idle());
  node.group.release_jobs();
  node.group.settle();  // Its turn comes all the same, and tells nobody.
}

TEST_CASE("a read that waits for the machine is answered when it has run", "[replica][reads]") {
  Blocking node;
  node.read();
  node.group.release_jobs();
  node.group.settle();
  CHECK(node.outcome() == Errc{});
  CHECK(node.ran);
  CHECK(node.replica.is_idle());
}

// A busy node would never come to its end, and one that only looked at proposals would break off
// a snapshot that somebody waits for.
TEST_CASE("a replica that winds down takes nothing new and finishes what it has", "[replica]") {
  Blocking node;
  const auto snapshot = HandGroup::nobody();
  const auto refused = HandGroup::nobody();
  const std::uint64_t ticket = node.replica.take_snapshot(HandGroup::tell(snapshot));
  CHECK_FALSE(node.replica.is_idle());
  node.replica.wind_down();
  SECTION("a snapshot") { node.replica.take_snapshot(HandGroup::tell(refused)); }
  SECTION("a change") {
    MembershipChange change;
    change.remove.push_back(NodeId{7});
    node.replica.change_membership(change, HandGroup::tell(refused));
  }
  SECTION("a read") {
    node.replica.read(ReadLevel::linearizable, never, {}, HandGroup::tell(refused));
  }
  SECTION("a stale read") {
    node.replica.read(ReadLevel::stale, never, {}, HandGroup::tell(refused));
  }
  node.replica.run_completions();
  REQUIRE(refused->has_value());
  CHECK((*refused)->code() == Errc::stopped);
  CHECK_FALSE(snapshot->has_value());
  node.replica.cancel(ticket);
  node.replica.run_completions();
  REQUIRE(snapshot->has_value());
  CHECK((*snapshot)->code() == Errc::timed_out);
  CHECK(node.replica.is_idle());
}

}  // namespace raft::replica
