#include "system/binaries.hpp"

namespace system_test {

const char* kvserver_program() { return KVSERVER_PROGRAM; }
const char* repository() { return REPOSITORY; }
const char* sync_shim_library() { return SYNC_SHIM_LIBRARY; }

}  // namespace system_test
