#include "apart.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <streambuf>

namespace raft_sim {
namespace {

/// Hundreds of times what a run takes. Runs are bounded by their number of events; this is for code
/// that hangs within one.
constexpr rlim_t cpu_seconds_max = 600;

/// Nothing is lost of a process that dies but the line that it was writing.
class LineWriter final : public std::streambuf {
 public:
  explicit LineWriter(int file) : file_(file) {}

 protected:
  int_type overflow(int_type c) override {
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    line_.append(text, static_cast<std::size_t>(size));
    return !line_.ends_with('\n') || sync() == 0 ? size : 0;
  }
  int sync() override {
    for (std::size_t done = 0; done < line_.size();) {
      const ssize_t written = write(file_, line_.data() + done, line_.size() - done);
      if (written < 0 && errno != EINTR) return -1;
      if (written > 0) done += static_cast<std::size_t>(written);
    }
    line_.clear();
    return 0;
  }

 private:
  const int file_;
  std::string line_;
};

[[noreturn]] void live(const std::function<void(std::ostream&)>& function, int file) {
  dup2(file, STDERR_FILENO);
  std::signal(SIGABRT, SIG_DFL);  // Whoever starts us may have something to say about its own.
  const rlimit cpu{cpu_seconds_max, cpu_seconds_max + 5};  // SIGXCPU says why, SIGKILL does not.
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CPU, &cpu);
  setrlimit(RLIMIT_CORE, &no_core);
  LineWriter ours(STDOUT_FILENO);
  std::cout.rdbuf(&ours);
  LineWriter lines(file);
  std::ostream out(&lines);
  function(out);
  out.flush();
  std::cout.flush();
  std::exit(0);  // Where a checker of leaks has its say.
}

}  // namespace

Apart::Apart(const std::function<void(std::ostream&)>& function) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe to be had");
  std::cout.flush();  // Else its beginning would be printed by both.
  process_ = fork();
  if (process_ == 0) {
    close(ends[0]);
    live(function, ends[1]);
  }
  close(ends[1]);
  file_ = ends[0];
  if (process_ < 0) {
    close(file_);
    throw std::runtime_error("no process to be had");
  }
}

Apart::~Apart() {
  close(file_);
  if (process_ == 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

std::string Apart::read() {
  char buffer[1 << 16];
  for (;;) {
    const ssize_t size = ::read(file_, buffer, sizeof buffer);
    if (size >= 0) return {buffer, static_cast<std::size_t>(size)};
    if (errno != EINTR) throw std::runtime_error("a process cannot be listened to");
  }
}

int Apart::status() {
  int status = 0;
  while (waitpid(process_, &status, 0) < 0) {
    if (errno != EINTR) throw std::runtime_error("a process was lost");
  }
  process_ = 0;
  return status;
}

}  // namespace raft_sim
