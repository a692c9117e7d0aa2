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

/// In a long run what clients saw is judged after so many operations each time.
constexpr std::size_t operations_per_check = 1000;

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
      nemesis_(world_, operator_, clients_),
      liveness_({world_, operator_, clients_, calls_, nemesis_}) {}

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
  if (profile_.is_over_limit) {
    halt();
  } else {
    liveness_.judge();
  }
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
  std::size_t checked = 0;
  // Whatever broke for good is tended to now and then, so that the clients get on at all.
  while (!checkers_.violation() && (world_.now() - begun < end || !clients_.are_done())) {
    world_.run_for(milliseconds(700));
    if (checkers_.violation()) return;
    const std::string waiting = calls_.overdue();
    require(waiting.empty(), "V3", "not answered in time: " + waiting);
    if (clients_.history().operations().size() >= checked + operations_per_check) {
      checked = clients_.history().operations().size();
      check_history();
    }
    operator_.tend();
    if (world_.now() - begun > end + seconds(60)) break;
  }
  clients_.stop();
}

/// Too much may be gone for the cluster ever to work again. Whoever asks is told so, all the same.
void Simulation::halt() {
  nemesis_.stop();
  world_.run_for(seconds(8));
  const std::string waiting = calls_.overdue();
  require(waiting.empty(), "V3", "never answered: " + waiting);
}

void Simulation::check_end() {
  for (const NodeId id : world_.up()) world_.node(id).process->observed().compare();
  for (const NodeId id : world_.ids()) world_.check_files(id);
  checkers_.check_final();
  if (!checkers_.violation()) check_history();
}

void Simulation::check_history() {
  const HistoryVerdict by_witness = check_by_witness(clients_.history());
  require(by_witness.kind != HistoryVerdict::violated, "D9", by_witness.why);
  const HistoryVerdict by_search = check_by_search(clients_.history(), search_steps_max);
  require(by_search.kind != HistoryVerdict::violated, "D9", by_search.why);
  // What neither could decide is told, and never taken for an answer.
  if (by_search.kind == HistoryVerdict::unknown) ++histories_unknown_;
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
  summary.lease_reads = totals.lease_reads;
  const bool is_askew = effects_.of(Fault::drift) > 0 || effects_.of(Fault::pause) > 0;
  summary.lease_reads_askew = is_askew ? totals.lease_reads : 0;
  summary.histories_unknown = histories_unknown_;
  summary.cores_alone = liveness_.was_core_alone() ? 1 : 0;
  summary.elections = totals.elections;
  summary.snapshots_installed = totals.snapshots_installed;
  summary.stores_set_back = totals.stores_set_back;
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
