#include "mutants/trial.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <stdexcept>

#include "mutants/choice.hpp"

namespace mutants {
namespace {

using raft::sim::Summary;

constexpr rlim_t cpu_seconds_max = 60;  // Others take about a quarter of one.
constexpr rlim_t memory_bytes_max = rlim_t{6} << 30;

// Marks the verdict in what the child prints, which may be an assertion's last words too.
const std::string verdict_mark = "verdict ";

[[noreturn]] void run_child(const Mutant& mutant, bool is_mutated, std::uint64_t seed, int out) {
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  const rlimit cpu{cpu_seconds_max, cpu_seconds_max};
  const rlimit memory{memory_bytes_max, memory_bytes_max};
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CPU, &cpu);
  setrlimit(RLIMIT_AS, &memory);
  setrlimit(RLIMIT_CORE, &no_core);
  if (is_mutated) choose(mutant.number);
  const Summary summary = raft::sim::run(seed, options_for(mutant), raft::sim::register_subject());
  for (const Summary::Violation& violation : summary.violations) {
    std::cout << verdict_mark << violation.invariant << ' ' << violation.what << '\n';
  }
  std::cout.flush();
  _exit(0);  // What a mutant has left behind is not worth taking down.
}

std::string read_all(int file) {
  std::string text;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = read(file, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// "libraft: assertion failed: CONDITION at FILE:LINE DETAILS". Those that state an invariant by
/// its name name it at the beginning of the details.
Noticed understand_abort(const std::string& text) {
  const std::string said = "assertion failed: ";
  const std::size_t begin = text.find(said);
  if (begin == std::string::npos) return {"crash", first_line(text)};
  const std::string rest = first_line(text.substr(begin + said.size()));
  const std::size_t place = rest.rfind(" at /");
  std::string condition = rest.substr(0, place);
  const std::size_t details = place == std::string::npos ? place : rest.find(' ', place + 4);
  std::string why = details == std::string::npos ? "" : rest.substr(details + 1);
  if (condition != "!violation") return {"assertion", condition + (why.empty() ? "" : ": " + why)};
  const std::size_t colon = why.find(": ");
  if (colon == std::string::npos) return {"assertion", why};
  return {why.substr(0, colon), "(asserted) " + why.substr(colon + 2)};
}

std::optional<Noticed> understand(const std::string& text, int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGXCPU || signal == SIGKILL) return Noticed{"endless", "no end in sight"};
    if (signal == SIGABRT) return understand_abort(text);
    return Noticed{"crash", "signal " + std::to_string(signal)};
  }
  if (WEXITSTATUS(status) != 0) return Noticed{"crash", first_line(text)};
  const std::size_t begin = text.find(verdict_mark);
  if (begin == std::string::npos) return std::nullopt;
  const std::string verdict = first_line(text.substr(begin + verdict_mark.size()));
  const std::size_t space = verdict.find(' ');
  return Noticed{verdict.substr(0, space), verdict.substr(space + 1)};
}

}  // namespace

std::optional<Noticed> try_seed(const Mutant& mutant, bool is_mutated, std::uint64_t seed) {
  int ends[2];
  std::cout.flush();
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    close(ends[0]);
    run_child(mutant, is_mutated, seed, ends[1]);
  }
  close(ends[1]);
  const std::string text = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  if (waitpid(child, &status, 0) != child) throw std::runtime_error("the process was lost");
  return understand(text, status);
}

void trace_seed(const Mutant& mutant, std::uint64_t seed, std::ostream& out) {
  choose(mutant.number);
  raft::sim::Options options = options_for(mutant);
  options.trace = &out;
  out << raft::sim::run(seed, options, raft::sim::register_subject());
}

}  // namespace mutants
