// The bounds as options of a command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exhaustive/bounds.hpp"

namespace raft::exhaustive {

/// Absent: an option is unknown or its value impossible.
std::optional<Bounds> parse(const std::vector<std::string>& arguments);
/// The command that explores the same again.
std::string to_command(const Bounds& bounds);
std::string usage();

}  // namespace raft::exhaustive
