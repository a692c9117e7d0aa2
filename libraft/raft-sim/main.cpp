// raft-sim: whole clusters under seeded faults, one seed or many.
#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "campaign.hpp"

namespace {

namespace options = boost::program_options;
using raft::sim::Fault;
using raft::sim::Summary;

constexpr int exit_violation = 1;
constexpr int exit_usage = 64;
/// From here on a fault that never took effect is a failure: it proves nothing.
constexpr std::uint64_t seeds_that_show_every_fault = 1000;

options::options_description description() {
  options::options_description all("raft-sim: clusters of libraft under seeded faults");
  auto add = all.add_options();
  add("help", "this text");
  add("seed", options::value<std::uint64_t>(), "one seed");
  add("seeds", options::value<std::string>(), "A..B: all of them");
  add("jobs", options::value<std::uint64_t>()->default_value(1), "so many at a time");
  add("nodes", options::value<std::uint64_t>()->default_value(5), "at the beginning");
  add("steps", options::value<std::uint64_t>()->default_value(500), "operations of clients");
  add("only", options::value<std::string>(), "only these faults: crash,drop,...; see --faults");
  add("faults", "lists the faults");
  add("trace", "prints every event of one seed: time in us, node, role, term, commit/applied");
  add("hashes", "prints the hash of each seed's trace and nothing else");
  add("shrink", "reduces a failing seed to a small script");
  add("replay", options::value<std::string>(), "runs such a script");
  add("resume", options::value<std::string>(), "keeps what was done in this file, and goes on");
  add("label", options::value<std::string>(), "what runs here, for that file: a commit");
  return all;
}

std::set<Fault> faults_from(const std::string& list) {
  std::set<Fault> faults;
  std::istringstream names(list);
  for (std::string name; std::getline(names, name, ',');) {
    const auto fault = raft::sim::fault_from(name);
    if (!fault) throw std::runtime_error("no such fault: " + name);
    faults.insert(*fault);
  }
  return faults;
}

/// "3..70", or one seed.
void read_seeds(const std::string& range, raft_sim::Plan& plan) {
  const std::size_t dots = range.find("..");
  plan.first = plan.last = std::stoull(range);
  if (dots != std::string::npos) plan.last = std::stoull(range.substr(dots + 2));
  if (plan.first > plan.last) throw std::runtime_error("--seeds A..B with A at most B");
}

std::string again(const raft_sim::Plan& plan, std::uint64_t seed) {
  std::string command = "raft-sim --seed " + std::to_string(seed) + " --nodes " +
                        std::to_string(plan.options.nodes) + " --steps " +
                        std::to_string(plan.options.operations);
  if (plan.options.faults != raft::sim::Options::every_fault()) {
    std::string list;
    for (const Fault fault : plan.options.faults) {
      list += (list.empty() ? "" : ",") + std::string(raft::sim::to_string(fault));
    }
    command += " --only " + list;
  }
  return command + " --trace";
}

int report(const raft_sim::Plan& plan, const Summary& summary) {
  std::cout << summary;
  bool is_good = summary.violations.empty();
  if (summary.seeds >= seeds_that_show_every_fault) {
    for (const Fault fault : plan.options.faults) {
      if (summary.hits.contains(fault)) continue;
      std::cout << "never took effect: " << raft::sim::to_string(fault) << '\n';
      is_good = false;
    }
  }
  if (summary.seeds == 1)
    std::cout << "  trace " << std::hex << summary.trace_hash << std::dec << '\n';
  for (const Summary::Violation& violation : summary.violations) {
    std::cout << "seed " << violation.seed << " violates " << violation.invariant << ": "
              << violation.what << '\n'
              << again(plan, violation.seed) << '\n';
  }
  return is_good ? 0 : exit_violation;
}

int replay(const std::string& path, const raft_sim::Plan& plan) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  const auto summary = raft::sim::replay(text.str(), plan.options, raft::sim::register_subject());
  if (!summary) throw std::runtime_error(summary.error().detail);
  return report(plan, *summary);
}

int run(int argc, char** argv) {
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, description()), given);
  if (given.contains("help") || argc == 1) {
    std::cout << description();
    return 0;
  }
  if (given.contains("faults")) {
    for (const Fault fault : raft::sim::Options::every_fault()) {
      std::cout << raft::sim::to_string(fault) << '\n';
    }
    return 0;
  }
  raft_sim::Plan plan;
  plan.jobs = given["jobs"].as<std::uint64_t>();
  plan.options.nodes = given["nodes"].as<std::uint64_t>();
  plan.options.operations = given["steps"].as<std::uint64_t>();
  if (given.contains("only")) plan.options.faults = faults_from(given["only"].as<std::string>());
  if (given.contains("trace")) plan.options.trace = &std::cout;
  if (given.contains("resume")) plan.resume_file = given["resume"].as<std::string>();
  if (given.contains("label")) plan.label = given["label"].as<std::string>();
  if (given.contains("replay")) return replay(given["replay"].as<std::string>(), plan);
  if (given.contains("seeds")) read_seeds(given["seeds"].as<std::string>(), plan);
  if (given.contains("seed")) plan.first = plan.last = given["seed"].as<std::uint64_t>();
  if (plan.options.trace != nullptr && plan.first != plan.last) {
    throw std::runtime_error("--trace is for one seed");
  }
  const raft::sim::Subject subject = raft::sim::register_subject();
  if (given.contains("shrink")) {
    const std::string script = raft::sim::shrink(plan.first, plan.options, subject);
    std::cout << (script.empty() ? "the seed does not fail\n" : script);
    return script.empty() ? 0 : exit_violation;
  }
  plan.prints_hashes = given.contains("hashes");
  const Summary summary = raft_sim::run(plan, subject);
  return plan.prints_hashes ? 0 : report(plan, summary);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "raft-sim: " << error.what() << '\n';
    return exit_usage;
  }
}
