#include "kvserver/ordered_items.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <type_traits>
#include <utility>

namespace kv {
namespace {

// A block this small is joined with a neighbour if both together leave room to grow, so that
// erasing and writing around one size does not split and join in turn.
constexpr std::size_t small_block = ItemBlock::capacity / 4;
constexpr std::size_t joined_max = ItemBlock::capacity / 2;

std::size_t common_prefix(BytesView a, BytesView b) {
  const std::size_t most = std::min(a.size(), b.size());
  const auto end = a.begin() + static_cast<std::ptrdiff_t>(most);
  return static_cast<std::size_t>(std::mismatch(a.begin(), end, b.begin()).first - a.begin());
}

// The first eight bytes as a number that sorts as they do. Missing bytes count as zero, so that
// equal heads say nothing and unequal ones decide.
std::uint64_t head_of(BytesView bytes) {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    head = head << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
  }
  return head;
}

// A binary search without branches: the processor cannot guess them, and a wrong guess costs more
// than a step.
std::size_t first_not_below(const std::vector<std::uint64_t>& heads, std::uint64_t head) {
  const std::uint64_t* from = heads.data();
  for (std::size_t size = heads.size(); size > 0;) {
    const std::size_t half = (size + 1) / 2;
    from = from[half - 1] < head ? from + half : from;
    size -= half;
  }
  return static_cast<std::size_t>(from - heads.data());
}

// The shortest key that is above `low` and not above `high`.
BytesView separator(BytesView low, BytesView high) {
  return high.substr(0, common_prefix(low, high) + 1);
}

}  // namespace

Record::Record(BytesView key, const ItemView& item, std::uint32_t epoch)
    : create_index_(item.create_index),
      change_index_(item.change_index),
      version_(item.version),
      value_bytes_(item.value.size()),
      key_bytes_(static_cast<std::uint32_t>(key.size())),
      epoch_(epoch) {
  char* out = reinterpret_cast<char*>(this + 1);
  out = std::copy(key.begin(), key.end(), out);
  std::copy(item.value.begin(), item.value.end(), out);
}

Record::Ptr Record::make(BytesView key, const ItemView& item, std::uint32_t epoch) {
  void* memory = ::operator new(sizeof(Record) + key.size() + item.value.size());
  return Ptr(new (memory) Record(key, item, epoch));
}

void Record::Deleter::operator()(const Record* record) const {
  static_assert(std::is_trivially_destructible_v<Record>);
  ::operator delete(const_cast<Record*>(record));
}

std::size_t ItemBlock::lower_bound(BytesView key) const {
  const int order = key.substr(0, prefix_.size()).compare(prefix_);
  if (order != 0) return order < 0 ? 0 : size();
  const std::uint64_t head = head_of(key.substr(prefix_.size()));
  const std::size_t first = first_not_below(heads_, head);
  std::size_t last = first;
  while (last < size() && heads_[last] == head) ++last;  // Seldom more than one.
  const auto from = records_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto to = records_.begin() + static_cast<std::ptrdiff_t>(last);
  const auto below = [](const Record::Ptr& record, BytesView than) { return record->key() < than; };
  return static_cast<std::size_t>(std::lower_bound(from, to, key, below) - records_.begin());
}

void ItemBlock::insert(std::size_t at, Record::Ptr record) {
  const BytesView key = record->key();
  const bool fits = !records_.empty() && key.starts_with(prefix_);
  const auto offset = static_cast<std::ptrdiff_t>(at);
  const std::uint64_t head = fits ? head_of(key.substr(prefix_.size())) : 0;
  heads_.insert(heads_.begin() + offset, head);
  records_.insert(records_.begin() + offset, std::move(record));
  if (!fits) rebuild_heads();
}

Record::Ptr ItemBlock::exchange(std::size_t at, Record::Ptr record) {
  return std::exchange(records_[at], std::move(record));
}

Record::Ptr ItemBlock::erase(std::size_t at) {
  const auto offset = static_cast<std::ptrdiff_t>(at);
  Record::Ptr record = std::move(records_[at]);
  heads_.erase(heads_.begin() + offset);
  records_.erase(records_.begin() + offset);
  return record;
}

ItemBlock ItemBlock::split(std::size_t at) {
  ItemBlock block;
  const auto from = records_.begin() + static_cast<std::ptrdiff_t>(at);
  block.records_.assign(std::make_move_iterator(from), std::make_move_iterator(records_.end()));
  records_.erase(from, records_.end());
  // The two halves may have more in common than the whole, which makes their heads tell more.
  block.rebuild_heads();
  rebuild_heads();
  return block;
}

void ItemBlock::append(ItemBlock block) {
  records_.insert(records_.end(), std::make_move_iterator(block.records_.begin()),
                  std::make_move_iterator(block.records_.end()));
  rebuild_heads();
}

void ItemBlock::rebuild_heads() {
  heads_.clear();
  prefix_.clear();
  if (records_.empty()) return;
  const BytesView first = records_.front()->key();
  // Sorted keys have in common what the first and the last one have.
  prefix_ = first.substr(0, common_prefix(first, records_.back()->key()));
  for (const Record::Ptr& record : records_) {
    heads_.push_back(head_of(record->key().substr(prefix_.size())));
  }
}

OrderedItems::Position::Position(const Blocks& blocks, Blocks::const_iterator block, std::size_t at)
    : begin_(blocks.begin()), end_(blocks.end()), block_(block), at_(at) {
  skip_empty();
}

void OrderedItems::Position::advance() {
  ++at_;
  skip_empty();
}

void OrderedItems::Position::retreat() {
  while (at_ == 0) {
    if (block_ == begin_) {
      block_ = end_;
      return;
    }
    --block_;
    at_ = block_->second.size();
  }
  --at_;
}

void OrderedItems::Position::skip_empty() {
  while (block_ != end_ && at_ == block_->second.size()) {
    ++block_;
    at_ = 0;
  }
}

OrderedItems::OrderedItems() { blocks_.try_emplace(Bytes{}); }

const Record* OrderedItems::find(BytesView key) const {
  const ItemBlock& block = block_of(key)->second;
  const std::size_t at = block.lower_bound(key);
  return block.holds(at, key) ? &block[at] : nullptr;
}

Record::Ptr OrderedItems::put(Record::Ptr record) {
  const BytesView key = record->key();
  const auto block = block_of(key);
  const std::size_t at = block->second.lower_bound(key);
  if (block->second.holds(at, key)) return block->second.exchange(at, std::move(record));
  if (block->second.full()) {
    insert_into_full(block, at, std::move(record));
  } else {
    block->second.insert(at, std::move(record));
  }
  return nullptr;
}

void OrderedItems::insert_into_full(Blocks::iterator block, std::size_t at, Record::Ptr record) {
  ItemBlock& left = block->second;
  // Keys that come in order, as from a snapshot, leave full blocks behind them, not half full ones.
  const bool appends = at == left.size() && std::next(block) == blocks_.end();
  if (appends) {
    Bytes fence(separator(left[left.size() - 1].key(), record->key()));
    blocks_.try_emplace(blocks_.end(), std::move(fence))->second.insert(0, std::move(record));
    return;
  }
  const std::size_t middle = left.size() / 2;
  Bytes fence(separator(left[middle - 1].key(), left[middle].key()));
  const bool goes_right = record->key() >= fence;
  const auto right = blocks_.emplace_hint(std::next(block), std::move(fence), left.split(middle));
  ItemBlock& target = goes_right ? right->second : left;
  const std::size_t there = target.lower_bound(record->key());
  target.insert(there, std::move(record));
}

Record::Ptr OrderedItems::erase(BytesView key) {
  const auto block = block_of(key);
  const std::size_t at = block->second.lower_bound(key);
  if (!block->second.holds(at, key)) return nullptr;
  Record::Ptr record = block->second.erase(at);
  merge_if_small(block);
  return record;
}

void OrderedItems::merge_if_small(Blocks::iterator block) {
  if (block->second.size() >= small_block || blocks_.size() == 1) return;
  const auto left = block == blocks_.begin() ? block : std::prev(block);
  const auto right = std::next(left);
  if (left->second.size() + right->second.size() > joined_max) return;
  left->second.append(std::move(right->second));
  blocks_.erase(right);
}

OrderedItems::Position OrderedItems::lower_bound(BytesView key) const {
  const auto block = block_of(key);
  return {blocks_, block, block->second.lower_bound(key)};
}

OrderedItems::Position OrderedItems::upper_bound(BytesView key) const {
  const auto block = block_of(key);
  const std::size_t at = block->second.lower_bound(key);
  return {blocks_, block, block->second.holds(at, key) ? at + 1 : at};
}

OrderedItems::Position OrderedItems::last_below(BytesView key) const {
  Position position = lower_bound(key);
  position.retreat();
  return position;
}

OrderedItems::Position OrderedItems::last() const {
  Position position{blocks_, blocks_.end(), 0};
  position.retreat();
  return position;
}

OrderedItems::Blocks::iterator OrderedItems::block_of(BytesView key) {
  return std::prev(blocks_.upper_bound(key));
}

OrderedItems::Blocks::const_iterator OrderedItems::block_of(BytesView key) const {
  return std::prev(blocks_.upper_bound(key));
}

}  // namespace kv
