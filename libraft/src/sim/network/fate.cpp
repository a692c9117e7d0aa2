#include "sim/network/fate.hpp"

#include <algorithm>
#include <bit>

#include "sim/network/context.hpp"
#include "sim/network/packet.hpp"

namespace raft::sim {
namespace {

// Each doubling is half as likely as the last.
Duration draw_delay(core::Random& dice, const NetworkWeather& weather, Duration usual) {
  const int doublings = 4 + std::countr_zero(dice.next() | std::uint64_t{1} << 16);
  return std::min(usual * (std::int64_t{1} << doublings), std::max(weather.delay_max, usual));
}

std::size_t draw_bit(core::Random& dice, std::size_t bytes) {
  const auto byte = static_cast<std::size_t>(dice.between(0, bytes));
  const auto bit = static_cast<std::size_t>(dice.between(0, 8));
  return byte * 8 + bit;
}

}  // namespace

Fate draw_fate(const NetworkWeather& weather, BytesView frame, core::Random& dice) {
  Fate fate;
  fate.latency = draw_latency(dice, weather);
  if (happens(dice, weather.delay)) {
    fate.is_delayed = true;
    fate.latency = draw_delay(dice, weather, fate.latency);
  }
  if (happens(dice, weather.reset)) {
    fate.breaks_at = static_cast<std::size_t>(dice.between(0, frame.size()));
  }
  if (happens(dice, weather.bit_flip)) fate.flipped_bit = draw_bit(dice, frame.size());

  const wire::FrameType type = type_of(frame);
  if (type != wire::FrameType::message && type != wire::FrameType::service) return fate;
  fate.is_dropped = happens(dice, weather.drop);
  if (type != wire::FrameType::message) return fate;
  fate.is_doubled = happens(dice, weather.duplicate);
  fate.brings_old = happens(dice, weather.late_replay);
  fate.is_reordered = happens(dice, weather.reorder);
  return fate;
}

}  // namespace raft::sim
