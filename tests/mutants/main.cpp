// raft-mutants: does the simulator notice bugs of which we know that they are there?
#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "mutants/hunt.hpp"

namespace {

namespace options = boost::program_options;
using mutants::Kill;
using mutants::Killers;
using mutants::Mutant;

constexpr int exit_survivor = 1;
constexpr int exit_usage = 64;

options::options_description description() {
  options::options_description all("raft-mutants: seeded bugs that the simulator must notice");
  auto add = all.add_options();
  add("help", "this text");
  add("only", options::value<std::string>(), "only these mutants: 04a,06,...");
  add("seeds", options::value<std::uint64_t>()->default_value(2000), "so many at most for each");
  add("check", options::value<std::string>(), "replays the seeds of this file: each must kill");
  add("update", options::value<std::string>(),
      "the same, hunts for those that survive, and writes the file anew");
  add("table", options::value<std::string>(), "writes the table of what came of it here");
  add("seed", options::value<std::uint64_t>(), "prints every event of this seed of one mutant");
  return all;
}

std::vector<Mutant> chosen_from(std::vector<Mutant> all, const options::variables_map& given) {
  if (!given.contains("only")) return all;
  std::set<std::string> wanted;
  std::istringstream ids(given["only"].as<std::string>());
  for (std::string id; std::getline(ids, id, ',');) wanted.insert(id);
  std::erase_if(all, [&](const Mutant& mutant) { return wanted.erase(mutant.id) == 0; });
  if (!wanted.empty()) throw std::runtime_error("no such mutant: " + *wanted.begin());
  return all;
}

void report(const Mutant& mutant, const std::optional<Kill>& kill) {
  std::cout << mutant.id << ' ' << mutant.name << ": ";
  if (kill) {
    std::cout << "killed by seed " << kill->seed << ": " << kill->by.invariant << ' '
              << kill->by.what << std::endl;
  } else {
    std::cout << "SURVIVES" << std::endl;
  }
}

/// The seed that is on file, if it still kills.
std::optional<Kill> replay(const Mutant& mutant, const Killers& known) {
  const auto killer = known.find(mutant.id);
  if (killer == known.end()) return std::nullopt;
  const std::uint64_t seed = killer->second.seed;
  auto noticed = mutants::try_seed(mutant, true, seed);
  if (!noticed || mutants::try_seed(mutant, false, seed)) return std::nullopt;
  return Kill{seed, *std::move(noticed)};
}

int run(int argc, char** argv) {
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, description()), given);
  if (given.contains("help")) {
    std::cout << description();
    return 0;
  }
  const std::vector<Mutant> chosen = chosen_from(mutants::read_mutants(MUTANTS_FOLDER), given);
  if (given.contains("seed")) {
    if (chosen.size() != 1) throw std::runtime_error("--seed is for one mutant");
    mutants::trace_seed(chosen.front(), given["seed"].as<std::uint64_t>(), std::cout);
    return 0;
  }
  const bool updates = given.contains("update");
  const bool only_checks = given.contains("check");
  Killers known;
  if (only_checks) known = mutants::load_killers(given["check"].as<std::string>());
  if (updates) known = mutants::load_killers(given["update"].as<std::string>());
  Killers found;
  for (const Mutant& mutant : chosen) {
    std::optional<Kill> kill = replay(mutant, known);
    if (!kill && !only_checks) kill = mutants::hunt(mutant, given["seeds"].as<std::uint64_t>());
    report(mutant, kill);
    if (kill) found[mutant.id] = *kill;
    if (!updates) continue;
    // Kept as it goes: a hunt takes long, and may be interrupted.
    known.erase(mutant.id);
    if (kill) known[mutant.id] = *kill;
    mutants::save_killers(given["update"].as<std::string>(), known);
  }
  if (given.contains("table")) {
    std::ofstream table(given["table"].as<std::string>());
    mutants::print_table(table, chosen, found);
  }
  std::cout << found.size() << " of " << chosen.size() << " mutants are killed\n";
  return found.size() == chosen.size() ? 0 : exit_survivor;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "raft-mutants: " << error.what() << '\n';
    return exit_usage;
  }
}
