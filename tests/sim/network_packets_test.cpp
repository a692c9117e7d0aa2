// What happens to packets on a simulated network: each fault has its effect and no other. One
// without an effect would make every simulation pass, and a hidden one would blame the product.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>

#include "sim/network_world.hpp"

namespace raft {
namespace {

using namespace std::chrono_literals;
using namespace test;
using sim::Fault;
using sim::NetworkWeather;

constexpr std::uint64_t seeds = 50;

}  // namespace

// Catches: a fault that strikes without being asked for.
TEST_CASE("in calm weather everything arrives once, in order and in time", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    NetworkWorld world(seed);
    world.start_all(3);
    world.meet();
    const Duration begin = world.events.now();
    for (std::uint64_t number = 1; number <= 100; ++number) {
      for (const auto& [from, process] : world.processes) {
        for (const auto& [to, other] : world.processes) {
          if (from != to) world.send(from, to, number);
        }
      }
    }
    REQUIRE(world.run_until([&] { return world.received(two, one).size() == 100; }));
    CHECK(world.events.now() - begin >= world.network.weather().latency_min);
    world.run_for(2 * world.network.weather().latency_max);
    for (const auto& [at, process] : world.processes) {
      for (const auto& [from, other] : world.processes) {
        if (from != at) CHECK(world.received(at, from) == numbers_up_to(100));
      }
    }
    CHECK(world.faults().empty());
  }
}

// Catches: a delay that breaks the order, or that nobody feels.
TEST_CASE("delayed packets come late and hold up what is behind them", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::delay, 200));
    world.send_numbers(100);
    const std::size_t soon = world.arrived().size();
    CHECK(world.run_until([&] { return world.arrived().size() == 100; }));
    CHECK(soon < 100);
    CHECK(world.arrived() == numbers_up_to(100));
    CHECK(world.faults() == std::set{Fault::delay});
    CHECK_FALSE(world.lost_any());
  }
}

// Catches: a drop that takes more than the packet, or is counted without being one.
TEST_CASE("dropped packets are missing and nothing else is", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::drop, 200));
    world.send_numbers(200);
    world.run_for(1s);
    CHECK(is_increasing(world.arrived()));
    CHECK(world.arrived().size() == 200 - world.effects.of(Fault::drop));
    CHECK(world.faults() == std::set{Fault::drop});
    CHECK_FALSE(world.lost_any());
  }
}

// Catches: copies that replace, or come before, what they are copies of.
TEST_CASE("duplicates come in addition", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::duplicate, 200));
    world.send_numbers(200);
    world.run_for(1s);
    Numbers arrived = world.arrived();
    CHECK(arrived.size() == 200 + world.effects.of(Fault::duplicate));
    std::sort(arrived.begin(), arrived.end());
    arrived.erase(std::unique(arrived.begin(), arrived.end()), arrived.end());
    CHECK(arrived == numbers_up_to(200));
    CHECK(world.faults() == std::set{Fault::duplicate});
    CHECK_FALSE(world.lost_any());
  }
}

// Catches: a replay that only knows the present connection.
TEST_CASE("old packets of earlier connections and lives come again", "[sim][network]") {
  std::uint64_t of_an_earlier_life = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::late_replay, 50));
    world.send_numbers(100);
    world.run_for(1s);
    CHECK(world.arrived().size() == 100 + world.effects.of(Fault::late_replay));
    CHECK_FALSE(world.lost_any());

    world.stop(one);
    world.run_for(1s);
    world.start(one);
    world.meet();
    const std::size_t before = world.arrived().size();
    world.send_numbers(100);
    world.run_for(1s);
    const Numbers arrived = world.arrived();
    of_an_earlier_life += static_cast<std::uint64_t>(
        std::count_if(arrived.begin() + static_cast<std::ptrdiff_t>(before), arrived.end(),
                      [](std::uint64_t number) { return number <= 100; }));
    CHECK(world.faults() == std::set{Fault::late_replay});
  }
  CHECK(of_an_earlier_life > seeds);
}

// Catches: a reordering that loses or doubles.
TEST_CASE("reordered packets all arrive once", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed, only(&NetworkWeather::reorder, 200));
    world.send_numbers(200);
    world.run_for(1s);
    Numbers arrived = world.arrived();
    CHECK_FALSE(is_increasing(arrived));
    std::sort(arrived.begin(), arrived.end());
    CHECK(arrived == numbers_up_to(200));
    CHECK(world.faults() == std::set{Fault::reorder});
    CHECK_FALSE(world.lost_any());
  }
}

// Catches: swapping that needs luck.
TEST_CASE("the last two under way can be swapped", "[sim][network]") {
  Two world(1);
  world.send(one, two, 1);
  world.network.set_weather(only(&NetworkWeather::reorder, 1000));
  world.send(one, two, 2);
  world.run_for(1s);
  CHECK(world.arrived() == Numbers{2, 1});
  CHECK(world.effects.of(Fault::reorder) == 1);
}

// Catches: a limit that only concerns large frames, both directions, or that outlives its healing.
TEST_CASE("a large frame on a slow link holds up what is behind it", "[sim][network]") {
  Two world(1);
  world.network.limit(one, two, 1'000'000);
  world.send(append_of(one, two, 100'000));
  world.send(one, two, 1);
  world.send(two, one, 2);
  world.run_for(90ms);
  CHECK(world.received(one, two) == Numbers{2});
  CHECK(world.arrived().empty());
  world.run_for(20ms);
  CHECK(world.arrived() == Numbers{0, 1});
  CHECK(world.faults() == std::set{Fault::slow_link});

  world.network.heal(one, two);
  world.send(append_of(one, two, 100'000));
  world.run_for(5ms);
  CHECK(world.arrived() == Numbers{0, 1, 0});
  CHECK_FALSE(world.lost_any());
}

// Catches: handshakes that no connection outlives, so that a bad network is an absent one.
TEST_CASE("handshakes are not dropped, doubled or reordered", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    NetworkWorld world(seed);
    NetworkWeather weather;
    weather.drop = weather.duplicate = weather.late_replay = weather.reorder = 1000;
    world.network.set_weather(weather);
    world.start_all(2);
    world.meet();
    CHECK(world.faults().empty());
    world.send(one, two, 1);
    world.run_for(1s);
    CHECK(world.received(two, one).empty());
    CHECK(world.faults() == std::set{Fault::drop});
  }
}

// Catches: arrivals shuffled because they are all late.
TEST_CASE("a paused process gets everything in order afterwards", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Two world(seed);
    world.processes.at(two)->loop->pause();
    world.send_numbers(100);
    world.run_for(1s);
    CHECK(world.arrived().empty());
    world.processes.at(two)->loop->resume();
    world.run_for(1ms);
    CHECK(world.arrived() == numbers_up_to(100));
    CHECK(world.faults().empty());
  }
}

}  // namespace raft
