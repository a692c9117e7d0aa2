// Log lines on stderr, for people or for machines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libraft/options.hpp>

namespace kv {

enum class LogFormat { text, json };

/// "info", or levels by component: "raft=debug,http=warning,info". "raft" stands for all of
/// libraft's components.
struct LogLevels {
  raft::LogLevel otherwise = raft::LogLevel::info;
  std::vector<std::pair<std::string, raft::LogLevel>> components;

  raft::LogLevel of(std::string_view component) const;
  /// The least that any component asks for.
  raft::LogLevel lowest() const;
};

/// Absent: a level that does not exist.
std::optional<LogLevels> parse_log_levels(std::string_view text);

std::string_view to_string(raft::LogLevel level);

/// One line with its newline. Bytes that could move a cursor or forge a line come out as \xNN, and
/// long lines are cut. `time`: as in RFC 3339.
std::string format_log_line(LogFormat format, std::string_view time, raft::LogLevel level,
                            std::string_view component, std::string_view text);

/// Any thread: each line is one write.
class Logger {
 public:
  Logger(LogFormat format, LogLevels levels) : format_(format), levels_(std::move(levels)) {}

  void write(raft::LogLevel level, std::string_view component, std::string_view text) const;

  void info(std::string_view text) const { write(raft::LogLevel::info, "server", text); }
  void warning(std::string_view text) const { write(raft::LogLevel::warning, "server", text); }
  void error(std::string_view text) const { write(raft::LogLevel::error, "server", text); }

 private:
  const LogFormat format_;
  const LogLevels levels_;
};

}  // namespace kv
