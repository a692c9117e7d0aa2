#include "sim/simulation.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "sim/linearizability.hpp"

namespace raft::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Of the search per key: beyond them the witness alone decides.
constexpr std::size_t search_steps_max = 200'000;

/// A cluster that nobody asks anything says hello, and little else (V9).
constexpr std::uint64_t idle_steps_per_node_and_second_max = 1500;

char letter_of(RoleNow role) {
  switch (role) {
    case RoleNow::follower:
      return 'f';
    case RoleNow::pre_candidate:
      return 'p';
    case RoleNow::candidate:
      return 'c';
    default:
      return 'L';
  }
}

}  // namespace

Simulation::Simulation(const Profile& profile, const Options& options, const Subject& subject)
    : profile_(profile),
      trace_(printer(options.trace)),
      world_(profile, subject, trace_, checkers_, effects_),
      calls_(world_),
      operator_(world_, calls_),
      clients_(world_, calls_),
      nemesis_(world_, operator_, clients_) {}

/// time node role term commit/applied event
Trace::Sink Simulation::printer(std::ostream* out) {
  if (out == nullptr) return {};
  return [this, out](NodeId node, const std::string& text) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(world_.now()).count();
    *out << std::setw(10) << micros << " n" << to_string(node) << ' ';
    const replica::Replica* replica = world_.replica(node);
    if (replica == nullptr) {
      *out << "-    -     -/-    ";
    } else {
      const core::Core& core = replica->core();
      *out << letter_of(core.role()) << std::setw(5) << core.term().value << std::setw(6)
           << core.commit().value << '/' << std::left << std::setw(6) << core.applied_index().value
           << std::right;
    }
    *out << ' ' << text << '\n';
  };
}

Summary Simulation::run(const Schedule& schedule) {
  run_phases(schedule);
  return summary();
}

void Simulation::run_phases(const Schedule& schedule) {
  if (!found()) return;
  safety_phase(schedule);
  if (checkers_.violation()) return;
  liveness_phase();
  if (checkers_.violation()) return;
  check_end();
}

void Simulation::require(bool is_so, const char* invariant, const std::string& what) {
  if (!is_so) checkers_.violated(invariant, what);
}

bool Simulation::found() {
  const bool is_up = operator_.set_up();
  require(is_up, "V1", "the cluster does not come up");
  return is_up;
}

void Simulation::safety_phase(const Schedule& schedule) {
  clients_.start(profile_.operations);
  nemesis_.follow(schedule);
  const Duration end = schedule.empty() ? Duration{0} : schedule.back().at;
  const Duration begun = world_.now();
  // Whatever broke for good is tended to now and then, so that the clients get on at all.
  while (!checkers_.violation() && (world_.now() - begun < end || !clients_.are_done())) {
    world_.run_for(milliseconds(700));
    if (checkers_.violation()) return;
    operator_.tend();
    if (world_.now() - begun > end + seconds(60)) break;
  }
  clients_.stop();
}

// V1 to V6: without faults everyone agrees soon, and the cluster works again.
void Simulation::liveness_phase() {
  nemesis_.stop();
  world_.run_for(seconds(7));  // What was slow, paused or stalled before ends by itself.
  Duration tended{0};
  const bool has_settled = world_.run_until(
      [&] {
        if (world_.now() - tended >= milliseconds(500)) {
          operator_.tend();
          tended = world_.now();
        }
        return operator_.is_done() && has_converged();
      },
      profile_.group.timing.election_timeout * 20 + seconds(30));
  require(has_settled, "V5", "the cluster does not converge");
  if (checkers_.violation()) return;
  require(clients_.writes_something(), "V2", "nothing commits any more");
  clients_.read_everywhere();
  if (!checkers_.violation()) check_stability();
}

bool Simulation::has_converged() const {
  const NodeId leader = world_.leader();
  if (!leader) return false;
  const core::Core& leading = world_.replica(leader)->core();
  const std::vector<NodeId> ids = world_.ids();
  return std::all_of(ids.begin(), ids.end(), [&](NodeId id) {
    const replica::Replica* one = world_.replica(id);
    return one != nullptr && one->core().term() == leading.term() &&
           one->core().commit() == leading.log().last_index() &&
           one->core().applied_index() == leading.log().last_index();
  });
}

void Simulation::check_stability() {
  const Term term = checkers_.newest_term();
  const Duration calm = profile_.group.timing.election_timeout * 8;
  world_.run_for(calm);
  if (checkers_.violation()) return;
  require(checkers_.newest_term() == term, "V1", "a new term without a fault");
  const std::string waiting = calls_.unanswered();
  require(waiting.empty(), "V3", "never answered: " + waiting);
  require(has_converged(), "V2", "the cluster does not stay together");
  const std::uint64_t steps = world_.steps();
  world_.run_for(seconds(1));
  const std::uint64_t taken = world_.steps() - steps;
  require(taken <= idle_steps_per_node_and_second_max * world_.ids().size(), "V9",
          "busy while idle: " + std::to_string(taken) + " events in a second");
}

void Simulation::check_end() {
  for (const NodeId id : world_.ids()) world_.node(id).process->observed().compare();
  checkers_.check_final();
  if (!checkers_.violation()) check_history();
}

void Simulation::check_history() {
  const HistoryVerdict by_witness = check_by_witness(clients_.history());
  require(by_witness.kind != HistoryVerdict::violated, "D9", by_witness.why);
  const HistoryVerdict by_search = check_by_search(clients_.history(), search_steps_max);
  require(by_search.kind != HistoryVerdict::violated, "D9", by_search.why);
}

Summary Simulation::summary() const {
  Summary summary;
  summary.seeds = 1;
  summary.steps = world_.steps();
  summary.simulated = world_.now();
  const Clients::Counts& counts = clients_.counts();
  summary.operations_done = counts.done;
  summary.operations_refused = counts.refused;
  summary.operations_unknown = counts.unknown;
  summary.reads_done = counts.reads;
  const World::Totals totals = world_.totals();
  summary.elections = totals.elections;
  summary.snapshots_installed = totals.snapshots_installed;
  summary.membership_changes = operator_.changes_done();
  for (const Fault fault : Options::every_fault()) {
    if (effects_.of(fault) > 0) summary.hits[fault] = effects_.of(fault);
  }
  if (const auto& violation = checkers_.violation()) {
    summary.violations.push_back({profile_.seed, violation->invariant, violation->what});
  }
  summary.trace_hash = trace_.hash();
  return summary;
}

}  // namespace raft::sim
