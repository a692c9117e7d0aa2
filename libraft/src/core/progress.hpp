// What a leader knows of one peer's log, and what is on the way to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include <libraft/types.hpp>
#include "protocol/message.hpp"

namespace raft::core {

/// Appends on the way to a peer. Its window shrinks when answers are slow, so that on a slow link
/// heartbeats do not queue behind more bytes than it can move in a fraction of an election timeout.
class Inflight {
 public:
  Inflight(std::size_t bytes_max, std::size_t appends_max, Duration slow);

  bool is_full() const { return appends_.size() >= appends_max_ || bytes_ >= window_; }
  bool empty() const { return appends_.empty(); }
  std::size_t appends() const { return appends_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t window() const { return window_; }
  /// When the oldest left.
  std::optional<Instant> oldest() const;

  void sent(Index last, std::size_t bytes, Instant now);
  /// All appends up to `match` arrived.
  void acknowledged(Index match, Instant now);
  void clear();

 private:
  struct Append {
    Index last;
    std::size_t bytes;
    Instant sent;
  };

  std::deque<Append> appends_;
  std::size_t bytes_ = 0;
  std::size_t appends_max_;
  std::size_t bytes_max_;
  std::size_t window_;  ///< In bytes; between window_min and bytes_max_.
  Duration slow_;       ///< An answer that takes longer halves the window.
};

struct Progress {
  enum class State : std::uint8_t {
    probe,      ///< Where the logs agree is not known: one append at a time.
    replicate,  ///< Appends follow each other without waiting.
    snapshot,   ///< The log no longer reaches back far enough.
  };

  /// A learner's way to the vote: rounds, each up to what the log held at its start (thesis 4.2.1).
  struct CatchUp {
    Index target;
    Instant since;
    bool caught_up = false;  ///< The last round took less than an election timeout.
  };

  /// A removed member is told the news before it is forgotten; it counts nowhere.
  struct Departing {
    Index membership;  ///< Of the entry that removed it.
    Instant deadline;
  };

  Progress(PeerSession session, Index next, Inflight inflight, Instant now);

  /// A connection came or went: what was on the way is lost, what is known to be on disk is not.
  void restart(PeerSession session);
  void become_probe();
  void become_replicate();
  void become_snapshot();

  PeerSession session;
  State state = State::probe;
  Index match;            ///< Known to be on its disk.
  Index next;             ///< The next entry to send.
  bool paused = false;    ///< Probing: an append is out; freed by an answer or a heartbeat's.
  bool fetching = false;  ///< Entries for it are being read from the disk.
  Inflight inflight;

  std::optional<SnapshotInfo> offered;        ///< In state snapshot, once one is at hand.
  Instant offer_again{};                      ///< When to repeat the offer.
  std::optional<Instant> no_snapshot_before;  ///< After a failure.
  std::uint32_t snapshot_failures = 0;        ///< In a row; doubles that pause.

  Instant last_heard;   ///< The last answer within this session, or its beginning.
  Instant last_sent{};  ///< The last append or heartbeat.
  std::optional<Instant> heartbeat_sent;  ///< Of the one whose answer is timed.
  Duration round_trip{0};                 ///< Smoothed.
  Index commit_sent;                      ///< The highest commit index told.
  Index commit_known;                     ///< Its own, as it told.
  ReadRound acked_round;                  ///< The newest round that it confirmed.
  std::optional<CatchUp> catch_up;
  std::optional<Departing> departing;
};

}  // namespace raft::core
