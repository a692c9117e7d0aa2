// Explores every interleaving of a small cluster, and prints the shortest way to break a rule.
//
//   raft-explore --proposals 2 --crashes 1 --changes 1 --timeouts 2 --timeouts-of-all 2
//
// Exits with 0 if all was explored and nothing found, 1 if a rule was broken, 2 if it had to stop
// at --states-max, --minutes-max or --memory-max, 64 for options that it does not know.
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

#include "exhaustive/command_line.hpp"
#include "exhaustive/explorer.hpp"

namespace raft::exhaustive {
namespace {

/// What runs, for the handler of a failed assertion.
Explorer* exploring = nullptr;

void print(const std::string& line) {
  static std::size_t number = 0;
  std::printf("%4zu  %s\n", ++number, line.c_str());
  std::fflush(stdout);
}

/// A failed assertion of the core aborts. It is raised by the exploration itself, between two
/// operations on its data, so the way there can be walked again and printed.
void print_path_at_abort(int) {
  std::signal(SIGABRT, SIG_DFL);
  if (exploring == nullptr) return;
  std::printf("failed at: %s; the way there:\n", exploring->tried().c_str());
  exploring->walk_here([](const std::string& line) { print(line); });
}

/// False: more of the machine was used than is allowed.
bool print(const Progress& progress, const Bounds& bounds) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const long seconds = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
  const long mebibytes = used.ru_maxrss / 1024;
  std::printf(
      "%11zu states %12zu transitions %10zu waiting, depth %3zu, %8zu node states %9zu reactions "
      "(%zu compared), %5ld s of CPU, peak %5ld MiB\n",
      progress.states, progress.transitions, progress.waiting, progress.depth, progress.node_states,
      progress.reactions, progress.compared, seconds, mebibytes);
  std::fflush(stdout);
  return mebibytes <= long{bounds.memory_max} && seconds <= 60 * long{bounds.minutes_max};
}

int run(const std::vector<std::string>& arguments) {
  const std::optional<Bounds> bounds = parse(arguments);
  if (!bounds) {
    std::fputs(usage().c_str(), stderr);
    return 64;
  }
  std::printf("%s\n", to_command(*bounds).c_str());
  Explorer explorer(*bounds);
  exploring = &explorer;
  std::signal(SIGABRT, print_path_at_abort);
  const Report report =
      explorer.run(500'000, [&](const Progress& progress) { return print(progress, *bounds); });
  std::signal(SIGABRT, SIG_DFL);
  print(report.progress, *bounds);
  if (report.violation) {
    for (const std::string& line : report.path) print(line);
    std::printf("%s\nagain: %s\n", report.violation->c_str(), to_command(*bounds).c_str());
    return 1;
  }
  std::puts(report.is_complete ? "all explored, nothing found"
                               : "stopped at --states-max, --minutes-max or --memory-max");
  return report.is_complete ? 0 : 2;
}

}  // namespace
}  // namespace raft::exhaustive

int main(int count, char** arguments) {
  return raft::exhaustive::run({arguments + 1, arguments + count});
}
