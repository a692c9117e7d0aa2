// Callers that wait until this node may be read from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/types.hpp>
#include "replica/proposals.hpp"
#include "util/unique_function.hpp"

namespace raft::replica {

/// One caller. `done` is called exactly once.
struct Read {
  using Done = util::UniqueFunction<void(Result<void>)>;
  /// Is told as of which index it reads: the machine has applied that much, or more. 0: nobody was
  /// asked, for a stale read will do.
  using Function = util::UniqueFunction<void(Index)>;

  std::uint64_t ticket = 0;  ///< For cancellation.
  Instant deadline = never;
  bool lease = false;
  /// Runs between two applies; may be empty. Whoever gives the read up later than it had its turn
  /// is told at once all the same, whether it is still to run, runs or has run.
  Function function;
  Done done;
  Index granted{};  ///< By the core.
};

/// First a read waits for the core to name an index, then for the machine to reach it, and then for
/// its function to have its turn.
class Reads {
 public:
  void wait_for_grant(std::uint64_t core_ticket, Read read);
  /// Those that joined a round, to be placed or asked again.
  std::vector<Read> take_granted(std::uint64_t core_ticket);
  void wait_for_apply(Index index, Read read);
  /// Those that `applied` satisfies.
  std::vector<Read> take_ready(Index applied);
  /// Its function is on its way through the machine's queue.
  void wait_for_function(Read read);
  /// Absent: it was given up meanwhile.
  std::optional<Read> take_served(std::uint64_t ticket);

  std::vector<Read> take_expired(Instant now);
  std::vector<Read> take(std::uint64_t ticket);
  std::vector<Read> take_all();

  std::size_t size() const { return size_; }

 private:
  template <class Predicate>
  std::vector<Read> take_if(Predicate matches);

  std::map<std::uint64_t, std::vector<Read>> asking_;  ///< By the core's ticket.
  std::multimap<Index, Read> applying_;
  std::map<std::uint64_t, Read> serving_;  ///< By the caller's ticket.
  std::size_t size_ = 0;
};

}  // namespace raft::replica
