// Those who wait for changes, and the bell that wakes them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "kvserver/change_history.hpp"

namespace kv {

/// Used on one executor. The writer of the history may be on any thread: it pays a look at a number
/// while nobody watches, and one handler on the executor for all that it publishes until that runs.
class Watchers {
 public:
  /// Its owner is woken until it is destroyed.
  class Registration;

  /// The history outlives it.
  Watchers(boost::asio::any_io_executor executor, ChangeHistory& history);
  ~Watchers();
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  const ChangeHistory& history() const { return history_; }

  /// `wake` is called after changes were published, not from within any call made here. Many are
  /// woken in turns, so that whatever else runs on the executor does not wait for all of them.
  std::unique_ptr<Registration> add(std::function<void()> wake);
  std::size_t size() const;

  /// Wakes all, for the last time: there will be nothing more to wait for.
  void close();
  bool is_closed() const { return closed_; }

  /// One was dropped because the history has moved on without it.
  void count_overflow() { ++overflows_; }
  std::uint64_t overflows() const { return overflows_; }

 private:
  class Bell;
  struct Waiter;

  ChangeHistory& history_;
  const std::shared_ptr<Bell> bell_;
  std::uint64_t overflows_ = 0;
  bool closed_ = false;
};

class Watchers::Registration {
 public:
  Registration(std::shared_ptr<Bell> bell, std::shared_ptr<Waiter> waiter);
  ~Registration();
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  const std::shared_ptr<Bell> bell_;
  const std::shared_ptr<Waiter> waiter_;
};

}  // namespace kv
