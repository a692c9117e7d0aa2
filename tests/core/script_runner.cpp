// Plays scripts and compares what happens with what they expect.
//
//   script_runner FILE...            prints every difference; fails if there is one
//   script_runner --rewrite FILE...  writes what happens into the files: review the diff
//   script_runner --coverage FILE... prints the kinds of notes that no script reaches; fails if
//                                    there is one
#include <cstdio>
#include <exception>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/ready.hpp"
#include "core/script.hpp"
#include "core/script_commands.hpp"

namespace raft::test {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// One script, played to its end or to the first command that cannot be carried out.
struct Played {
  Script expected;
  Script actual;
  std::string failure;
  std::set<core::NoteKind> notes;
};

Played play(const std::string& path) {
  Played played;
  played.expected = parse_script(read_text(path));
  played.actual = played.expected;
  if (played.expected.steps.empty()) played.failure = "no command in it";
  Conversation conversation;
  for (ScriptStep& step : played.actual.steps) {
    try {
      step.output = conversation.play(step.command);
    } catch (const std::exception& error) {
      played.failure = "line " + std::to_string(step.line) + ": " + error.what();
      break;
    }
  }
  played.notes = conversation.notes();
  return played;
}

/// The lines that both begin and end with are left out, so that only what differs is shown.
void print_difference(const ScriptStep& expected, const ScriptStep& actual) {
  const auto& was = expected.output;
  const auto& is = actual.output;
  std::size_t head = 0;
  while (head < was.size() && head < is.size() && was[head] == is[head]) ++head;
  std::size_t tail = 0;
  while (tail < was.size() - head && tail < is.size() - head &&
         was[was.size() - 1 - tail] == is[is.size() - 1 - tail]) {
    ++tail;
  }
  std::printf("  > %s\n", expected.command.c_str());
  if (head > 0) std::printf("    %s\n", was[head - 1].c_str());
  for (std::size_t i = head; i < was.size() - tail; ++i) std::printf("  - %s\n", was[i].c_str());
  for (std::size_t i = head; i < is.size() - tail; ++i) std::printf("  + %s\n", is[i].c_str());
}

bool compare(const std::string& path) {
  const Played played = play(path);
  bool equal = played.failure.empty();
  for (std::size_t i = 0; i < played.expected.steps.size(); ++i) {
    const ScriptStep& expected = played.expected.steps[i];
    if (expected.output == played.actual.steps[i].output) continue;
    std::printf("%s:%zu: not as expected\n", path.c_str(), expected.line);
    print_difference(expected, played.actual.steps[i]);
    equal = false;
  }
  if (!played.failure.empty()) std::printf("%s: %s\n", path.c_str(), played.failure.c_str());
  return equal;
}

bool rewrite(const std::string& path) {
  const Played played = play(path);
  if (!played.failure.empty()) {
    std::printf("%s: %s\n", path.c_str(), played.failure.c_str());
    return false;
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << format_script(played.actual);
  return true;
}

bool check_coverage(const std::vector<std::string>& paths) {
  std::set<core::NoteKind> reached;
  for (const std::string& path : paths) reached.merge(play(path).notes);
  bool complete = true;
  for (std::size_t kind = 0; kind < static_cast<std::size_t>(core::NoteKind::count_); ++kind) {
    const auto note = static_cast<core::NoteKind>(kind);
    if (reached.contains(note)) continue;
    std::printf("no script reaches: %s\n", core::to_string(note));
    complete = false;
  }
  return complete;
}

int run(std::vector<std::string> arguments) {
  const std::string option = arguments.empty() ? "" : arguments.front();
  if (option.starts_with("--")) arguments.erase(arguments.begin());
  if (arguments.empty()) {
    std::puts("script_runner [--rewrite | --coverage] FILE...");
    return 2;
  }
  if (option == "--coverage") return check_coverage(arguments) ? 0 : 1;
  bool good = true;
  for (const std::string& path : arguments) {
    good = (option == "--rewrite" ? rewrite(path) : compare(path)) && good;
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace raft::test

int main(int count, char** arguments) {
  return raft::test::run({arguments + 1, arguments + count});
}
