// A conversation as a text file: commands, each followed by what it must lead to.
//
//   # Comments and blank lines may stand anywhere between commands.
//   > campaign 1
//   1: election timeout
//   1>2 t0 pre-vote request campaign 1 last 0/0
#pragma once

#include <string>
#include <vector>

namespace raft::test {

struct ScriptStep {
  std::vector<std::string> before;  ///< Comments and blank lines in front of the command.
  std::size_t line = 0;             ///< Of the command, from 1 on.
  std::string command;
  std::vector<std::string> output;
};

struct Script {
  std::vector<ScriptStep> steps;
  std::vector<std::string> after;  ///< What follows the last command.
};

Script parse_script(const std::string& text);
std::string format_script(const Script& script);

}  // namespace raft::test
