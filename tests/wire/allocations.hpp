// Watches what is asked of operator new, to show that no claimed length is believed.
#pragma once

#include <cstddef>

namespace raft::wire {

/// The largest single allocation of this process since this object was made.
class LargestAllocation {
 public:
  LargestAllocation();
  std::size_t bytes() const;
};

}  // namespace raft::wire
