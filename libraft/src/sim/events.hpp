// Simulated time: what will happen, in the order of its instants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <libraft/types.hpp>
#include "core/random.hpp"
#include "util/unique_function.hpp"

namespace raft::sim {

/// Events of the same instant happen in a seeded order, so that no code can rely on the order in
/// which they were made.
class Events {
 public:
  using Function = util::UniqueFunction<void()>;

  explicit Events(std::uint64_t seed) : random_(seed) {}

  Duration now() const { return now_; }
  /// Not before now; a negative delay is none.
  void after(Duration delay, Function function);
  /// Before all others of its instant, and without a draw: what comes from outside, a fault, must
  /// not shift the order of what happens inside. So one fault less leaves all as it was until its
  /// time.
  void from_outside(Duration delay, Function function);

  bool empty() const { return heap_.empty(); }
  /// The instant of the next event; there must be one.
  Duration next() const { return heap_.front().when; }
  /// Lets the next event happen; there must be one.
  void run_next();
  /// Nothing happens until then; must not skip an event.
  void advance_to(Duration instant);
  void clear() { heap_.clear(); }

 private:
  struct Event {
    Duration when;
    std::uint64_t shuffle;
    std::uint64_t number;  ///< Unique: the order is total.
    Function function;
  };
  static bool is_later(const Event& a, const Event& b);
  void insert(Duration delay, std::uint64_t shuffle, Function function);

  core::Random random_;
  Duration now_{0};
  std::uint64_t last_number_ = 0;
  std::vector<Event> heap_;
};

/// The event loop of one simulated process.
class Loop {
 public:
  virtual ~Loop() = default;
  /// Runs the function after the delay, as an event of this process: late if the process is paused,
  /// never if it has ended by then. The process takes its turn behind it.
  virtual void after(Duration delay, Events::Function function) = 0;
};

}  // namespace raft::sim
