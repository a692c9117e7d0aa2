#include <iostream>
#include <sstream>
#include <string>

#include <libraft/sim.hpp>
#include "sim/last_lines.hpp"

namespace raft::sim {
namespace {

constexpr std::uint64_t usual_seeds = 200;
constexpr std::size_t last_events_max = 40;
constexpr int exit_violation = 1;
constexpr int exit_usage = 64;

struct Seeds {
  std::uint64_t first = 1;
  std::uint64_t last = usual_seeds;
};

/// "42" or "1..5000".
std::optional<Seeds> seeds_from(const std::string& text) {
  std::istringstream words(text);
  Seeds seeds;
  if (!(words >> seeds.first)) return std::nullopt;
  seeds.last = seeds.first;
  if (words.eof()) return seeds;
  char dots[2] = {};
  const bool is_range = words >> dots[0] >> dots[1] >> seeds.last && dots[0] == '.' &&
                        dots[1] == '.' && (words >> std::ws).eof();
  return is_range && seeds.first <= seeds.last ? std::optional(seeds) : std::nullopt;
}

/// Nothing of a run is kept that may not be needed: the failing one happens once more.
void show_last_events(std::uint64_t seed, Options options, const Subject& subject) {
  LastLines lines(last_events_max);
  std::ostream trace(&lines);
  options.trace = &trace;
  run(seed, options, subject);
  std::cout << "the last events of seed " << seed << ":\n" << lines.text();
}

}  // namespace

int simulate(const Subject& subject, int argc, char** argv, Options options) {
  const auto seeds = argc > 1 ? seeds_from(argv[1]) : Seeds{};
  if (!seeds || argc > 2) {
    std::cerr << "usage: " << argv[0] << " [SEED | FIRST..LAST]\n";
    return exit_usage;
  }
  const bool is_one = seeds->first == seeds->last;
  if (is_one) options.trace = &std::cout;
  Summary all;
  for (std::uint64_t seed = seeds->first; seed <= seeds->last && all.violations.empty(); ++seed) {
    all.add(run(seed, options, subject));
  }
  std::cout << all;
  for (const Summary::Violation& violation : all.violations) {
    if (!is_one) show_last_events(violation.seed, options, subject);
    std::cout << "seed " << violation.seed << " violates " << violation.invariant << ": "
              << violation.what << '\n'
              << argv[0] << ' ' << violation.seed << '\n';
  }
  return all.violations.empty() ? 0 : exit_violation;
}

}  // namespace raft::sim
