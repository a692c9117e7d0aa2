#include "kvserver/logging.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "kvserver/target.hpp"

namespace kv {
namespace {

constexpr std::size_t line_bytes_max = 2048;
constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};
// The server's own; all others come from libraft.
constexpr std::array<std::string_view, 2> server_components{"server", "http"};

// "raft" stands for all of libraft; its parts have names as well.
constexpr std::array<std::string_view, 3> library_components{"raft", "net", "storage"};

std::optional<raft::LogLevel> parse_level(std::string_view text) {
  const auto found = std::find(level_names.begin(), level_names.end(), text);
  if (found == level_names.end()) return std::nullopt;
  return static_cast<raft::LogLevel>(found - level_names.begin());
}

bool is_of_server(std::string_view component) {
  return std::find(server_components.begin(), server_components.end(), component) !=
         server_components.end();
}

bool is_of_library(std::string_view component) {
  return std::find(library_components.begin(), library_components.end(), component) !=
         library_components.end();
}

std::string present_time() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto fraction = now.time_since_epoch() % std::chrono::seconds(1);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(fraction).count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 8> rest;
  std::snprintf(rest.data(), rest.size(), ".%03dZ", static_cast<int>(milliseconds));
  return std::string(text.data(), length) + rest.data();
}

}  // namespace

raft::LogLevel LogLevels::of(std::string_view component) const {
  for (const auto& [name, level] : components) {
    if (name == component || (name == "raft" && !is_of_server(component))) return level;
  }
  return otherwise;
}

raft::LogLevel LogLevels::lowest() const {
  raft::LogLevel lowest = otherwise;
  for (const auto& [name, level] : components) lowest = std::min(lowest, level);
  return lowest;
}

std::optional<LogLevels> parse_log_levels(std::string_view text) {
  LogLevels levels;
  do {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(text.size(), comma + 1));
    const std::size_t equals = part.find('=');
    const auto level = parse_level(equals == part.npos ? part : part.substr(equals + 1));
    if (!level) return std::nullopt;
    if (equals == part.npos) {
      levels.otherwise = *level;
      continue;
    }
    const std::string_view component = part.substr(0, equals);
    if (!is_of_server(component) && !is_of_library(component)) return std::nullopt;
    levels.components.emplace_back(component, *level);
  } while (!text.empty());
  return levels;
}

std::string_view to_string(raft::LogLevel level) {
  return level_names[static_cast<std::size_t>(level)];
}

std::string format_log_line(LogFormat format, std::string_view time, raft::LogLevel level,
                            std::string_view component, std::string_view text) {
  const std::string safe = printable(text, line_bytes_max);
  if (format == LogFormat::json) {
    const boost::json::object line{{"time", time},
                                   {"level", to_string(level)},
                                   {"component", printable(component)},
                                   {"message", safe}};
    return boost::json::serialize(line) + "\n";
  }
  std::string line(time);
  line.append(" ").append(to_string(level)).append(" ").append(printable(component)).append(": ");
  return line.append(safe).append("\n");
}

void Logger::write(raft::LogLevel level, std::string_view component, std::string_view text) const {
  if (level < levels_.of(component)) return;
  const std::string line = format_log_line(format_, present_time(), level, component, text);
  // A log that cannot be written is no reason to stop serving.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace kv
