// Whom a node has to reach, and where.
#pragma once

#include <map>
#include <set>
#include <string>

#include <libraft/types.hpp>
#include "core/core.hpp"

namespace raft::replica {

/// Remembers every address seen, also of members that are removed by now. One per node.
class AddressBook {
 public:
  /// Notes the addresses of a group, and adds those whom the group has to reach to `peers`.
  void collect(const core::Core& core, std::map<NodeId, std::string>& peers);

 private:
  std::map<NodeId, std::string> addresses_;
};

}  // namespace raft::replica
