#include "kvserver/watchers.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

namespace kv {

class Watchers::Bell : public std::enable_shared_from_this<Bell> {
 public:
  using Wake = std::shared_ptr<std::function<void()>>;

  explicit Bell(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // Any thread.
  void ring() {
    if (size_ == 0 || rung_.exchange(true)) return;
    boost::asio::post(executor_, [self = shared_from_this()] { self->wake_all(); });
  }

  void add(Wake wake) {
    wakes_.push_back(std::move(wake));
    size_ = wakes_.size();
  }

  void remove(const Wake& wake) {
    wakes_.erase(std::find(wakes_.begin(), wakes_.end(), wake));
    size_ = wakes_.size();
  }

  std::size_t size() const { return size_; }

 private:
  void wake_all() {
    rung_ = false;  // First: what is published from here on rings again.
    // Whoever is woken may go, and take others with it.
    const std::vector<std::weak_ptr<std::function<void()>>> all(wakes_.begin(), wakes_.end());
    for (const auto& each : all) {
      if (const Wake wake = each.lock()) (*wake)();
    }
  }

  const boost::asio::any_io_executor executor_;
  std::vector<Wake> wakes_;
  std::atomic<std::size_t> size_{0};
  std::atomic<bool> rung_{false};
};

Watchers::Watch::Watch(std::shared_ptr<Bell> bell, std::function<void()> wake)
    : bell_(std::move(bell)), wake_(std::make_shared<std::function<void()>>(std::move(wake))) {
  bell_->add(wake_);
}

Watchers::Watch::~Watch() { bell_->remove(wake_); }

Watchers::Watchers(boost::asio::any_io_executor executor, ChangeHistory& history)
    : history_(history), bell_(std::make_shared<Bell>(std::move(executor))) {
  history_.on_publish([bell = bell_] { bell->ring(); });
}

Watchers::~Watchers() { history_.on_publish(nullptr); }

std::unique_ptr<Watchers::Watch> Watchers::add(std::function<void()> wake) {
  return std::make_unique<Watch>(bell_, std::move(wake));
}

void Watchers::close() {
  closed_ = true;
  bell_->ring();
}

std::size_t Watchers::size() const { return bell_->size(); }

}  // namespace kv
