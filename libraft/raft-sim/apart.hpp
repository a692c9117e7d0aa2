// A function in a process of its own: what it takes down is nothing but itself.
#pragma once

#include <sys/types.h>

#include <functional>
#include <iosfwd>
#include <string>

namespace raft_sim {

class Apart {
 public:
  /// Starts it. What it writes to its stream can be read here, in whole lines, and so can what the
  /// process says on its standard error; its standard output is ours. A process that has computed
  /// for ten minutes is ended. Throws std::runtime_error if there is no process to be had.
  explicit Apart(const std::function<void(std::ostream&)>& function);
  /// Ends it.
  ~Apart();
  Apart(const Apart&) = delete;
  Apart& operator=(const Apart&) = delete;

  /// For poll().
  int file() const { return file_; }
  /// What it has written meanwhile; waits for something. Empty: it has ended.
  std::string read();
  /// As waitpid() tells it. Behind the end.
  int status();

 private:
  int file_ = -1;
  pid_t process_ = 0;
};

}  // namespace raft_sim
