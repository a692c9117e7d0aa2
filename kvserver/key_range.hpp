// Which keys a scan visits, and where it begins.
#pragma once

#include <optional>

#include <libraft/types.hpp>

namespace kv {

/// Keys with a prefix, in ascending order of their bytes, or in descending order.
struct Range {
  raft::BytesView prefix{};                ///< Only keys that begin with it.
  std::optional<raft::BytesView> after{};  ///< Only keys behind it in that order: the last of the
                                           ///< page before.
  bool descending = false;
};

/// The first key of a descending scan is the last one below this. Absent: the last of all.
std::optional<raft::Bytes> bound_above(const Range& range);

}  // namespace kv
