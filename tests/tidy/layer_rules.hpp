// Who may include whom, as one function over names, so that the rules themselves can be tested.
#pragma once

#include <optional>
#include <string>

#include "tidy/source_tree.hpp"

namespace tidy {

/// What stands between the brackets or quotes of an #include line; nothing on other lines.
std::optional<std::string> included(const std::string& line);

/// Why `file` must not include `header`, or nothing when it may.
std::optional<std::string> why_not_include(const fs::path& file, const std::string& header);

/// Why a line of `file` must not be there whatever it includes: clocks, threads and randomness in
/// layers that have to be deterministic.
std::optional<std::string> why_not_line(const fs::path& file, const std::string& line);

}  // namespace tidy
