#include "sim/events.hpp"

#include <algorithm>
#include <tuple>

#include "util/assert.hpp"

namespace raft::sim {

bool Events::is_later(const Event& a, const Event& b) {
  return std::tie(a.when, a.shuffle, a.number) > std::tie(b.when, b.shuffle, b.number);
}

void Events::after(Duration delay, Function function) {
  const std::uint64_t shuffle = random_.next();
  insert(delay, shuffle, std::move(function));
}

void Events::from_outside(Duration delay, Function function) {
  insert(delay, 0, std::move(function));
}

void Events::insert(Duration delay, std::uint64_t shuffle, Function function) {
  const Duration when = now_ + std::max(delay, Duration{0});
  heap_.push_back({when, shuffle, ++last_number_, std::move(function)});
  std::push_heap(heap_.begin(), heap_.end(), is_later);
}

void Events::run_next() {
  std::pop_heap(heap_.begin(), heap_.end(), is_later);
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.when;
  event.function();
}

void Events::advance_to(Duration instant) {
  RAFT_ASSERT(heap_.empty() || heap_.front().when >= instant);
  now_ = std::max(now_, instant);
}

}  // namespace raft::sim
