// Callers that wait for membership changes and leadership transfers, here or forwarded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/membership.hpp>
#include <libraft/types.hpp>
#include "protocol/entry.hpp"
#include "util/unique_function.hpp"

namespace raft::replica {

using Done = util::UniqueFunction<void(Result<void>)>;

/// Nobody waits longer than this for a membership change, or for what another node was asked: a
/// lost answer looks like a slow one. Then the outcome is unknown.
inline constexpr Duration answer_wait_max = std::chrono::seconds(30);

/// A caller and what it is to be told.
struct Completion {
  Done done;
  Result<void> result;
};
using Completions = std::vector<Completion>;

/// Waits until a change is applied and no longer joint.
class PendingChanges {
 public:
  void wait_for(EntryId begun, Instant deadline, std::uint64_t ticket, Done done);
  /// Every applied entry, in order; `membership` is the newest applied one.
  void applied(EntryId entry, const LoggedMembership& membership, Completions& completions);
  /// A snapshot jumped over these entries: what became of a change that began there is not known.
  void skipped(Index upto, Completions& completions);
  void expire(Instant now, Completions& completions);
  void cancel(std::uint64_t ticket, Completions& completions);
  void fail_all(const Error& error, Completions& completions);

  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    EntryId begun;
    Instant deadline;
    std::uint64_t ticket;
    bool is_applied = false;  ///< Now only the joint membership is to be left.
    Done done;
  };

  std::vector<Waiting> waiting_;
};

/// Waits until somebody else leads, or until it is clear that the transfer failed.
class PendingTransfers {
 public:
  void wait_for(NodeId target, Instant deadline, std::uint64_t ticket, Done done);
  void leader_is(NodeId leader, Completions& completions);
  void expire(Instant now, Completions& completions);
  void cancel(std::uint64_t ticket, Completions& completions);
  void fail_all(const Error& error, Completions& completions);

  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    NodeId target;
    Instant deadline;
    std::uint64_t ticket;
    Done done;
  };

  std::vector<Waiting> waiting_;
};

/// Changes and transfers passed on to the leader, each at most once.
class ForwardedRequests {
 public:
  /// The number under which the answer will come.
  std::uint64_t forward(NodeId leader, Instant deadline, std::uint64_t ticket, Done done);
  void answered(std::uint64_t number, Result<void> result, Completions& completions);
  /// The connection to a leader broke, or another took its place.
  void lost(NodeId leader, Completions& completions);
  void expire(Instant now, Completions& completions);
  void cancel(std::uint64_t ticket, Completions& completions);
  void fail_all(const Error& error, Completions& completions);

  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    std::uint64_t number;
    NodeId leader;
    Instant deadline;
    std::uint64_t ticket;
    Done done;
  };

  std::vector<Waiting> waiting_;
  std::uint64_t last_number_ = 0;
};

}  // namespace raft::replica
