// The whole network with everything going wrong at once: it can be replayed, and it clears up.
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "core/random.hpp"
#include "sim/network_world.hpp"

namespace raft {
namespace {

using namespace std::chrono_literals;
using sim::Fault;
using sim::NetworkWeather;
using test::NetworkWorld;

constexpr std::uint64_t nodes = 5;

NetworkWeather storm() {
  NetworkWeather weather;
  weather.delay = weather.drop = weather.duplicate = weather.late_replay = weather.reorder = 50;
  weather.reset = weather.bit_flip = 5;
  weather.half_open = 300;
  return weather;
}

void strike(NetworkWorld& world, core::Random& random) {
  const NodeId a{random.between(1, nodes + 1)};
  const NodeId b{random.between(1, nodes + 1)};
  const std::uint64_t kind = random.between(0, 8);
  switch (kind) {
    case 0:
      return world.network.block(a, b);
    case 1:
      return world.network.unblock(a, b);
    case 2:
      return world.network.cut(a, b);
    case 3:
      return world.network.reset(a, b);
    case 4:
      return world.network.silence(a, b);
    case 5:
      return world.network.limit(a, b, 10'000);
    case 6:
      return world.network.heal(a, b);
    default:
      return world.processes.contains(a) ? world.stop(a) : world.start(a);
  }
}

/// Everybody talks to everybody while the network is at its worst.
void rage(NetworkWorld& world, std::uint64_t seed) {
  core::Random random(seed);
  world.start_all(nodes);
  world.network.set_weather(storm());
  for (std::uint64_t number = 1; number <= 400; ++number) {
    for (const auto& [from, process] : world.processes) {
      for (const auto& [to, address] : world.addresses) {
        if (from != to) world.send(from, to, number);
      }
    }
    world.run_for(10ms);
    if (random.between(0, 10) == 0) strike(world, random);
  }
}

}  // namespace

// Catches: chance that does not come from the seed, or that depends on who looks.
TEST_CASE("the same seed gives the same trace", "[sim][network]") {
  const auto hash_of = [](std::uint64_t seed, sim::Trace::Sink sink) {
    NetworkWorld world(seed, std::move(sink));
    rage(world, seed);
    return world.trace.hash();
  };
  std::size_t lines = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const std::uint64_t silent = hash_of(seed, {});
    const std::uint64_t printed = hash_of(seed, [&](NodeId, const std::string&) { ++lines; });
    CHECK(silent == printed);
    CHECK(silent != hash_of(seed + 100, {}));
  }
  CHECK(lines > 1000);
}

// Catches: ends that nobody tells, events that nobody makes: a pair that stays apart for ever.
TEST_CASE("after a storm all find each other again", "[sim][network]") {
  sim::Effects all;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    NetworkWorld world(seed);
    rage(world, seed);
    for (const Fault fault : world.faults()) all.hit(fault);
    for (const auto& [id, address] : world.addresses) {
      if (!world.processes.contains(id)) world.start(id);
    }
    world.network.set_weather({});
    world.network.heal_all();
    world.run_for(20s);
    INFO("seed " << seed);
    REQUIRE(world.all_connected());
    for (auto& [id, process] : world.processes) process->recorder.messages.clear();
    for (const auto& [from, process] : world.processes) {
      for (const auto& [to, other] : world.processes) {
        if (from != to) world.send(from, to, 1000);
      }
    }
    world.run_for(10ms);
    for (const auto& [id, process] : world.processes) {
      CHECK(process->recorder.messages.size() == nodes - 1);
    }
  }
  for (const Fault fault : {Fault::delay, Fault::drop, Fault::duplicate, Fault::late_replay,
                            Fault::reorder, Fault::reset, Fault::half_open, Fault::bit_flip,
                            Fault::slow_link, Fault::partition, Fault::one_way}) {
    INFO("fault " << static_cast<int>(fault));
    CHECK(all.of(fault) > 0);
  }
}

}  // namespace raft
