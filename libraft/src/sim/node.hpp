// One simulated node: what survives its processes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <libraft/error.hpp>
#include <libraft/sim.hpp>
#include <libraft/types.hpp>
#include "sim/clock.hpp"
#include "sim/disk.hpp"
#include "sim/flushed_machine.hpp"
#include "sim/simulated_storage.hpp"

namespace raft::sim {

class Process;

struct Node {
  Node(NodeId node, InstanceId fresh_instance, Clock own_clock);
  ~Node();

  const NodeId id;
  InstanceId instance;  ///< Of the directory, or of the one that the next start will make.
  Clock clock;
  std::unique_ptr<Disk> disk = std::make_unique<Disk>();
  Ledger ledger;
  FlushPoints points;  ///< The store of a durable machine.
  DiskWeather disk_weather;
  Duration paused_until{0};  ///< Takes no event before.
  bool has_jumped = false;   ///< Its clock, since its last tick.

  std::unique_ptr<Process> process;  ///< Null: down.
  std::uint64_t lives = 0;
  std::optional<Error> failure;  ///< Why the present process stopped working, or the last one.

  /// A bit of its disk has turned that its next start reads, so that it must be refused.
  bool is_rotten = false;
  /// A bit of one of its snapshots has turned, needed or not.
  bool has_rotten_file = false;
  /// Its directory is damaged, lost or old: it cannot go on as this member, whatever it says.
  bool is_lost = false;
};

inline std::string address_of(NodeId id) { return "n" + to_string(id) + ":7000"; }

}  // namespace raft::sim
