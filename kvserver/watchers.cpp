#include "kvserver/watchers.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <chrono>
#include <deque>
#include <utility>
#include <vector>

namespace kv {
namespace {

using Clock = std::chrono::steady_clock;

// How long watchers may be served before others on the executor have their turn.
constexpr auto turn = std::chrono::milliseconds(1);

}  // namespace

struct Watchers::Waiter {
  std::function<void()> wake;
  bool is_due = false;
};

class Watchers::Bell : public std::enable_shared_from_this<Bell> {
 public:
  using WaiterPtr = std::shared_ptr<Waiter>;

  explicit Bell(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // Any thread.
  void ring() {
    if (size_ == 0 || rung_.exchange(true)) return;
    boost::asio::post(executor_, [self = shared_from_this()] { self->answer(); });
  }

  void add(WaiterPtr waiter) {
    waiters_.push_back(std::move(waiter));
    size_ = waiters_.size();
  }

  void remove(const WaiterPtr& waiter) {
    waiters_.erase(std::find(waiters_.begin(), waiters_.end(), waiter));
    size_ = waiters_.size();
  }

  std::size_t size() const { return size_; }

 private:
  // All are due now, behind those that were due already.
  void answer() {
    rung_ = false;  // First: what is published from here on rings again.
    for (const WaiterPtr& waiter : waiters_) {
      if (!std::exchange(waiter->is_due, true)) due_.push_back(waiter);
    }
    if (!is_serving_) serve();
  }

  void serve() {
    const auto until = Clock::now() + turn;
    do {
      if (due_.empty()) break;
      const WaiterPtr waiter = due_.front().lock();  // Absent: it has gone.
      due_.pop_front();
      if (waiter == nullptr) continue;
      waiter->is_due = false;
      waiter->wake();
    } while (Clock::now() < until);
    is_serving_ = !due_.empty();
    if (!is_serving_) return;
    boost::asio::post(executor_, [self = shared_from_this()] { self->serve(); });
  }

  const boost::asio::any_io_executor executor_;
  std::vector<WaiterPtr> waiters_;
  std::deque<std::weak_ptr<Waiter>> due_;
  bool is_serving_ = false;
  std::atomic<std::size_t> size_{0};
  std::atomic<bool> rung_{false};
};

Watchers::Registration::Registration(std::shared_ptr<Bell> bell, std::shared_ptr<Waiter> waiter)
    : bell_(std::move(bell)), waiter_(std::move(waiter)) {
  bell_->add(waiter_);
}

Watchers::Registration::~Registration() { bell_->remove(waiter_); }

Watchers::Watchers(boost::asio::any_io_executor executor, ChangeHistory& history)
    : history_(history), bell_(std::make_shared<Bell>(std::move(executor))) {
  history_.on_publish([bell = bell_] { bell->ring(); });
}

Watchers::~Watchers() { history_.on_publish(nullptr); }

std::unique_ptr<Watchers::Registration> Watchers::add(std::function<void()> wake) {
  return std::make_unique<Registration>(bell_, std::make_shared<Waiter>(Waiter{std::move(wake)}));
}

void Watchers::close() {
  closed_ = true;
  bell_->ring();
}

std::size_t Watchers::size() const { return bell_->size(); }

}  // namespace kv
