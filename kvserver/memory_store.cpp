#include "kvserver/memory_store.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "kvserver/ordered_items.hpp"

namespace kv {
namespace {

// How many records a view steps over before it lets the writer in: about a tenth of a millisecond.
constexpr std::size_t steps_max = 1024;

// What a view keeps for itself. Guarded by the mutex of the content it belongs to.
struct ViewState {
  explicit ViewState(std::uint32_t of) : epoch(of) {}

  bool has_passed(BytesView key) const { return finished || (started && key <= last); }

  // A record belongs to the view exactly if it was written in this epoch or before. So a record
  // that is new since needs no mark, and one that was replaced needs to be kept only once.
  const std::uint32_t epoch;
  bool started = false;
  bool finished = false;
  Bytes last;  // Everything up to this key has been visited.
  // Records of the view that the map has no longer, under their own keys, all above `last`.
  std::map<BytesView, std::shared_ptr<const Record>> aside;
};

// One life of the engine's content, which a replacement ends. Views share it: those of an earlier
// life just go on over a map that nobody changes any more.
struct Content {
  // Held by the writer for each change and by a view for each slice. The writer reads without it,
  // for nobody else changes anything.
  std::mutex mutex;
  OrderedItems items;
  std::vector<ViewState*> views;
  std::uint32_t epoch = 0;  // How many captures there have been.
};

// Gives a record that has left the map to all views that still need it. What is left of it is
// returned, to be freed when the mutex is no longer held.
Record::Ptr set_aside(Content& content, Record::Ptr record) {
  std::shared_ptr<const Record> shared;
  for (ViewState* view : content.views) {
    const BytesView key = shared ? shared->key() : record->key();
    const std::uint32_t epoch = shared ? shared->epoch() : record->epoch();
    if (epoch > view->epoch || view->has_passed(key)) continue;
    if (!shared) shared = std::move(record);
    view->aside.emplace(key, shared);
  }
  return record;
}

OrderedItems::Position first_of(const Range& range, const OrderedItems& items) {
  if (range.descending) {
    const auto bound = bound_above(range);
    return bound ? items.last_below(*bound) : items.last();
  }
  const bool resumes = range.after && *range.after >= range.prefix;
  return resumes ? items.upper_bound(*range.after) : items.lower_bound(range.prefix);
}

class MemoryView final : public FrozenView {
 public:
  explicit MemoryView(std::shared_ptr<Content> content)
      : content_(std::move(content)), state_(content_->epoch) {
    const std::lock_guard lock(content_->mutex);
    content_->views.push_back(&state_);
    ++content_->epoch;
  }

  MemoryView(const MemoryView&) = delete;
  MemoryView& operator=(const MemoryView&) = delete;

  ~MemoryView() override {
    const std::lock_guard lock(content_->mutex);
    std::erase(content_->views, &state_);
  }

  Result<bool> next(std::size_t bytes, const FrozenVisitor& visit) override {
    const std::lock_guard lock(content_->mutex);
    OrderedItems::Position live =
        state_.started ? content_->items.upper_bound(state_.last) : content_->items.lower_bound({});
    auto aside = state_.aside.begin();
    const Record* last = nullptr;
    std::size_t visited = 0;
    for (std::size_t steps = 0; visited < bytes && steps < steps_max; ++steps) {
      const bool from_aside = comes_first(aside, live.record());
      const Record* record = from_aside ? aside->second.get() : live.record();
      if (record == nullptr) {
        state_.finished = true;
        break;
      }
      if (from_aside) {
        ++aside;
      } else {
        live.advance();
      }
      last = record;
      if (record->epoch() > state_.epoch) continue;  // Written since: not of this view.
      visited += record->size();
      visit(record->key(), record->item());
    }
    if (last != nullptr) state_.last = last->key();
    state_.started = true;
    state_.aside.erase(state_.aside.begin(), aside);
    return !state_.finished;
  }

 private:
  using Aside = std::map<BytesView, std::shared_ptr<const Record>>;

  // Under equal keys the one set aside comes first; what replaced it is newer and is skipped then.
  bool comes_first(Aside::const_iterator aside, const Record* live) const {
    return aside != state_.aside.end() && (live == nullptr || aside->first <= live->key());
  }

  std::shared_ptr<Content> content_;
  ViewState state_;
};

class MemoryEngine final : public StoreEngine {
 public:
  Result<std::optional<ItemView>> find(BytesView key) override {
    const Record* record = content_->items.find(key);
    if (record == nullptr) return std::optional<ItemView>{};
    return std::optional<ItemView>{record->item()};
  }

  void put(BytesView key, const ItemView& item) override {
    // Made before the mutex is taken, and what it replaces is freed after: `old` lives longer.
    Record::Ptr record = Record::make(key, item, content_->epoch);
    Record::Ptr old;
    const std::lock_guard lock(content_->mutex);
    old = content_->items.put(std::move(record));
    if (old) old = set_aside(*content_, std::move(old));
  }

  void erase(BytesView key) override {
    Record::Ptr old;
    const std::lock_guard lock(content_->mutex);
    old = content_->items.erase(key);
    if (old) old = set_aside(*content_, std::move(old));
  }

  std::unique_ptr<FrozenView> capture() override { return std::make_unique<MemoryView>(content_); }

  Result<std::unique_ptr<Replacement>> replace() override {
    return std::unique_ptr<Replacement>(std::make_unique<MemoryReplacement>(*this));
  }

  Result<std::optional<Item>> get(BytesView key) const override {
    const std::shared_ptr<const Content> content = current();
    const Record* record = content->items.find(key);
    if (record == nullptr) return std::optional<Item>{};
    return std::optional<Item>{record->item().copy()};
  }

  Result<void> scan(const Range& range, const Visitor& visit) const override {
    const std::shared_ptr<const Content> content = current();
    OrderedItems::Position at = first_of(range, content->items);
    for (; at.record() != nullptr; range.descending ? at.retreat() : at.advance()) {
      const Record& record = *at.record();
      if (!record.key().starts_with(range.prefix)) break;
      if (!visit(record.key(), record.item())) break;
    }
    return {};
  }

 private:
  class MemoryReplacement final : public Replacement {
   public:
    explicit MemoryReplacement(MemoryEngine& engine) : engine_(engine) {}

    Result<void> add(BytesView key, const ItemView& item) override {
      content_->items.put(Record::make(key, item, content_->epoch));
      return {};
    }

    Result<void> finish(const Checkpoint&) override {
      // What was there is freed when nobody holds the mutex any more: that may take a while.
      const std::lock_guard lock(engine_.mutex_);
      std::swap(engine_.content_, content_);
      return {};
    }

   private:
    MemoryEngine& engine_;
    std::shared_ptr<Content> content_ = std::make_shared<Content>();
  };

  /// For readers: the writer waits for a replacement, they do not.
  std::shared_ptr<const Content> current() const {
    const std::lock_guard lock(mutex_);
    return content_;
  }

  mutable std::mutex mutex_;  ///< Of the pointer alone, against a replacement beside readers.
  std::shared_ptr<Content> content_ = std::make_shared<Content>();
};

}  // namespace

std::unique_ptr<StoreEngine> make_memory_engine() { return std::make_unique<MemoryEngine>(); }

}  // namespace kv
