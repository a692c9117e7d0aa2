// What happens to connections on a simulated network: how they break, who is told of it and when,
// and that they come back.
#include <catch2/catch.hpp>
#include <chrono>
#include <set>
#include <string>

#include "sim/network_world.hpp"

namespace raft {
namespace {

using namespace std::chrono_literals;
using namespace test;
using sim::Fault;
using sim::NetworkWeather;

constexpr std::uint64_t seeds = 50;

}  // namespace

// Catches: a connection that goes on after it broke, or does not come back; half a frame taken
// for a whole one.
TEST_CASE("a reset takes what is under way and is made good", "[sim][network]") {
  std::uint64_t broken_frames = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::reset, 20), [&](NodeId, const std::string& text) {
      broken_frames += text.find("no whole frame") != text.npos ? 1 : 0;
    });
    world.send_numbers(500);
    world.clear_up();
    REQUIRE(world.run_until([&] { return world.all_connected(); }));
    world.send_numbers(10);
    world.run_for(1s);
    CHECK(is_increasing(world.arrived()));
    CHECK(world.arrived().size() < 510);
    CHECK(world.arrived().back() == 510);
    CHECK(world.effects.of(Fault::reset) > 0);
    CHECK(world.recorder(one).saw("lost 2"));
    CHECK(world.recorder(two).saw("lost 1"));
    CHECK(world.faults() == std::set{Fault::reset});
  }
  CHECK(broken_frames > seeds);
}

// The same by a call.
TEST_CASE("a reset in the middle of a frame loses the frame", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed);
    world.send(append_of(one, two, std::size_t{1} << 20));
    world.network.reset(one, two);
    REQUIRE(world.run_until([&] { return world.recorder(two).saw("connected 1"); }));
    world.meet();
    CHECK(world.arrived().empty());
    CHECK(world.effects.of(Fault::reset) == 1);
    world.send(one, two, 7);
    world.run_for(10ms);
    CHECK(world.arrived() == Numbers{7});
  }
}

// Catches: an end that is never told, or always at once.
TEST_CASE("a half-open connection ends late or when somebody sends on it", "[sim][network]") {
  std::uint64_t by_sending = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::half_open, 1000));
    const Duration silence_max = world.network.weather().silence_max;
    world.stop(two);
    world.run_for(1ms);
    CHECK_FALSE(world.recorder(one).saw("lost 2"));
    CHECK(world.faults() == std::set{Fault::half_open});
    if (seed % 2 == 0) {
      world.send(one, two, 1);
      world.run_for(10ms);
      by_sending += world.recorder(one).saw("lost 2") ? 1 : 0;
    }
    world.run_for(silence_max);
    CHECK(world.recorder(one).count("lost 2") == 1);
    world.clear_up();
    world.start(two);
    world.meet();
  }
  CHECK(by_sending > 0);
}

// Catches: an end of a reset connection that hears nothing and asks nobody.
TEST_CASE("a reset that one end misses ends for both", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::half_open, 1000));
    world.network.reset(one, two);
    world.run_for(1ms);
    const bool told1 = world.recorder(one).saw("lost 2");
    const bool told2 = world.recorder(two).saw("lost 1");
    CHECK(told1 != told2);
    world.clear_up();
    world.run_for(world.network.weather().silence_max);
    world.meet();
  }
}

// Catches: a checksum that lets anything through, and a damaged length that makes the receiver wait
// for bytes that nobody sends.
TEST_CASE("a flipped bit closes the connection and reaches nobody", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < 20 * seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::bit_flip, 1000));
    world.send(one, two, 1);
    world.clear_up();
    REQUIRE(world.run_until([&] { return world.recorder(two).saw("lost 1"); }));
    // At the other end perhaps in place of the old one, whose loss is then not told.
    REQUIRE(world.run_until([&] { return world.recorder(one).saw("connected 2"); }));
    CHECK(world.arrived().empty());
    CHECK(world.effects.of(Fault::bit_flip) == 1);
    CHECK(world.faults() == std::set{Fault::bit_flip});
  }
}

// Catches: a partition that tells, or leaks, or ends only for some; held packets that always
// arrive, or never do.
TEST_CASE("a short partition holds packets and is not noticed", "[sim][network]") {
  std::set<std::size_t> outcomes;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed);
    world.send(one, two, 1);
    world.network.block(one, two);
    world.network.block(two, one);
    world.send(one, two, 2);
    world.send(two, one, 3);
    world.run_for(2s);
    CHECK(world.arrived().empty());
    CHECK(world.received(one, two).empty());
    CHECK(world.faults() == std::set{Fault::partition});
    CHECK(world.effects.of(Fault::partition) == 3);

    world.network.heal_all();
    world.run_for(10ms);
    outcomes.insert(world.arrived().size());
    world.send(one, two, 4);
    world.run_for(10s);
    CHECK(world.arrived().back() == 4);
    CHECK(is_increasing(world.arrived()));
    CHECK_FALSE(world.lost_any());
  }
  CHECK(outcomes == std::set<std::size_t>{0, 2});
}

// Catches: connections that live on for ever in a partition; dials that get through.
TEST_CASE("a long partition is noticed by both and ends with a new connection", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed);
    world.network.block(one, two);
    world.network.block(two, one);
    world.run_for(4900ms);
    CHECK_FALSE(world.lost_any());
    world.run_for(200ms);
    CHECK(world.recorder(one).saw("lost 2"));
    CHECK(world.recorder(two).saw("lost 1"));
    world.run_for(10s);
    CHECK(world.network.connections_between(one, two) == 0);
    CHECK(world.faults() == std::set{Fault::partition});
    world.network.heal_all();
    world.meet();
  }
}

// Catches: a block that works in both directions, or not at all for who dials.
TEST_CASE("a one-way block lets the other direction through", "[sim][network]") {
  Two world(1);
  world.network.block(one, two);
  for (std::uint64_t number = 1; number <= 100; ++number) {
    world.send(one, two, number);
    world.send(two, one, number);
    world.run_for(10ms);
  }
  CHECK(world.arrived().empty());
  CHECK(world.received(one, two) == numbers_up_to(100));
  CHECK(world.faults() == std::set{Fault::one_way});
  CHECK_FALSE(world.lost_any());
  world.run_for(5s);  // Neither system has heard an answer of the other.
  CHECK(world.recorder(one).saw("lost 2"));
  CHECK(world.recorder(two).saw("lost 1"));
  world.run_for(5s);
  CHECK(world.network.connections_between(one, two) == 0);
  world.network.unblock(one, two);
  world.meet();
}

// Catches: an end that was paused while the other gave up, and that never learns of it because the
// obstruction has ended meanwhile.
TEST_CASE("an end that gave up alone leaves no other behind", "[sim][network]") {
  Two world(1);
  world.network.block(one, two);
  world.processes.at(two)->loop->pause();
  world.run_for(5100ms);
  CHECK(world.recorder(one).saw("lost 2"));
  world.network.heal_all();
  world.processes.at(two)->loop->resume();
  REQUIRE(world.run_until(
      [&] { return world.recorder(two).saw("lost 1") || world.recorder(two).saw("connected 1"); }));
  world.meet();
}

// Catches: a cut that is only a reset, or that heals by itself.
TEST_CASE("a cut refuses until it is healed", "[sim][network]") {
  Two world(1);
  world.network.cut(one, two);
  world.run_for(10ms);
  CHECK(world.recorder(one).saw("lost 2"));
  CHECK(world.recorder(two).saw("lost 1"));
  world.run_for(5s);
  CHECK(world.network.connections_between(one, two) == 0);
  world.network.heal(one, two);
  world.meet();
}

// Catches: an end without an owner that is told, or an owner that never is.
TEST_CASE("a connection may break before its process has taken it", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    NetworkWorld world(seed);
    world.start_all(2);
    world.processes.at(two)->loop->pause();
    world.run_for(10ms);
    CHECK(world.network.connections_between(one, two) == 1);
    world.network.reset(one, two);
    if (seed % 2 == 0) world.run_for(1ms);
    world.processes.at(two)->loop->resume();
    world.meet();
  }
}

// Catches: a stream that a dead process still owns.
TEST_CASE("the death of a process is told at once in calm weather", "[sim][network]") {
  Two world(1);
  world.send(two, one, 1);  // Leaves before it dies.
  world.stop(two);
  world.run_for(2ms);
  CHECK(world.received(one, two) == Numbers{1});
  CHECK(world.recorder(one).saw("lost 2"));
  CHECK(world.faults().empty());
  world.start(two);
  world.meet();
}

}  // namespace raft
