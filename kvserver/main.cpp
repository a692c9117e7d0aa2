// The program kvserver: reads its configuration and runs.
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "kvserver/app.hpp"
#include "kvserver/options.hpp"

extern char** environ;

int main(int count, char** words) {
  kv::Environment environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text(*variable);
    const std::size_t equals = text.find('=');
    if (equals != text.npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  const std::vector<std::string> arguments(words + (count > 0 ? 1 : 0), words + count);
  const auto parsed = kv::parse_options(arguments, environment);
  if (const auto* early = std::get_if<kv::EarlyExit>(&parsed)) {
    std::fputs(early->text.c_str(), early->code == 0 ? stdout : stderr);
    return early->code;
  }
  return kv::run(std::get<kv::Configuration>(parsed));
}
