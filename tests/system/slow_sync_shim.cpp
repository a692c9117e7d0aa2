// Preloaded into a server, makes its disk slow, broken or full on demand: while the file `slow`
// lies in the folder that SYNC_SHIM_FOLDER names, fsync and fdatasync take 30 ms longer; while the
// file `fail` lies there they fail; while the file `full` lies there no file finds room to grow;
// while the file `die` lies there, with a number N in it, the process kills itself in place of its
// N-th sync. To kill a process proves nothing about syncs, because the kernel keeps what was
// written; this shows whether anything is acknowledged before its sync is done, and what a start
// finds between any two steps of the one before.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
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

// The standard streams go on: what the server says is kept, too.
bool is_without_room(int file) {
  struct stat facts {};
  return file > STDERR_FILENO && is_switched_on("full") && fstat(file, &facts) == 0 &&
         S_ISREG(facts.st_mode);
}

// Calls the function of that name in the C library, unless there is no room.
template <class Result, class... Args>
Result write_through(const char* function, int file, Args... args) {
  if (is_without_room(file)) {
    errno = ENOSPC;
    return -1;
  }
  using Write = Result (*)(int, Args...);
  return reinterpret_cast<Write>(dlsym(RTLD_NEXT, function))(file, args...);
}

}  // namespace

extern "C" int fsync(int file) { return sync_through("fsync", file); }
extern "C" int fdatasync(int file) { return sync_through("fdatasync", file); }

extern "C" ssize_t write(int file, const void* bytes, size_t size) {
  return write_through<ssize_t>("write", file, bytes, size);
}
extern "C" ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return write_through<ssize_t>("pwrite", file, bytes, size, offset);
}
extern "C" ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  return write_through<ssize_t>("pwrite64", file, bytes, size, offset);
}
extern "C" int fallocate(int file, int mode, off_t offset, off_t size) {
  return write_through<int>("fallocate", file, mode, offset, size);
}
extern "C" int fallocate64(int file, int mode, off64_t offset, off64_t size) {
  return write_through<int>("fallocate64", file, mode, offset, size);
}
