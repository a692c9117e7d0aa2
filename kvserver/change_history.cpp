#include "kvserver/change_history.hpp"

#include <algorithm>
#include <utility>

namespace kv {
namespace {

// How many changes a page looks at, with the lock held: some tens of microseconds.
constexpr std::size_t steps_max = 1024;

// What a change takes beside its bytes, roughly.
constexpr std::size_t overhead_bytes = 160;

std::size_t size_of(const Change& change) {
  return overhead_bytes + change.key.size() + (change.item ? change.item->value.size() : 0);
}

}  // namespace

void ChangeHistory::begin(Index applied) {
  std::deque<ChangePtr> old;  // Freed without the lock.
  const std::lock_guard lock(mutex_);
  std::swap(old, changes_);
  published_ = 0;
  bytes_ = 0;
  forgotten_ = applied;
  if (on_publish_) on_publish_();
}

void ChangeHistory::add(Change change) {
  auto added = std::make_shared<const Change>(std::move(change));
  const std::lock_guard lock(mutex_);
  bytes_ += size_of(*added);
  changes_.push_back(std::move(added));
}

void ChangeHistory::publish() {
  const std::lock_guard lock(mutex_);
  if (published_ == changes_.size()) return;
  published_ = changes_.size();
  forget_oldest();
  if (on_publish_) on_publish_();
}

void ChangeHistory::forget_oldest() {
  while (bytes_ > bytes_max_ && published_ > 1) {
    forgotten_ = changes_.front()->index;
    bytes_ -= size_of(*changes_.front());
    changes_.pop_front();
    --published_;
  }
}

std::optional<ChangeHistory::Page> ChangeHistory::read(Index from, const KeyFilter& filter,
                                                       std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  if (from <= forgotten_) return std::nullopt;
  const auto end = changes_.begin() + static_cast<std::ptrdiff_t>(published_);
  auto at = std::lower_bound(changes_.begin(), end, from, [](const ChangePtr& change, Index index) {
    return change->index < index;
  });
  Page page;
  std::size_t steps = 0;
  std::size_t taken = 0;
  for (; at != end && steps < steps_max && taken < bytes; ++at, ++steps) {
    if (!filter.matches((*at)->key)) continue;
    page.changes.push_back(*at);
    taken += size_of(**at);
  }
  page.at_end = at == end;
  page.next = page.at_end ? std::max(from, next_locked()) : (*at)->index;
  return page;
}

Index ChangeHistory::oldest() const {
  const std::lock_guard lock(mutex_);
  return forgotten_.next();
}

Index ChangeHistory::next() const {
  const std::lock_guard lock(mutex_);
  return next_locked();
}

Index ChangeHistory::next_locked() const {
  return published_ == 0 ? forgotten_.next() : changes_[published_ - 1]->index.next();
}

void ChangeHistory::on_publish(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  on_publish_ = std::move(call);
}

}  // namespace kv
