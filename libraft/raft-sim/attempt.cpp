#include "attempt.hpp"

#include <sys/wait.h>

#include <csignal>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "sim/last_lines.hpp"
#include "summary_text.hpp"

namespace raft_sim {
namespace {

using raft::sim::Summary;
using Violation = Summary::Violation;

constexpr std::size_t last_events_max = 40;

/// Marks the verdict in what a process says, which may be an assertion's last words too.
const std::string verdict_mark = "verdict\n";
const std::string refusal_mark = "not a script: ";

void simulate(const std::string& script, const raft::sim::Options& options, std::ostream& out) {
  const auto summary = raft::sim::replay(script, options, raft::sim::register_subject());
  if (!summary) {
    out << refusal_mark << summary.error().detail << '\n';
    return;
  }
  out << verdict_mark;
  write(out, *summary);
}

std::uint64_t seed_of(const std::string& script) {
  std::istringstream lines(script);
  std::uint64_t seed = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("seed ")) std::istringstream(line.substr(5)) >> seed;
  }
  return seed;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// "libraft: assertion failed: CONDITION at FILE:LINE DETAILS". Those that watch over an invariant
/// name it at the beginning of the details.
Violation understand_abort(std::uint64_t seed, const std::string& said) {
  const std::string begins = "assertion failed: ";
  const std::size_t begin = said.find(begins);
  if (begin == std::string::npos) return {seed, "crash", first_line(said)};
  const std::string rest = first_line(said.substr(begin + begins.size()));
  const std::string condition = "!violation at ";
  const std::size_t details = rest.find(' ', condition.size());
  const std::size_t colon = rest.find(": ", details);
  if (!rest.starts_with(condition) || colon == std::string::npos) return {seed, "assertion", rest};
  return {seed, rest.substr(details + 1, colon - details - 1), "asserted: " + rest};
}

/// A sanitizer's report has lines before the one that counts.
std::string what_counts(const std::string& said) {
  const std::size_t error = said.find("ERROR: ");
  return first_line(error == std::string::npos ? said : said.substr(error));
}

Violation understand_death(std::uint64_t seed, const std::string& said, int status) {
  if (!WIFSIGNALED(status)) return {seed, "crash", what_counts(said)};
  const int signal = WTERMSIG(status);
  if (signal == SIGABRT) return understand_abort(seed, said);
  if (signal == SIGXCPU) return {seed, "endless", "no end of one event in sight"};
  return {seed, "crash", "signal " + std::to_string(signal) + " " + first_line(said)};
}

}  // namespace

Attempt::Attempt(const std::string& script, bool prints)
    : seed_(seed_of(script)), process_([&](std::ostream& out) {
        raft::sim::Options options;
        if (prints) options.trace = &std::cout;
        simulate(script, options, out);
      }) {}

bool Attempt::goes_on() {
  const std::string more = process_.read();
  said_ += more;
  return !more.empty();
}

Summary Attempt::summary() {
  const int status = process_.status();
  Summary summary;
  if (status != 0) {
    summary.seeds = 1;
    summary.violations.push_back(understand_death(seed_, said_, status));
    return summary;
  }
  if (said_.starts_with(refusal_mark)) throw std::runtime_error(first_line(said_));
  const std::size_t verdict = said_.find(verdict_mark);
  if (verdict == std::string::npos) throw std::runtime_error("a process has no verdict: " + said_);
  std::cerr << said_.substr(0, verdict);
  std::istringstream lines(said_.substr(verdict + verdict_mark.size()));
  for (std::string line; std::getline(lines, line);) read_line(line, summary);
  return summary;
}

Summary attempt(const std::string& script, bool prints) {
  Attempt one(script, prints);
  while (one.goes_on()) continue;
  return one.summary();
}

std::string last_events(const std::string& script) {
  Apart process([&](std::ostream& out) {
    raft::sim::Options options;
    options.trace = &out;
    const auto summary = raft::sim::replay(script, options, raft::sim::register_subject());
    if (!summary) out << summary.error().detail << '\n';
  });
  raft::sim::LastLines lines(last_events_max);
  std::ostream end(&lines);
  for (std::string text = process.read(); !text.empty(); text = process.read()) end << text;
  return lines.text();
}

}  // namespace raft_sim
