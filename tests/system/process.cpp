#include "system/process.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ostream>
#include <stdexcept>
#include <thread>

namespace system_test {

namespace {

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    // A configuration of the server on the tester's machine must not change the tests.
    const std::string text = *variable;
    if (!text.starts_with("KVSERVER_")) all.push_back(text);
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Runs between fork and exec, where only system calls are safe.
[[noreturn]] void become(char* const* words, char* const* environment, const char* folder, int log,
                         pid_t parent, bool heeds_permissions) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);  // It died before the line above.
  if (heeds_permissions && geteuid() == 0 &&
      (prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) != 0 ||
       prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH) != 0)) {
    _exit(125);
  }
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(124);
  if (chdir(folder) != 0) _exit(123);
  execvpe(words[0], words, environment);
  _exit(127);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Ended& ended) {
  if (ended.signal != 0) return out << "killed by signal " << ended.signal;
  return out << "exit code " << ended.code;
}

Process::Process(const Command& command) {
  std::vector<std::string> words = command.words;
  std::vector<std::string> environment = environment_with(command.environment);
  const std::vector<char*> word_pointers = pointers_to(words);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  const int log = open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) throw std::runtime_error("cannot write " + command.log.native());
  const pid_t parent = getpid();
  id_ = fork();
  if (id_ == 0) {
    become(word_pointers.data(), environment_pointers.data(), command.folder.c_str(), log, parent,
           command.heeds_permissions);
  }
  close(log);
  if (id_ < 0) throw std::runtime_error("cannot start " + command.words.front());
}

Process::~Process() {
  send(SIGKILL);
  while (!ended_ && !wait(std::chrono::seconds(1))) {
  }
}

void Process::send(int signal) {
  if (is_running()) kill(id_, signal);
}

bool Process::is_running() { return !wait(std::chrono::milliseconds(0)); }

std::optional<Ended> Process::wait(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!ended_) {
    int status = 0;
    const pid_t found = waitpid(id_, &status, WNOHANG);
    if (found == id_ && WIFEXITED(status)) ended_ = Ended{WEXITSTATUS(status), 0};
    if (found == id_ && WIFSIGNALED(status)) ended_ = Ended{-1, WTERMSIG(status)};
    if (found < 0 && errno != EINTR) ended_ = Ended{};
    if (ended_ || std::chrono::steady_clock::now() >= until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return ended_;
}

}  // namespace system_test
