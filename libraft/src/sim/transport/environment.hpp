// What all parts of one simulated transport share.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>

#include <libraft/types.hpp>
#include "core/random.hpp"
#include "sim/network.hpp"
#include "wire/connection_machine.hpp"
#include "wire/transport.hpp"

namespace raft::sim {

/// The same as those of the TCP transport; net/environment.hpp says what each is for.
struct TransportRules {
  static constexpr Duration connect_timeout = std::chrono::seconds(2);
  static constexpr Duration handshake_timeout = std::chrono::seconds(5);
  static constexpr Duration introduce_timeout = std::chrono::seconds(5);
  static constexpr Duration idle_timeout = std::chrono::seconds(5);
  static constexpr std::size_t frame_bytes_min = std::size_t{64} << 10;
  static constexpr Duration bulk_idle_timeout = std::chrono::seconds(60);
  static constexpr Duration redial_first = std::chrono::milliseconds(20);
  static constexpr Duration redial_max = std::chrono::seconds(2);
  static constexpr Duration refused_redial_first = std::chrono::seconds(1);
  static constexpr Duration refused_redial_max = std::chrono::seconds(5);
  static constexpr std::size_t newcomers_max = 64;
  static constexpr std::size_t strangers_max = 64;
};

/// Lives as long as the transport.
struct TransportEnvironment {
  Network& network;
  Loop& loop;
  NodeId own;
  wire::TransportHandler& handler;
  wire::ConnectionMachine::Limits limits;
  core::Random random;         ///< Only spreads waiting times.
  std::shared_ptr<Port> port;  ///< Of this life.
};

/// Waits that double from `first` to `max`, each drawn from the upper half of its range.
class Backoff {
 public:
  Backoff(Duration first, Duration max) : first_(first), max_(max), ceiling_(first) {}

  Duration next(core::Random& random) {
    const Duration wait = draw_between(random, ceiling_ / 2, ceiling_);
    ceiling_ = std::min(2 * ceiling_, max_);
    return wait;
  }
  void reset() { ceiling_ = first_; }

 private:
  Duration first_;
  Duration max_;
  Duration ceiling_;
};

}  // namespace raft::sim
