// How packets fare: what goes wrong by chance, and how often.
#pragma once

#include <chrono>
#include <cstdint>

#include <libraft/types.hpp>

namespace raft::sim {

/// May be changed at any time; what is under way keeps its fate. Rates are in permille. With all of
/// them 0 each packet arrives once, in order and soon.
struct NetworkWeather {
  /// One way, drawn for each packet between these two.
  Duration latency_min = std::chrono::microseconds(50);
  Duration latency_max = std::chrono::microseconds(500);
  /// Of one connection, in each direction; 0: no limit. Snapshots take their time, and nothing else
  /// has to wait for them.
  std::uint64_t bytes_per_second = 125'000'000;
  /// After how long without a sign of life a system gives a connection up, as TCP is told to.
  Duration silence_max = std::chrono::seconds(5);

  // Of all packets.
  std::uint64_t delay = 0;  ///< 16 times as long as usual and more, with a heavy tail.
  Duration delay_max = std::chrono::seconds(2);
  std::uint64_t reset = 0;
  std::uint64_t bit_flip = 0;

  /// Of all packets but those of the handshake, which no connection outlives.
  std::uint64_t drop = 0;

  // Of Raft's messages only: they may come in any order and number. Service messages rely on TCP
  // for that, and a request that comes twice would rightly be carried out twice.
  std::uint64_t duplicate = 0;
  std::uint64_t late_replay = 0;
  std::uint64_t reorder = 0;

  /// Of the connections that break or whose process dies: the other end learns of it late.
  std::uint64_t half_open = 0;
};

}  // namespace raft::sim
