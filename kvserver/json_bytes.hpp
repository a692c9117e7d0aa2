// Any bytes as a member of a JSON object, readable where they can be.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include <libraft/types.hpp>

namespace kv {

/// Text if they are UTF-8, else base64 (RFC 4648 4) under the name with "_base64" behind it.
void add_bytes(boost::json::object& object, const std::string& name, raft::BytesView bytes);

}  // namespace kv
