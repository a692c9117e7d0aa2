#include "report.hpp"

#include <iomanip>
#include <iostream>

#include "attempt.hpp"

namespace raft_sim {
namespace {

using raft::sim::Fault;
using raft::sim::Summary;

/// From so many operations on a fault that never took effect is a failure: it proves nothing. Five
/// hundred usual runs show each of them dozens of times, but for a rollback, which waits for a
/// copy, two later lives and a cluster in good order, and happens in one run of a few hundred.
std::uint64_t operations_that_show(Fault fault) {
  return fault == Fault::rollback ? 5000 * 500 : 500 * 500;
}

std::string name_of(const std::string& label) { return label.empty() ? "no label" : label; }

void print_heading(const std::string& label, const std::string& what) {
  std::cout << "raft-sim " << RAFT_SIM_VERSION << " (" << name_of(label) << "): " << what << '\n';
}

void print_last_events(std::uint64_t seed, const std::string& script) {
  std::cout << "the last events of seed " << seed << ":\n" << last_events(script);
}

void print_failure(const Summary::Violation& violation, const std::string& command) {
  std::cout << "seed " << violation.seed << " violates " << violation.invariant << ": "
            << violation.what << '\n'
            << command << '\n';
}

/// One line for each, when there are several: the present one and the earlier ones apart.
void print_parts(const Record& record) {
  std::cout << "by label" << std::setw(23) << "seeds" << std::setw(14) << "steps" << std::setw(10)
            << "hours" << std::setw(14) << "operations" << std::setw(12) << "crashes"
            << std::setw(12) << "violations" << '\n';
  for (const Record::Part& part : record.parts) {
    const Summary& summary = part.summary;
    const auto crashes = summary.hits.find(Fault::crash);
    std::cout << "  " << std::left << std::setw(20) << name_of(part.label) << std::right
              << std::setw(9) << summary.seeds << std::setw(14) << summary.steps << std::setw(10)
              << std::chrono::duration_cast<std::chrono::hours>(summary.simulated).count()
              << std::setw(14) << summary.operations_done + summary.reads_done << std::setw(12)
              << (crashes == summary.hits.end() ? 0 : crashes->second) << std::setw(12)
              << summary.violations.size() << '\n';
  }
}

/// False: some did nothing.
bool were_faults_effective(const Plan& plan, const Summary& summary) {
  const std::uint64_t operations = summary.seeds * plan.options.operations;
  bool were_all = true;
  for (const Fault fault : plan.options.faults) {
    if (summary.hits.contains(fault) || operations < operations_that_show(fault)) continue;
    std::cout << "never took effect: " << raft::sim::to_string(fault) << '\n';
    were_all = false;
  }
  return were_all;
}

}  // namespace

int report(const Plan& plan, const Outcome& outcome) {
  Record record = outcome.record;
  const Summary& summary = record.of(plan.label);
  if (record.parts.size() > 1) {
    print_heading("all labels", describe(plan.options));
    std::cout << record.total();
    print_parts(record);
  }
  print_heading(plan.label, describe(plan.options));
  std::cout << summary;
  if (summary.seeds == 1)
    std::cout << "  trace " << std::hex << summary.trace_hash << std::dec << '\n';
  const bool were_effective = were_faults_effective(plan, summary);
  std::size_t known = summary.violations.size() - outcome.found.size();
  for (const Summary::Violation& violation : summary.violations) {
    if (known > 0) {
      --known;  // An earlier campaign has shown its events.
    } else {
      print_last_events(violation.seed, raft::sim::script_of(violation.seed, plan.options));
    }
    print_failure(violation, command_for(violation.seed, plan.options));
  }
  return were_effective && summary.violations.empty() ? 0 : exit_violation;
}

int report(const Plan& plan, const OneRun& run) {
  print_heading(plan.label, run.name);
  std::cout << run.summary << "  trace " << std::hex << run.summary.trace_hash << std::dec << '\n';
  for (const Summary::Violation& violation : run.summary.violations) {
    if (!run.is_printed) print_last_events(violation.seed, run.script);
    print_failure(violation, run.command);
  }
  return run.summary.violations.empty() ? 0 : exit_violation;
}

}  // namespace raft_sim
