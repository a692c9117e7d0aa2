// What the weather does to one packet.
#pragma once

#include <cstddef>
#include <optional>

#include <libraft/types.hpp>
#include "core/random.hpp"
#include "sim/network/weather.hpp"
#include "wire/frame.hpp"

namespace raft::sim {

struct Fate {
  Duration latency{0};
  bool is_delayed = false;
  bool is_dropped = false;
  bool is_doubled = false;
  bool is_reordered = false;
  bool brings_old = false;                 ///< A frame of the past comes along.
  std::optional<std::size_t> breaks_at;    ///< After so many bytes the connection breaks.
  std::optional<std::size_t> flipped_bit;  ///< Counted from the front.
};

/// Frames of the handshake are only delayed, broken off and flipped, service messages also dropped.
Fate draw_fate(const NetworkWeather& weather, BytesView frame, core::Random& dice);

}  // namespace raft::sim
