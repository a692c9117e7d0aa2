// How a replica with nothing on disk begins: it founds, joins, or gathers with others first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/membership.hpp>
#include <libraft/options.hpp>
#include "protocol/durable.hpp"
#include "protocol/hello.hpp"
#include "protocol/service.hpp"

namespace raft::replica {

/// The first entry of a cluster of one: its membership, committed. All others join it.
PersistWork founding_work(const Member& founder);

/// Asks one member after the other to be taken in, until one does. Sans-IO: the driver sends what
/// next() gives and reports what came of it.
class Joiner {
 public:
  struct Ask {
    std::string address;
    JoinRequest request;
  };
  struct Joined {
    ClusterId cluster;
  };
  /// What a reply means: taken in, failed for good, or (monostate) going on.
  using Outcome = std::variant<std::monostate, Joined, Error>;

  /// `give_up`: when to report timed_out.
  Joiner(std::vector<std::string> seeds, Member self, BootNumber boot, Instant give_up);

  /// Whom to ask now; absent while an answer is awaited or before the next try.
  std::optional<Ask> next(Instant now);
  Outcome answered(const Result<ServiceReply>& reply, Instant now);
  /// Who was last asked, and what it said.
  const std::string& last_answer() const { return last_answer_; }

 private:
  const std::vector<std::string> seeds_;
  const Member self_;
  const BootNumber boot_;
  const Instant give_up_;
  std::size_t turn_ = 0;
  std::string leader_;  ///< Named by the last one asked; goes first.
  std::uint64_t last_number_ = 0;
  bool asking_ = false;
  Instant not_before_{};
  std::string last_answer_;
};

/// The founder of a cluster whose nodes are all started with the same list waits until every
/// other one has answered, and founds only if none belongs to a cluster already. Further groups of
/// a cluster are founded alike: then the others may belong to this very cluster.
class Gathering {
 public:
  Gathering(NodeId self, GroupId group, const std::vector<InitialMember>& members);

  /// Whom to ask who it is; one at a time.
  std::optional<std::string> next(Instant now);
  /// `own`: the cluster that this node belongs to, if any. Error: somebody belongs to another one,
  /// or to the group already, or another node answers at that address.
  Result<void> answered(const Result<Hello>& hello, ClusterId own, Instant now);
  bool is_complete() const { return absent_.empty(); }

 private:
  const GroupId group_;
  std::map<NodeId, std::string> absent_;
  std::optional<NodeId> asking_;
  NodeId last_asked_;
  Instant not_before_{};
};

/// The smallest id founds.
NodeId founder_of(const std::vector<InitialMember>& members);

}  // namespace raft::replica
