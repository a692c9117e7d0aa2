#include "node/clock.hpp"

#include <ctime>

namespace raft::node {

Instant boot_time_now() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return Instant(std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec));
}

}  // namespace raft::node
