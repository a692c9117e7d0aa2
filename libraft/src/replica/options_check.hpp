// What GroupOptions may say.
#pragma once

#include <libraft/error.hpp>
#include <libraft/options.hpp>

namespace raft::replica {

/// invalid_argument: the detail names the option. To be asked before anything is founded or opened:
/// what does not fit a message between nodes would be found out only once it is in the log.
Result<void> check(const GroupOptions& options);

}  // namespace raft::replica
