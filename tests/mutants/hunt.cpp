#include "mutants/hunt.hpp"

#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace mutants {

std::optional<Kill> hunt(const Mutant& mutant, std::uint64_t seeds_max) {
  for (std::uint64_t seed = 1; seed <= seeds_max; ++seed) {
    const auto noticed = try_seed(mutant, true, seed);
    if (!noticed) continue;
    if (const auto anyway = try_seed(mutant, false, seed)) {
      std::cerr << "seed " << seed << " fails without mutant " << mutant.id
                << " too: " << anyway->invariant << ' ' << anyway->what << '\n';
      continue;
    }
    return Kill{seed, *noticed};
  }
  return std::nullopt;
}

Killers load_killers(const std::string& path) {
  Killers killers;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string id;
    Kill kill;
    if (!(words >> id >> kill.seed >> kill.by.invariant)) {
      throw std::runtime_error(path + ": not a killer: " + line);
    }
    std::getline(words >> std::ws, kill.by.what);
    killers[id] = kill;
  }
  return killers;
}

void save_killers(const std::string& path, const Killers& killers) {
  std::ofstream file(path);
  file << "# The first seed that kills each mutant, and what noticed it.\n"
       << "# Written by raft-mutants --update; README.md says when.\n";
  for (const auto& [id, kill] : killers) {
    file << id << ' ' << kill.seed << ' ' << kill.by.invariant << ' ' << kill.by.what << '\n';
  }
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

void print_table(std::ostream& out, const std::vector<Mutant>& mutants, const Killers& killers) {
  out << "# Mutants\n\n"
      << "Bugs that were put in on purpose, the first seed of the simulator that noticed each, "
         "and\n"
      << "the invariant that it broke. Written by `raft-mutants --table`;\n"
      << "[tests/mutants](../tests/mutants/README.md) says how.\n\n"
      << "| # | seeded bug | killed | seeds | noticed by | expected |\n"
      << "|---|---|---|---|---|---|\n";
  std::size_t killed = 0;
  for (const Mutant& mutant : mutants) {
    out << "| " << mutant.id << " | " << mutant.name << " | ";
    const auto kill = killers.find(mutant.id);
    if (kill == killers.end()) {
      out << "**no** | | | ";
    } else {
      ++killed;
      out << "yes | " << kill->second.seed << " | " << kill->second.by.invariant << " | ";
    }
    out << mutant.expected << " |\n";
  }
  out << '\n' << killed << " of " << mutants.size() << " mutants are killed.\n";
}

}  // namespace mutants
