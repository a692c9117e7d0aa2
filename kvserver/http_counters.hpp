// What the HTTP server counts. Plain numbers, touched on the server's executor only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kvserver/routes.hpp"

namespace kv {

struct HttpCounters {
  /// Every status that is ever sent, and a place for what this list forgot.
  static constexpr std::array<unsigned, 22> statuses{200, 201, 204, 304, 307, 400, 404, 405,
                                                     408, 409, 410, 412, 413, 414, 415, 417,
                                                     431, 500, 503, 504, 505, 507};
  using ByStatus = std::array<std::uint64_t, statuses.size() + 1>;

  std::array<ByStatus, route_class_count> replies{};
  std::uint64_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  ///< Above the cap.
  std::uint64_t connections_idle = 0;     ///< Closed because nothing came.
  std::uint64_t connections_slow = 0;     ///< Cut: a head, body or reply took too long.
  std::uint64_t body_bytes_inflight = 0;  ///< Bodies being received or waiting for their entry.
  std::uint64_t stream_bytes_unsent = 0;  ///< Of replies without an end.
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;

  void count(RouteClass route, unsigned status) {
    std::size_t at = 0;
    while (at < statuses.size() && statuses[at] != status) ++at;
    ++replies[static_cast<std::size_t>(route)][at];
  }
};

}  // namespace kv
