// What must hold after every step, checked from outside through the core's public view.
#pragma once

#include <optional>
#include <string>

#include <libraft/status.hpp>
#include <libraft/types.hpp>

namespace raft::core {

class Core;

/// What the checks remember of the step before. One per life of a core.
struct Previous {
  bool valid = false;
  Term term;
  NodeId vote;
  RoleNow role = RoleNow::follower;
  Index commit;
  Index applied;
  Index handed_out;
  Index last;
  Term last_term;
};

/// The cheap checks (E2, E5, E11, L2, L3, L5, C1, C6, C7, T1, T3, M1, M3), static and against the
/// step before; updates `previous`. Absent: all hold. Otherwise the invariant's id and what is
/// wrong.
std::optional<std::string> check_invariants(const Core& core, Previous& previous);

}  // namespace raft::core
