#include "system/binaries.hpp"

#include <cstdlib>
#include <stdexcept>

namespace system_test {

const char* kvserver_program() {
  const char* program = std::getenv("SERVER_UNDER_TEST");
  if (program == nullptr) throw std::runtime_error("SERVER_UNDER_TEST names no kvserver");
  return program;
}
const char* repository() { return REPOSITORY; }
const char* sync_shim_library() { return SYNC_SHIM_LIBRARY; }

}  // namespace system_test
