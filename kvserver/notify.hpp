// Tells the service manager how the start and the end go on (sd_notify(3)).
#pragma once

#include <string_view>

namespace kv {

/// Sends "READY=1" and the like to the socket that NOTIFY_SOCKET names. Without one, or on an
/// error, nothing happens: whoever does not listen must not stop us.
void notify(std::string_view state);

}  // namespace kv
