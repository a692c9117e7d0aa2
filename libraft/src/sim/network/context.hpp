// What all parts of one simulated network share.
#pragma once

#include <cstdint>

#include "core/random.hpp"
#include "sim/effects.hpp"
#include "sim/events.hpp"
#include "sim/network/weather.hpp"
#include "sim/trace.hpp"

namespace raft::sim {

struct NetworkContext {
  Events& events;
  Trace& trace;
  Effects& effects;
  core::Random random;
  NetworkWeather weather{};

  Duration now() const { return events.now(); }
};

/// Draws only what can happen.
inline bool happens(core::Random& random, std::uint64_t permille) {
  return permille > 0 && random.between(0, 1000) < permille;
}

inline bool is_heads(core::Random& random) { return random.between(0, 2) == 0; }

/// From [low, high].
inline Duration draw_between(core::Random& random, Duration low, Duration high) {
  const auto from = static_cast<std::uint64_t>(low.count());
  const auto to = static_cast<std::uint64_t>(high.count());
  return Duration(static_cast<Duration::rep>(random.between(from, to + 1)));
}

inline Duration draw_latency(core::Random& random, const NetworkWeather& weather) {
  return draw_between(random, weather.latency_min, weather.latency_max);
}

}  // namespace raft::sim
