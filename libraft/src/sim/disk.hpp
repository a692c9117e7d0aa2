// The disk of one simulated node: its log, its files, and what can go wrong with both.
#pragma once

#include "core/random.hpp"
#include "sim/disk_faults.hpp"
#include "sim/simulated_engine.hpp"
#include "sim/simulated_files.hpp"

namespace raft::sim {

/// To crash a node: faults().power_off(), destroy all that runs on the disk, power_on(), start
/// again.
class Disk {
 public:
  Disk() : engine_(faults_), files_(faults_) {}
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  DiskFaults& faults() { return faults_; }
  SimulatedEngine& engine() { return engine_; }
  SimulatedFiles& files() { return files_; }

  /// Decides what the power cut has left of what was not synced. Also without power_off() before:
  /// then this is the power cut.
  void power_on(core::Random& random);

 private:
  DiskFaults faults_;
  SimulatedEngine engine_;
  SimulatedFiles files_;
};

}  // namespace raft::sim
