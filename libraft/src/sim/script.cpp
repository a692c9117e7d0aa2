#include "sim/script.hpp"

#include <sstream>

namespace raft::sim {

std::string to_string(const Script& script) {
  std::string text = "seed " + std::to_string(script.seed) + "\nnodes " +
                     std::to_string(script.nodes) + "\noperations " +
                     std::to_string(script.operations) + "\n";
  if (script.faults != Options::every_fault()) {
    text += "faults";
    for (const Fault fault : script.faults) text += std::string(" ") + to_string(fault);
    text += "\n";
  }
  if (!script.schedule) return text;
  if (script.schedule->empty()) text += "calm\n";
  for (const Action& action : *script.schedule) text += to_string(action) + "\n";
  return text;
}

namespace {

Result<std::set<Fault>> faults_from(std::istringstream& words) {
  std::set<Fault> faults;
  std::string name;
  while (words >> name) {
    const auto fault = fault_from(name);
    if (!fault) return Error{Errc::invalid_argument, "no such fault: " + name};
    faults.insert(*fault);
  }
  return faults;
}

Result<void> read_line(const std::string& line, Script& script) {
  std::istringstream words(line);
  std::string first;
  words >> first;
  if (first.empty() || first.front() == '#' || first == "violates") return {};
  std::uint64_t* number = nullptr;
  if (first == "seed") number = &script.seed;
  if (first == "nodes") number = &script.nodes;
  if (first == "operations") number = &script.operations;
  if (number != nullptr) {
    if (words >> *number) return {};
    return Error{Errc::invalid_argument, "not a number: " + line};
  }
  if (first == "faults") {
    auto faults = faults_from(words);
    if (!faults) return faults.error();
    script.faults = *std::move(faults);
    return {};
  }
  if (!script.schedule) script.schedule.emplace();
  if (first == "calm") return {};
  const auto action = action_from(line);
  if (!action) return action.error();
  script.schedule->push_back(*action);
  return {};
}

}  // namespace

Result<Script> script_from(std::string_view text) {
  Script script;
  std::istringstream lines{std::string(text)};
  std::string line;
  while (std::getline(lines, line)) {
    if (const auto read = read_line(line, script); !read) return read.error();
  }
  return script;
}

}  // namespace raft::sim
