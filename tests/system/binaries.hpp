// Where the build has put what these tests run.
#pragma once

namespace system_test {

/// The server, the real one: ctest names it in the environment variable SERVER_UNDER_TEST. Throws
/// if it does not.
const char* kvserver_program();
/// The root of the source tree.
const char* repository();
/// The library that makes syncs slow or fail, see slow_sync_shim.cpp.
const char* sync_shim_library();

}  // namespace system_test
