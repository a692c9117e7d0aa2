#include "sim/disk.hpp"

namespace raft::sim {

void Disk::power_on(core::Random& random) {
  faults_.power_on();
  engine_.recover(random);
  files_.recover(random);
}

}  // namespace raft::sim
