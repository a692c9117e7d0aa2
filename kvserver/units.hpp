// Durations ("500ms", "30s", "5m") and sizes ("64MiB") as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <libraft/types.hpp>

namespace kv {

/// A whole number with one of the units ms, s, m, h. Absent: not of that form, or too large.
std::optional<raft::Duration> parse_duration(std::string_view text);
/// In the largest unit that loses nothing: "500ms", "30s", "5m".
std::string format_duration(raft::Duration duration);

/// A whole number of bytes, alone or with one of the units B, KiB, MiB, GiB. Absent as above.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// In the largest unit that loses nothing: "64MiB".
std::string format_size(std::uint64_t bytes);

/// Digits only: no sign, no space, no other base. Absent: not of that form, or above 2^64 - 1.
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace kv
