// raft-sim: whole clusters under seeded faults, one seed or many.
#include <algorithm>
#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "attempt.hpp"
#include "campaign.hpp"
#include "report.hpp"

namespace {

namespace options = boost::program_options;
using raft::sim::Fault;

constexpr int exit_usage = 64;

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
  add("shrink", "reduces a failing seed, or script, to a small script");
  add("shrink-runs", options::value<std::uint64_t>()->default_value(1000), "at most so many");
  add("replay", options::value<std::string>(), "runs a script");
  add("resume", options::value<std::string>(), "keeps what was done in this file, and goes on");
  add("label", options::value<std::string>(),
      "what runs here, for reports and that file: a commit");
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

raft_sim::Plan plan_from(const options::variables_map& given) {
  raft_sim::Plan plan;
  plan.jobs = std::max<std::uint64_t>(given["jobs"].as<std::uint64_t>(), 1);
  plan.options.nodes = given["nodes"].as<std::uint64_t>();
  plan.options.operations = given["steps"].as<std::uint64_t>();
  if (given.contains("only")) plan.options.faults = faults_from(given["only"].as<std::string>());
  if (given.contains("resume")) plan.resume_file = given["resume"].as<std::string>();
  if (given.contains("label")) plan.label = given["label"].as<std::string>();
  if (given.contains("seeds")) read_seeds(given["seeds"].as<std::string>(), plan);
  if (given.contains("seed")) plan.first = plan.last = given["seed"].as<std::uint64_t>();
  plan.prints_hashes = given.contains("hashes");
  return plan;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// One run: a script from a file, or a seed.
raft_sim::OneRun run_from(const options::variables_map& given, const raft_sim::Plan& plan) {
  raft_sim::OneRun run;
  if (given.contains("replay")) {
    run.name = given["replay"].as<std::string>();
    run.script = text_of(run.name);
    run.command = "raft-sim --replay " + run.name + " --trace";
  } else {
    run.name = "seed " + std::to_string(plan.first) + ", " + raft_sim::describe(plan.options);
    run.script = raft::sim::script_of(plan.first, plan.options);
    run.command = raft_sim::command_for(plan.first, plan.options);
  }
  return run;
}

int shrink(const raft_sim::OneRun& run, std::uint64_t runs_max) {
  std::uint64_t runs = 0;
  std::size_t smallest = std::string::npos;
  const raft::sim::Trial trial = [&](const std::string& script) -> std::string {
    const raft::sim::Summary summary = raft_sim::attempt(script);
    const bool fails = !summary.violations.empty();
    const auto lines = std::count(script.begin(), script.end(), '\n');
    if (fails) smallest = std::min(smallest, static_cast<std::size_t>(lines));
    std::cerr << "\rrun " << ++runs << " of at most " << runs_max + 1;
    if (smallest != std::string::npos) std::cerr << ", " << smallest << " lines fail ";
    std::cerr << std::flush;
    return fails ? summary.violations.front().invariant : std::string();
  };
  const auto script = raft::sim::shrink(run.script, trial, runs_max);
  std::cerr << '\n';
  if (!script) throw std::runtime_error(script.error().detail);
  std::cout << (script->empty() ? run.name + " does not fail\n" : *script);
  return script->empty() ? 0 : raft_sim::exit_violation;
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
  raft_sim::Plan plan = plan_from(given);
  const bool prints = given.contains("trace");
  if (prints && plan.first != plan.last) throw std::runtime_error("--trace is for one seed");
  if (given.contains("shrink")) {
    return shrink(run_from(given, plan), given["shrink-runs"].as<std::uint64_t>());
  }
  if (prints || given.contains("replay")) {
    raft_sim::OneRun one = run_from(given, plan);
    one.is_printed = prints;
    one.summary = raft_sim::attempt(one.script, prints);
    return raft_sim::report(plan, one);
  }
  const raft_sim::Outcome outcome = raft_sim::run(plan);
  if (plan.prints_hashes) return outcome.found.empty() ? 0 : raft_sim::exit_violation;
  return raft_sim::report(plan, outcome);
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
