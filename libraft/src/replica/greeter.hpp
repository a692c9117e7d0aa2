// What a node says of itself to other nodes, and what it thinks of their greetings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "protocol/hello.hpp"
#include "replica/gatekeeper.hpp"
#include "replica/ports.hpp"

namespace raft::replica {

/// Makes this node, which belongs to none yet, one of a cluster, for good. Errors: conflict, if it
/// belongs to another one; those of the disk.
Result<void> adopt(IdentityKeeper& keeper, ClusterId cluster);

/// One per node, for all its groups.
class Greeter {
 public:
  using Replicas = std::vector<const Replica*>;

  explicit Greeter(IdentityKeeper& keeper) : keeper_(keeper) {}

  Hello hello(Purpose purpose, NodeId target, const std::string& address,
              const Replicas& replicas) const;
  /// Absent: welcome. A node that waits to be taken in belongs to the first cluster that greets it.
  std::optional<Refused> judge(const Hello& hello, const Replicas& replicas);
  /// What to answer at once when the group in question does not run here, or not yet. Absent:
  /// nobody waits for an answer.
  std::optional<ServiceMessage> turn_away(const ServiceMessage& question) const;
  /// Whoever joins learns from the answer which cluster took it in.
  void sign(ServiceMessage& answer) const;

 private:
  IdentityKeeper& keeper_;
  Gatekeeper gatekeeper_;
};

}  // namespace raft::replica
