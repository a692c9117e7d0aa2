// The JSON bodies that membership routes take.
#pragma once

#include <string_view>

#include <libraft/error.hpp>
#include <libraft/membership.hpp>

namespace kv {

/// {"id":4,"raft":"HOST:PORT","http":"HOST:PORT","role":"voter"|"learner"}; role: voter when
/// absent, which means a learner that is promoted once it has caught up.
/// Errors: invalid_argument; the detail says what is missing.
raft::Result<raft::Member> parse_member(std::string_view body);

/// {"to":ID}; 0, or an empty body: whoever is the most up to date.
raft::Result<raft::NodeId> parse_transfer(std::string_view body);

}  // namespace kv
