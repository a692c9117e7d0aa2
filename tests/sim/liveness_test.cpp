// Shows that each invariant of liveness fires: clusters in good order, and somebody who spoils what
// is judged. A bound that nobody can miss would find nothing.
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "sim/liveness.hpp"

namespace raft::sim {
namespace {

using namespace std::chrono_literals;

/// Three nodes without faults.
class Yard {
 public:
  explicit Yard(const Profile& profile = calm_profile())
      : world_(profile, subject_, trace_, checkers_, effects_),
        calls_(world_),
        operator_(world_, calls_),
        clients_(world_, calls_),
        nemesis_(world_, operator_, clients_),
        liveness_({world_, operator_, clients_, calls_, nemesis_}) {
    REQUIRE(operator_.set_up());
    liveness_.converges();
    REQUIRE(violated() == "");
  }

  static Profile calm_profile() {
    Profile profile;
    profile.nodes = 3;
    return profile;
  }

  std::string violated() const {
    return checkers_.violation() ? checkers_.violation()->invariant : "";
  }
  NodeId leader() const { return world_.leader(); }
  NodeId follower() const { return leader() == NodeId{1} ? NodeId{2} : NodeId{1}; }
  World& world() { return world_; }
  Calls& calls() { return calls_; }
  Liveness& liveness() { return liveness_; }
  Operator& operates() { return operator_; }

  void block(NodeId id) {
    for (const NodeId other : world_.ids()) {
      if (other == id) continue;
      world_.network().block(id, other);
      world_.network().block(other, id);
    }
  }
  void fill_disks() {
    for (const NodeId id : world_.ids()) world_.node(id).disk_weather.is_full = true;
  }
  /// From now on, again and again.
  void keep_doing(Duration pace, const std::function<void()>& what) {
    world_.later(pace, [this, pace, what] {
      what();
      keep_doing(pace, what);
    });
  }

 private:
  Subject subject_ = register_subject();
  Trace trace_;
  Effects effects_;
  Checkers checkers_;
  World world_;
  Calls calls_;
  Operator operator_;
  Clients clients_;
  Nemesis nemesis_;
  Liveness liveness_;
};

}  // namespace

TEST_CASE("a cluster in good order owes nothing", "[sim][liveness]") {
  Yard yard;
  yard.liveness().elects();
  yard.liveness().commits();
  yard.liveness().stays_calm();
  yard.liveness().hands_over();
  yard.liveness().isolates_one();
  yard.liveness().cuts_leader();
  yard.liveness().has_answered();
  yard.liveness().idles();
  yard.liveness().takes_snapshots();
  CHECK(yard.violated() == "");
}

TEST_CASE("no leader in time is V1", "[sim][liveness]") {
  Yard yard;
  for (const NodeId id : yard.world().ids()) yard.block(id);
  yard.world().run_for(3s);
  yard.liveness().elects();
  CHECK(yard.violated() == "V1");
}

TEST_CASE("a new term in quiet times is V1", "[sim][liveness]") {
  Yard yard;
  yard.world().later(1s, [&] { yard.world().crash(yard.leader()); });
  yard.liveness().stays_calm();
  CHECK(yard.violated() == "V1");
}

TEST_CASE("a cluster that commits nothing is V2", "[sim][liveness]") {
  Yard yard;
  yard.fill_disks();
  yard.liveness().commits();
  CHECK(yard.violated() == "V2");
}

TEST_CASE("what is committed and does not reach everybody is V2", "[sim][liveness]") {
  Yard yard;
  yard.block(yard.follower());
  yard.liveness().commits();
  CHECK(yard.violated() == "V2");
}

TEST_CASE("a call without an answer is V3", "[sim][liveness]") {
  Yard yard;
  World& world = yard.world();
  const Instant until = world.node(NodeId{1}).clock.at(world.now()) + 1s;
  yard.calls().begin(NodeId{1}, "write", {}, until);
  world.run_for(1500ms);
  CHECK(yard.calls().overdue() == "");
  world.run_for(1s);
  CHECK(yard.calls().overdue() == "write of node 1");
  yard.liveness().has_answered();
  CHECK(yard.violated() == "V3");
}

TEST_CASE("a learner that is never promoted is V4", "[sim][liveness]") {
  Yard yard;
  World& world = yard.world();
  yard.operates().join_new();
  const NodeId id = world.ids().back();
  yard.block(id);
  Member newcomer;
  newcomer.id = id;
  newcomer.instance = world.node(id).instance;
  newcomer.address = address_of(id);
  newcomer.promote = true;
  MembershipChange change;
  change.add_learners.push_back(newcomer);
  const NodeId leader = yard.leader();
  world.on_node(leader, Duration{0}, [&, leader] {
    world.replica(leader)->change_membership(change, [](const Result<void>&) {});
  });
  world.run_for(1s);
  yard.liveness().converges();
  CHECK(yard.violated() == "V4");
}

TEST_CASE("who does not catch up is V5", "[sim][liveness]") {
  Yard yard;
  yard.block(yard.follower());
  World& world = yard.world();
  const NodeId leader = yard.leader();
  world.on_node(leader, Duration{0}, [&, leader] {
    world.replica(leader)->propose({{}, 0, "x"}, replica::never, [](const Result<Applied>&) {});
  });
  world.run_for(100ms);
  yard.liveness().converges();
  CHECK(yard.violated() == "V5");
}

TEST_CASE("a transfer that does not end, or stands in the way, is V6", "[sim][liveness]") {
  Yard yard;
  SECTION("no end") { yard.world().pause(yard.leader(), 10s); }
  SECTION("nothing is accepted afterwards") { yard.fill_disks(); }
  yard.liveness().hands_over();
  CHECK(yard.violated() == "V6");
}

TEST_CASE("a leader that goes while somebody else is cut off is V7", "[sim][liveness]") {
  Yard yard;
  yard.world().later(1s, [&] { yard.world().crash(yard.leader()); });
  yard.liveness().isolates_one();
  CHECK(yard.violated() == "V7");
}

TEST_CASE("a leader that is cut off and leads on is V8", "[sim][liveness]") {
  Yard yard;
  yard.keep_doing(1ms, [&] { yard.world().network().heal_all(); });
  yard.liveness().cuts_leader();
  CHECK(yard.violated() == "V8");
}

TEST_CASE("events without end, or talk, in an idle cluster are V9", "[sim][liveness]") {
  Yard yard;
  World& world = yard.world();
  const NodeId id = yard.follower();
  SECTION("events") {
    yard.keep_doing(100us, [] {});
  }
  SECTION("messages") {
    yard.keep_doing(100ms, [&, id] {
      world.on_node(id, Duration{0}, [&, id] {
        world.replica(id)->read(ReadLevel::linearizable, replica::never, {},
                                [](const Result<void>&) {});
      });
    });
  }
  yard.liveness().idles();
  CHECK(yard.violated() == "V9");
}

}  // namespace raft::sim
