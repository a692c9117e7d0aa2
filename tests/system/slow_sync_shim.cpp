// Preloaded into a server, makes its disk slow or broken on demand: while the file `slow` lies in
// the folder that SYNC_SHIM_FOLDER names, fsync and fdatasync take 30 ms longer; while the file
// `fail` lies there they fail. To kill a process proves nothing about syncs, because the kernel
// keeps what was written; this shows whether anything is acknowledged before its sync is done.
#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace {

bool is_switched_on(const char* name) {
  const char* folder = std::getenv("SYNC_SHIM_FOLDER");
  return folder != nullptr && access((std::string(folder) + "/" + name).c_str(), F_OK) == 0;
}

int sync_through(const char* function, int file) {
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
