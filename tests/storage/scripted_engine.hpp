// An engine whose writes wait to be told what becomes of them. For the tests of the storage thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "storage/kv_engine.hpp"

namespace raft {

/// Long enough for any machine; only a test that fails waits for it.
constexpr auto patience = std::chrono::seconds(30);

/// Writes answer from a script, and succeed once it is used up. With hold(), each waits in the
/// engine until release() lets it go on. Any thread may look and steer.
class ScriptedEngine final : public storage::KvEngine {
 public:
  struct Write {
    std::string keys;  ///< "a b c", in the order of the batch.
    bool sync = false;
    std::thread::id thread;
  };

  void answer(Errc code) {
    locked([&] { answers_.push_back(code); });
  }
  void answer_resume(Errc code) {
    locked([&] { resume_answers_.push_back(code); });
  }
  /// Called within each resume().
  void on_resume(std::function<void()> look) { on_resume_ = std::move(look); }
  void hold() {
    locked([&] { held_ = true; });
  }
  void release() {
    locked([&] { held_ = false; });
  }

  /// Waits until so many writes have begun.
  void wait_for_writes(std::size_t count) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, patience, [&] { return writes_.size() >= count; }));
  }
  std::vector<Write> writes() {
    std::lock_guard lock(mutex_);
    return writes_;
  }

  Result<void> write(const storage::KvBatch& batch, bool sync) override {
    std::unique_lock lock(mutex_);
    if (inside_) two_at_once_ = true;
    inside_ = true;
    writes_.push_back({keys_of(batch), sync, std::this_thread::get_id()});
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    inside_ = false;
    return next(answers_);
  }
  Result<void> resume() override {
    if (on_resume_) on_resume_();
    std::lock_guard lock(mutex_);
    return next(resume_answers_);
  }
  Result<std::optional<Bytes>> get(BytesView) const override { return std::optional<Bytes>(); }
  Result<void> scan(BytesView, BytesView,
                    const std::function<bool(BytesView, BytesView)>&) const override {
    return {};
  }

  /// Whether writes ever overlapped.
  bool two_at_once() {
    std::lock_guard lock(mutex_);
    return two_at_once_;
  }

 private:
  template <class Change>
  void locked(Change change) {
    {
      std::lock_guard lock(mutex_);
      change();
    }
    changed_.notify_all();
  }

  static Result<void> next(std::deque<Errc>& answers) {
    if (answers.empty()) return {};
    const Errc code = answers.front();
    answers.pop_front();
    return Error{code, "scripted"};
  }

  static std::string keys_of(const storage::KvBatch& batch) {
    std::string keys;
    for (const storage::KvBatch::Operation& operation : batch.operations()) {
      const auto* put = std::get_if<storage::KvBatch::Put>(&operation);
      if (put) keys += (keys.empty() ? "" : " ") + put->key;
    }
    return keys;
  }

  std::function<void()> on_resume_;  ///< Set before the first write.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Write> writes_;
  std::deque<Errc> answers_;
  std::deque<Errc> resume_answers_;
  bool held_ = false;
  bool inside_ = false;
  bool two_at_once_ = false;
};

}  // namespace raft
