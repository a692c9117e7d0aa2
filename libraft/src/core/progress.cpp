#include "core/progress.hpp"

#include <algorithm>

namespace raft::core {
namespace {

constexpr std::size_t window_min = std::size_t{64} << 10;
constexpr std::size_t window_at_start = std::size_t{1} << 20;

}  // namespace

Inflight::Inflight(std::size_t bytes_max, std::size_t appends_max, Duration slow)
    : appends_max_(appends_max),
      bytes_max_(bytes_max),
      window_(std::min(window_at_start, bytes_max)),
      slow_(slow) {}

std::optional<Instant> Inflight::oldest() const {
  if (appends_.empty()) return std::nullopt;
  return appends_.front().sent;
}

void Inflight::sent(Index last, std::size_t bytes, Instant now) {
  appends_.push_back({last, bytes, now});
  bytes_ += bytes;
}

void Inflight::acknowledged(Index match, Instant now) {
  const bool was_full = is_full();
  std::optional<Instant> newest;
  while (!appends_.empty() && appends_.front().last <= match) {
    bytes_ -= appends_.front().bytes;
    newest = appends_.front().sent;
    appends_.pop_front();
  }
  if (!newest) return;
  const Duration took = now - *newest;
  if (took > slow_) {
    window_ = std::max(window_ / 2, std::min(window_min, bytes_max_));
  } else if (was_full && took < slow_ / 2) {
    window_ = std::min(window_ * 2, bytes_max_);
  }
}

void Inflight::clear() {
  appends_.clear();
  bytes_ = 0;
}

Progress::Progress(PeerSession with, Index from, Inflight limits, Instant now)
    : session(with), next(from), inflight(std::move(limits)), last_heard(now) {}

void Progress::restart(PeerSession with) {
  session = with;
  heartbeat_sent.reset();
  acked_round = ReadRound{};
  commit_sent = Index{};
  catch_up.reset();  // Whoever was gone may have come back with less, or not at all.
  become_probe();
}

void Progress::become_probe() {
  // What it is known to hold need not be probed for.
  if (state == State::snapshot || match.value > 0) next = match.next();
  state = State::probe;
  paused = false;
  fetching = false;
  offered.reset();
  inflight.clear();
}

void Progress::become_replicate() {
  state = State::replicate;
  next = match.next();
  paused = false;
  fetching = false;
  offered.reset();
  inflight.clear();
}

void Progress::become_snapshot() {
  state = State::snapshot;
  paused = false;
  fetching = false;
  offered.reset();
  inflight.clear();
}

}  // namespace raft::core
