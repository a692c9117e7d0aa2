// A child process that cannot outlive the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace system_test {

struct Command {
  std::vector<std::string> words;        ///< The program and its arguments.
  std::vector<std::string> environment;  ///< NAME=VALUE, on top of what the test has.
  std::filesystem::path folder;          ///< Where it runs.
  std::filesystem::path log;             ///< Gets both its outputs, appended.
  bool heeds_permissions = false;        ///< Root, too, is then bound by file permissions.
};

/// How a process ended: by itself with a code, or by a signal.
struct Ended {
  int code = -1;
  int signal = 0;

  bool operator==(const Ended&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Ended& ended);

/// Started by the constructor, killed by the destructor, and by the kernel should the test itself
/// be killed. Use it on the thread that made it: the kernel watches that thread.
class Process {
 public:
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal);
  bool is_running();
  /// Nothing: it was still running when the time was up.
  std::optional<Ended> wait(std::chrono::milliseconds limit);

 private:
  pid_t id_ = -1;
  std::optional<Ended> ended_;
};

}  // namespace system_test
