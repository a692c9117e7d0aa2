#include <iomanip>
#include <ostream>
#include <string>

#include <libraft/sim.hpp>

namespace raft::sim {
namespace {

template <class Value>
void row(std::ostream& out, const std::string& name, const Value& value) {
  out << "  " << std::left << std::setw(24) << name << std::right << std::setw(14) << value << '\n';
}

/// "12:03:59".
std::string hours_of(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  const std::string minutes = std::to_string(100 + seconds / 60 % 60);
  return std::to_string(seconds / 3600) + ":" + minutes.substr(1) + ":" +
         std::to_string(100 + seconds % 60).substr(1);
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
  const auto hits = [&](Fault fault) {
    const auto found = summary.hits.find(fault);
    return found == summary.hits.end() ? 0 : found->second;
  };
  row(out, "seeds", summary.seeds);
  row(out, "steps", summary.steps);
  row(out, "simulated h:min:s", hours_of(summary.simulated));
  row(out, "operations ok", summary.operations_done + summary.reads_done);
  row(out, "  of them reads", summary.reads_done);
  row(out, "  of these by lease", summary.lease_reads);
  row(out, "  with clocks askew", summary.lease_reads_askew);
  row(out, "operations failed", summary.operations_refused);
  row(out, "operations unknown", summary.operations_unknown);
  row(out, "histories unknown", summary.histories_unknown);
  row(out, "only a core came back", summary.cores_alone);
  row(out, "elections", summary.elections);
  row(out, "membership changes", summary.membership_changes);
  row(out, "snapshots installed", summary.snapshots_installed);
  row(out, "stores set back", summary.stores_set_back);
  row(out, "crashes", hits(Fault::crash));
  out << "  faults that took effect\n";
  for (const Fault fault : Options::every_fault()) {
    row(out, std::string("  ") + to_string(fault), hits(fault));
  }
  row(out, "violations", summary.violations.size());
  return out;
}

}  // namespace raft::sim
