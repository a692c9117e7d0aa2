#include "record.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace raft_sim {
namespace {

using raft::sim::Summary;

/// The plain numbers of a summary, by name.
template <class Visit>
void visit_numbers(Summary& summary, Visit visit) {
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
}

/// One line: a name, a number, and what else belongs to it.
void read_line(const std::string& line, Record& record) {
  std::istringstream words(line);
  std::string name;
  std::uint64_t value = 0;
  if (!(words >> name >> value)) throw std::runtime_error("not a line of a record: " + line);
  visit_numbers(record.summary, [&](const char* known, std::uint64_t& number) {
    if (name == known) number = value;
  });
  if (name == "next") record.next = value;
  if (name == "simulated-us") record.summary.simulated = std::chrono::microseconds(value);
  std::string word;
  if (name == "fault" && words >> word) {
    if (const auto fault = raft::sim::fault_from(word)) record.summary.hits[*fault] = value;
  } else if (name == "label" && words >> word) {
    record.labels[word] = value;
  } else if (name == "violation" && words >> word) {
    std::string what;
    std::getline(words >> std::ws, what);
    record.summary.violations.push_back({value, word, what});
  }
}

}  // namespace

Record load(const std::string& path) {
  Record record;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) read_line(line, record);
  return record;
}

void save(const std::string& path, const Record& record) {
  const std::string temporary = path + ".tmp";
  std::ofstream file(temporary);
  Summary summary = record.summary;
  file << "next " << record.next << '\n';
  visit_numbers(summary, [&](const char* name, std::uint64_t& value) {
    file << name << ' ' << value << '\n';
  });
  file << "simulated-us "
       << std::chrono::duration_cast<std::chrono::microseconds>(summary.simulated).count() << '\n';
  for (const auto& [fault, hits] : summary.hits) {
    file << "fault " << hits << ' ' << raft::sim::to_string(fault) << '\n';
  }
  for (const auto& [label, seeds] : record.labels) {
    file << "label " << seeds << ' ' << label << '\n';
  }
  for (const Summary::Violation& violation : summary.violations) {
    file << "violation " << violation.seed << ' ' << violation.invariant << ' ' << violation.what
         << '\n';
  }
  file.close();
  if (!file) throw std::runtime_error("cannot write " + temporary);
  std::filesystem::rename(temporary, path);
}

}  // namespace raft_sim
