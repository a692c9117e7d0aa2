#include <libraft/sim.hpp>

#include "sim/nemesis.hpp"
#include "sim/profile.hpp"
#include "sim/script.hpp"
#include "sim/shrink.hpp"
#include "sim/simulation.hpp"

namespace raft::sim {

Summary run(std::uint64_t seed, const Options& options, const Subject& subject) {
  const Profile profile = draw_profile(seed, options);
  return Simulation(profile, options, subject).run(draw_schedule(profile));
}

std::string shrink(std::uint64_t seed, const Options& options, const Subject& subject) {
  const Profile profile = draw_profile(seed, options);
  Script script{seed, options.nodes, options.operations, options.faults, draw_schedule(profile)};
  return shrink(std::move(script), subject);
}

Result<Summary> replay(std::string_view text, const Options& options, const Subject& subject) {
  const auto script = script_from(text);
  if (!script) return script.error();
  Options told = options;
  told.nodes = script->nodes;
  told.operations = script->operations;
  told.faults = script->faults;
  const Profile profile = draw_profile(script->seed, told);
  return Simulation(profile, told, subject).run(script->schedule);
}

}  // namespace raft::sim
