#include <iomanip>
#include <ostream>

#include <libraft/sim.hpp>

namespace raft::sim {
namespace {

void row(std::ostream& out, const char* name, std::uint64_t value) {
  out << "  " << std::left << std::setw(24) << name << std::right << std::setw(14) << value << '\n';
}

}  // namespace

void Summary::add(const Summary& other) {
  seeds += other.seeds;
  steps += other.steps;
  simulated += other.simulated;
  operations_done += other.operations_done;
  operations_refused += other.operations_refused;
  operations_unknown += other.operations_unknown;
  reads_done += other.reads_done;
  lease_reads += other.lease_reads;
  lease_reads_askew += other.lease_reads_askew;
  histories_unknown += other.histories_unknown;
  cores_alone += other.cores_alone;
  elections += other.elections;
  membership_changes += other.membership_changes;
  snapshots_installed += other.snapshots_installed;
  stores_set_back += other.stores_set_back;
  for (const auto& [fault, count] : other.hits) hits[fault] += count;
  violations.insert(violations.end(), other.violations.begin(), other.violations.end());
  trace_hash = other.trace_hash;
}

std::ostream& operator<<(std::ostream& out, const Summary& summary) {
  row(out, "seeds", summary.seeds);
  row(out, "steps", summary.steps);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(summary.simulated).count();
  row(out, "simulated minutes", static_cast<std::uint64_t>(minutes));
  row(out, "writes done", summary.operations_done);
  row(out, "writes refused", summary.operations_refused);
  row(out, "writes unknown", summary.operations_unknown);
  row(out, "reads done", summary.reads_done);
  row(out, "lease reads", summary.lease_reads);
  row(out, "  with clocks askew", summary.lease_reads_askew);
  row(out, "histories unknown", summary.histories_unknown);
  row(out, "only a core came back", summary.cores_alone);
  row(out, "elections", summary.elections);
  row(out, "membership changes", summary.membership_changes);
  row(out, "snapshots installed", summary.snapshots_installed);
  row(out, "stores set back", summary.stores_set_back);
  out << "  faults that took effect\n";
  for (const Fault fault : Options::every_fault()) {
    const auto hits = summary.hits.find(fault);
    row(out, (std::string("  ") + to_string(fault)).c_str(),
        hits == summary.hits.end() ? 0 : hits->second);
  }
  row(out, "violations", summary.violations.size());
  return out;
}

}  // namespace raft::sim
