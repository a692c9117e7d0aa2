#include "core/script.hpp"

#include <sstream>

namespace raft::test {

Script parse_script(const std::string& text) {
  Script script;
  std::istringstream in(text);
  std::string line;
  bool in_output = false;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.starts_with("> ")) {
      script.steps.push_back({std::move(script.after), number, line.substr(2), {}});
      script.after.clear();
      in_output = true;
    } else if (line.empty() || line.starts_with("#")) {
      script.after.push_back(line);
      in_output = false;
    } else if (in_output) {
      script.steps.back().output.push_back(line);
    } else {
      // Output without a command: it is compared with nothing, and so it must not be lost.
      script.steps.push_back({std::move(script.after), number, "", {line}});
      script.after.clear();
      in_output = true;
    }
  }
  return script;
}

std::string format_script(const Script& script) {
  std::string text;
  const auto add = [&](const std::string& line) { text += line + "\n"; };
  for (const ScriptStep& step : script.steps) {
    for (const std::string& line : step.before) add(line);
    add("> " + step.command);
    for (const std::string& line : step.output) add(line);
  }
  for (const std::string& line : script.after) add(line);
  return text;
}

}  // namespace raft::test
