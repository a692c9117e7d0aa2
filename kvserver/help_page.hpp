// What `/` answers: enough to use the server without leaving the terminal.
#pragma once

#include <string>

namespace kv {

std::string help_page();
/// "kvserver 0.1.0".
std::string version_line();

}  // namespace kv
