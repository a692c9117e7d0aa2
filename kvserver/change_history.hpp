// The newest changes of the map, for whoever watches it: a window that moves along with the log.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "kvserver/store_engine.hpp"

namespace kv {

/// What one entry did to one key.
struct Change {
  Index index;
  Bytes key;
  std::optional<Item> item;  ///< Absent: the key was deleted.
};

/// Which keys somebody watches.
struct KeyFilter {
  Bytes bytes;
  bool is_prefix = false;  ///< All keys that begin with `bytes`, else that one key.

  bool matches(BytesView key) const { return is_prefix ? key.starts_with(bytes) : key == bytes; }
};

/// Forgets its oldest changes, though never the newest one, once all together take more than a
/// bound. Nothing is ever left out in between: whoever reads on from where the last page ended gets
/// every change, or hears that some are gone.
class ChangeHistory {
 public:
  using ChangePtr = std::shared_ptr<const Change>;

  static constexpr std::size_t bytes_max_usual = std::size_t{16} << 20;

  explicit ChangeHistory(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // The writer: one thread at a time.

  /// The map is as of `applied` now, however it came to be so. What was remembered is forgotten.
  void begin(Index applied);
  /// In ascending order of indexes. To be seen with the next publish().
  void add(Change change);
  void publish();

  // Any thread.

  struct Page {
    std::vector<ChangePtr> changes;
    Index next;           ///< Where the next page begins.
    bool at_end = false;  ///< Nothing more has been published.
  };

  /// The changes from the entry at `from` on that pass the filter, `bytes` of them and the last
  /// one. A `from` that the log has not reached yet gives an empty page that ends there. Absent:
  /// some changes from there on are forgotten; oldest() is the lowest index that works.
  std::optional<Page> read(Index from, const KeyFilter& filter, std::size_t bytes) const;

  Index oldest() const;
  /// Where to read on from for what is yet to come.
  Index next() const;

  /// Called by the writer's thread after each begin(), and each publish() that shows anything, with
  /// a lock held: it must not call back, nor throw. Null: nobody is called any more once this
  /// returns.
  void on_publish(std::function<void()> call);

 private:
  void forget_oldest();
  Index next_locked() const;

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::deque<ChangePtr> changes_;
  std::size_t published_ = 0;  // So many of them can be seen.
  std::size_t bytes_ = 0;
  Index forgotten_;  // Up to here changes may be missing.
  std::function<void()> on_publish_;
};

}  // namespace kv
