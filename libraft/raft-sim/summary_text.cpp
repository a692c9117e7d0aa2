#include "summary_text.hpp"

#include <algorithm>
#include <ostream>
#include <sstream>

namespace raft_sim {
namespace {

using raft::sim::Summary;
using std::chrono::microseconds;

/// The plain numbers of a summary, by name.
template <class AnySummary, class Visit>
void visit_numbers(AnySummary& summary, Visit visit) {
  visit("seeds", summary.seeds);
  visit("steps", summary.steps);
  visit("writes-done", summary.operations_done);
  visit("writes-refused", summary.operations_refused);
  visit("writes-unknown", summary.operations_unknown);
  visit("reads-done", summary.reads_done);
  visit("lease-reads", summary.lease_reads);
  visit("lease-reads-askew", summary.lease_reads_askew);
  visit("histories-unknown", summary.histories_unknown);
  visit("cores-alone", summary.cores_alone);
  visit("elections", summary.elections);
  visit("membership-changes", summary.membership_changes);
  visit("snapshots-installed", summary.snapshots_installed);
  visit("stores-set-back", summary.stores_set_back);
  visit("trace", summary.trace_hash);
}

std::string on_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

void write(std::ostream& out, const Summary& summary) {
  visit_numbers(
      summary, [&](const char* name, std::uint64_t value) { out << name << ' ' << value << '\n'; });
  out << "simulated-us " << std::chrono::duration_cast<microseconds>(summary.simulated).count()
      << '\n';
  for (const auto& [fault, hits] : summary.hits) {
    out << "fault " << hits << ' ' << raft::sim::to_string(fault) << '\n';
  }
  for (const Summary::Violation& violation : summary.violations) {
    out << "violation " << violation.seed << ' ' << violation.invariant << ' '
        << on_one_line(violation.what) << '\n';
  }
}

void read_line(const std::string& line, Summary& summary) {
  std::istringstream words(line);
  std::string name;
  std::uint64_t value = 0;
  if (!(words >> name >> value)) return;
  visit_numbers(summary, [&](const char* known, std::uint64_t& number) {
    if (name == known) number = value;
  });
  if (name == "simulated-us") summary.simulated = microseconds(value);
  std::string word;
  if (name == "fault" && words >> word) {
    if (const auto fault = raft::sim::fault_from(word)) summary.hits[*fault] = value;
  } else if (name == "violation" && words >> word) {
    std::string what;
    std::getline(words >> std::ws, what);
    summary.violations.push_back({value, word, what});
  }
}

}  // namespace raft_sim
