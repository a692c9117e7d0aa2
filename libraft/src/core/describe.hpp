// The core's state and outputs as text, for assertions, scripts, traces and logs.
#pragma once

#include <string>

#include "core/ready.hpp"

namespace raft::core {

class Core;

/// One line: role, term, leader, commit, log, and on a leader a bar per peer.
std::string describe(const Core& core);
std::string describe(const Note& note);
std::string describe(const PersistWork& work);

}  // namespace raft::core
