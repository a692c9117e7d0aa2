#include "sim/disk.hpp"

namespace raft::sim {

std::size_t Disk::power_on(core::Random& random) {
  faults_.power_on();
  const std::size_t lost = engine_.recover(random);
  files_.recover(random);
  root_.recover(random);
  return lost;
}

Disk::Backup Disk::backup() const { return {engine_.backup(), files_.backup(), root_.backup()}; }

void Disk::restore(const Backup& backup) {
  faults_.power_on();
  engine_.restore(backup.engine);
  files_.restore(backup.files);
  root_.restore(backup.root);
}

}  // namespace raft::sim
