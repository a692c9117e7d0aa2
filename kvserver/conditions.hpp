// Conditions on a write and on a read: entity tags (RFC 9110 13.1) and `?cas=`.
#pragma once

#include <vector>

#include <libraft/error.hpp>
#include "kvserver/kv_command.hpp"
#include "kvserver/request.hpp"
#include "kvserver/target.hpp"

namespace kv {

/// From If-Match, If-None-Match and `?cas=`, of which at most one may be there.
/// Errors: invalid_argument; the detail says what to write instead.
raft::Result<Condition> write_condition(const RequestHeaders& headers, const Query& query);

/// If-None-Match of a read.
struct KnownTags {
  std::vector<Index> indexes;
  bool any = false;  ///< "*"
};
/// A tag that we never gave matches nothing. Errors: invalid_argument.
raft::Result<KnownTags> known_tags(const RequestHeaders& headers);

/// `"17"`, the strong tag of a value that the entry at index 17 wrote.
std::string etag(Index change_index);

}  // namespace kv
