// Waits for one key to change: what is behind a long poll.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "kvserver/watchers.hpp"

namespace kv {

/// Ends with one call of `done`, perhaps before start() returns, or without one when it is
/// destroyed.
class KeyWait : public std::enable_shared_from_this<KeyWait> {
 public:
  /// The key has changed or may have, the time is over, or the watchers were closed.
  using Done = std::function<void()>;

  /// Changes from `from` on count. The watchers outlive it.
  KeyWait(const boost::asio::any_io_executor& executor, Watchers& watchers, KeyFilter filter,
          Index from, Done done);

  void start(raft::Duration wait);

 private:
  void look();
  void finish();

  Watchers& watchers_;
  const KeyFilter filter_;
  Index next_;
  Done done_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<Watchers::Registration> registration_;
};

}  // namespace kv
