// One run: found a cluster, let everything go wrong, let it stop, and judge.
#pragma once

#include <optional>

#include <libraft/sim.hpp>
#include "sim/action.hpp"
#include "sim/calls.hpp"
#include "sim/checkers/checkers.hpp"
#include "sim/clients.hpp"
#include "sim/effects.hpp"
#include "sim/liveness.hpp"
#include "sim/nemesis.hpp"
#include "sim/operator.hpp"
#include "sim/profile.hpp"
#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace raft::sim {

class Simulation {
 public:
  Simulation(const Profile& profile, const Options& options, const Subject& subject);

  Summary run(const Schedule& schedule);

 private:
  void run_phases(const Schedule& schedule);
  bool found();
  void safety_phase(const Schedule& schedule);
  void halt();
  void check_end();
  void check_history();
  void require(bool is_so, const char* invariant, const std::string& what);
  Summary summary() const;
  Trace::Sink printer(std::ostream* out);

  const Profile profile_;
  Trace trace_;
  Effects effects_;
  Checkers checkers_;
  World world_;
  Calls calls_;
  Operator operator_;
  Clients clients_;
  Nemesis nemesis_;
  Liveness liveness_;
  std::uint64_t histories_unknown_ = 0;
};

}  // namespace raft::sim
