// Judges who may talk to this node, before anything that they say is believed.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include <libraft/types.hpp>
#include "protocol/hello.hpp"

namespace raft::replica {

class Replica;

/// Who this node is, as its data directory says.
struct OwnIdentity {
  NodeId node;
  InstanceId instance;
  BootNumber boot;
  ClusterId cluster;  ///< 0: not yet a member of any.
};

/// Remembers, for this life, how far each instance has got: one that comes back with less was
/// restored from an old copy and may have forgotten promises. Of those that are members nowhere it
/// may forget, for a network must not be able to fill the memory.
class Gatekeeper {
 public:
  static constexpr std::size_t strangers_max = 1024;

  /// Absent: welcome. `groups` are this node's replicas.
  std::optional<Refused> judge(const Hello& hello, const OwnIdentity& own,
                               const std::vector<const Replica*>& groups);

 private:
  struct Seen {
    NodeId node;
    BootNumber boot;
  };

  void remember(const Hello& hello, const std::vector<const Replica*>& groups);

  std::map<InstanceId, Seen> seen_;
};

}  // namespace raft::replica
