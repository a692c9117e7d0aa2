#include <libraft/sim.hpp>

#include "sim/nemesis.hpp"
#include "sim/profile.hpp"
#include "sim/script.hpp"
#include "sim/shrink.hpp"
#include "sim/simulation.hpp"

namespace raft::sim {
namespace {

Script script_for(std::uint64_t seed, const Options& options) {
  return {seed, options.nodes, options.operations, options.faults, std::nullopt};
}

/// What a script does not say is in the options: who wants the trace.
Summary run(const Script& script, const Options& options, const Subject& subject) {
  Options told = options;
  told.nodes = script.nodes;
  told.operations = script.operations;
  told.faults = script.faults;
  const Profile profile = draw_profile(script.seed, told);
  const Schedule schedule = script.schedule ? *script.schedule : draw_schedule(profile);
  return Simulation(profile, told, subject).run(schedule);
}

}  // namespace

Summary run(std::uint64_t seed, const Options& options, const Subject& subject) {
  return run(script_for(seed, options), options, subject);
}

std::string script_of(std::uint64_t seed, const Options& options) {
  return to_string(script_for(seed, options));
}

Result<Summary> replay(std::string_view text, const Options& options, const Subject& subject) {
  const auto script = script_from(text);
  if (!script) return script.error();
  return run(*script, options, subject);
}

Result<std::string> shrink(std::string_view text, const Trial& trial, std::uint64_t runs_max) {
  auto script = script_from(text);
  if (!script) return script.error();
  if (!script->schedule) {
    Options options;
    options.nodes = script->nodes;
    options.operations = script->operations;
    options.faults = script->faults;
    script->schedule = draw_schedule(draw_profile(script->seed, options));
  }
  return shrink(*std::move(script), trial, runs_max);
}

std::string shrink(std::uint64_t seed, const Options& options, const Subject& subject) {
  const Trial trial = [&subject](const std::string& script) -> std::string {
    const auto summary = replay(script, {}, subject);
    if (!summary || summary->violations.empty()) return {};
    return summary->violations.front().invariant;
  };
  const auto smaller = shrink(script_of(seed, options), trial);
  return smaller ? *smaller : std::string();
}

}  // namespace raft::sim
