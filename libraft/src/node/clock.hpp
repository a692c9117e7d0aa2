// The only clock of the library: CLOCK_BOOTTIME, which goes on while the machine is suspended.
#pragma once

#include <libraft/types.hpp>

namespace raft::node {

Instant boot_time_now();

}  // namespace raft::node
