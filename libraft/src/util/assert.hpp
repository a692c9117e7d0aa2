// Checks that stay on in release: a broken invariant stops the process before it can do harm.
#pragma once

#include <string>

namespace raft::util {

/// Prints one line with the condition, the place and the details, then aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const std::string& details);

}  // namespace raft::util

/// For programmer errors and broken invariants only. The second argument is evaluated on failure.
#define RAFT_ASSERT(condition, ...) \
  (static_cast<bool>(condition)     \
       ? static_cast<void>(0)       \
       : ::raft::util::assertion_failed(#condition, __FILE__, __LINE__, {__VA_ARGS__}))
