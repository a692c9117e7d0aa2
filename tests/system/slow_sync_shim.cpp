// Preloaded into a server, makes its disk slow or broken on demand: while the file `slow` lies in
// the folder that SYNC_SHIM_FOLDER names, fsync and fdatasync take 30 ms longer; while the file
// `fail` lies there they fail; while the file `die` lies there, with a number N in it, the process
// kills itself in place of its N-th sync. To kill a process proves nothing about syncs, because the
// kernel keeps what was written; this shows whether anything is acknowledged before its sync is
// done, and what a start finds between any two steps of the one before.
#include <dlfcn.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>

namespace {

std::string path_of(const char* name) {
  const char* folder = std::getenv("SYNC_SHIM_FOLDER");
  return folder == nullptr ? std::string() : std::string(folder) + "/" + name;
}

bool is_switched_on(const char* name) { return access(path_of(name).c_str(), F_OK) == 0; }

// Counts the syncs of this process.
void die_if_asked_to() {
  static std::atomic<int> syncs{0};
  const int present = ++syncs;
  int last = 0;
  if (std::ifstream(path_of("die")) >> last && present == last) kill(getpid(), SIGKILL);
}

int sync_through(const char* function, int file) {
  die_if_asked_to();
  if (is_switched_on("fail")) {
    errno = EIO;
    return -1;
  }
  if (is_switched_on("slow")) {
    const timespec pause{0, 30'000'000};
    nanosleep(&pause, nullptr);
  }
  using Sync = int (*)(int);
  return reinterpret_cast<Sync>(dlsym(RTLD_NEXT, function))(file);
}

}  // namespace

extern "C" int fsync(int file) { return sync_through("fsync", file); }
extern "C" int fdatasync(int file) { return sync_through("fdatasync", file); }
