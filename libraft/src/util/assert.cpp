#include "util/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace raft::util {

void assertion_failed(const char* condition, const char* file, int line,
                      const std::string& details) {
  std::fprintf(stderr, "libraft: assertion failed: %s at %s:%d %s\n", condition, file, line,
               details.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace raft::util
