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
  Disk() : engine_(faults_), files_(faults_), root_(faults_) {}
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  DiskFaults& faults() { return faults_; }
  SimulatedEngine& engine() { return engine_; }
  /// The folder of the snapshots.
  SimulatedFiles& files() { return files_; }
  /// The data directory itself, with the identity.
  SimulatedFiles& root() { return root_; }

  /// Decides what the power cut has left of what was not synced. Also without power_off() before:
  /// then this is the power cut. Returns how many batches of the engine it took.
  std::size_t power_on(core::Random& random);

  /// What a copy of the directory holds: all that is synced.
  struct Backup {
    SimulatedEngine::Backup engine;
    SimulatedFiles::Backup files;
    SimulatedFiles::Backup root;
  };
  Backup backup() const;
  /// The directory is as it was; the process that used it has ended.
  void restore(const Backup& backup);

 private:
  DiskFaults faults_;
  SimulatedEngine engine_;
  SimulatedFiles files_;
  SimulatedFiles root_;
};

}  // namespace raft::sim
