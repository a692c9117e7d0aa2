// Callers that wait for what their proposals come to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <libraft/error.hpp>
#include <libraft/request.hpp>
#include <libraft/types.hpp>
#include "replica/machine.hpp"
#include "util/unique_function.hpp"

namespace raft::replica {

inline constexpr Instant never = Instant::max();

/// `duration` from `now`; never, if no clock gets that far.
constexpr Instant after(Instant now, Duration duration) {
  return duration < never - now ? now + duration : never;
}

/// One caller. `done` is called exactly once.
struct Proposal {
  using Done = util::UniqueFunction<void(Result<Applied>)>;

  std::uint64_t ticket = 0;  ///< For cancellation.
  Instant proposed{};
  Instant deadline = never;
  Done done;
};

/// A caller and what it is to be told. Told by the replica once the turn's work is done.
struct Answer {
  Proposal proposal;
  Result<Applied> result;
};
using Answers = std::vector<Answer>;

/// Waits for entries to be applied. An answer of `dropped` is certain: another entry was applied
/// at the same index, so this one never will be.
class Proposals {
 public:
  void wait_for(EntryId entry, Proposal proposal);

  void applied(Outcome outcome, Answers& answers);
  /// A snapshot jumped over these entries: what became of them is not known here.
  void skipped(Index upto, Answers& answers);
  void expire(Instant now, Answers& answers);
  void cancel(std::uint64_t ticket, Answers& answers);
  void fail_all(const Error& error, Answers& answers);

  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    Term term;
    Proposal proposal;
  };

  std::multimap<Index, Waiting> waiting_;
};

/// Commands on their way to the leader, of one group. All groups share a connection, which closes
/// when 64 MiB wait to be sent.
inline constexpr std::size_t forwarded_bytes_max = std::size_t{16} << 20;

/// Proposals passed on to the leader, each at most once: without an answer the outcome is unknown.
class ForwardedProposals {
 public:
  /// Whether a command of this size may follow. The largest may if it is alone.
  bool has_room(std::size_t bytes) const {
    return waiting_.empty() || bytes_ + bytes <= forwarded_bytes_max;
  }
  /// The number under which the answer will come. `bytes`: of the command.
  std::uint64_t forward(NodeId leader, std::size_t bytes, Proposal proposal);
  std::optional<Proposal> take(std::uint64_t number);

  /// The connection to a leader broke, or another took its place.
  void lost(NodeId leader, Answers& answers);
  void expire(Instant now, Answers& answers);
  void cancel(std::uint64_t ticket, Answers& answers);
  void fail_all(const Error& error, Answers& answers);

  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    NodeId leader;
    std::size_t bytes;
    Proposal proposal;
  };

  template <class Predicate>
  void give_up_if(Answers& answers, const Error& error, Predicate matches);

  std::map<std::uint64_t, Waiting> waiting_;
  std::size_t bytes_ = 0;  ///< Of all that wait.
  std::uint64_t last_number_ = 0;
};

}  // namespace raft::replica
