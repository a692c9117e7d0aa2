// Lines for people, to a sink that the user gives. No global.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <libraft/options.hpp>

namespace raft::util {

/// Cheap to copy; a default one is silent. Any thread.
class Log {
 public:
  Log() = default;
  Log(LogSink sink, LogLevel level);

  /// The same sink under another component name.
  Log named(std::string component) const;
  bool is_on(LogLevel level) const;
  /// Control bytes are escaped and long lines cut, so that no input can forge a line.
  void write(LogLevel level, std::string_view line) const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::string component_;
};

}  // namespace raft::util

/// Builds the line only if someone reads it: RAFT_LOG(log, info, "joined as " + to_string(id)).
#define RAFT_LOG(log, level, line)                  \
  do {                                              \
    if ((log).is_on(::raft::LogLevel::level)) {     \
      (log).write(::raft::LogLevel::level, (line)); \
    }                                               \
  } while (false)
