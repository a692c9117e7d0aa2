// An ordered map of items in blocks: few cache misses per look-up, little memory per key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "kvserver/store_engine.hpp"

namespace kv {

/// A key and its item in one allocation. Never changes, so that whoever wants the old state needs
/// to keep a pointer only.
class Record {
 public:
  struct Deleter {
    void operator()(const Record* record) const;
  };
  using Ptr = std::unique_ptr<const Record, Deleter>;

  /// `epoch` is for the owner of the map: which period of its life the record comes from.
  static Ptr make(BytesView key, const ItemView& item, std::uint32_t epoch);

  BytesView key() const { return {bytes(), key_bytes_}; }
  ItemView item() const {
    return {{bytes() + key_bytes_, value_bytes_}, create_index_, change_index_, version_};
  }
  std::uint32_t epoch() const { return epoch_; }
  std::size_t size() const { return key_bytes_ + value_bytes_; }

 private:
  Record(BytesView key, const ItemView& item, std::uint32_t epoch);
  /// The key and then the value follow this object in its allocation.
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }

  Index create_index_;
  Index change_index_;
  std::uint64_t version_;
  std::size_t value_bytes_;
  std::uint32_t key_bytes_;
  std::uint32_t epoch_;
};

/// A sorted run of records. Searching compares one machine word per step: the eight bytes of each
/// key behind the part that all keys of the block have in common, so that long common prefixes do
/// not spoil it. Records are touched only where those words are equal.
class ItemBlock {
 public:
  static constexpr std::size_t capacity = 128;

  std::size_t size() const { return records_.size(); }
  bool full() const { return size() >= capacity; }
  const Record& operator[](std::size_t at) const { return *records_[at]; }

  /// The first position whose key is not below `key`; size() if there is none.
  std::size_t lower_bound(BytesView key) const;
  bool holds(std::size_t at, BytesView key) const {
    return at < size() && (*this)[at].key() == key;
  }

  void insert(std::size_t at, Record::Ptr record);
  Record::Ptr exchange(std::size_t at, Record::Ptr record);
  Record::Ptr erase(std::size_t at);
  /// Moves what is at `at` and behind it to a new block.
  ItemBlock split(std::size_t at);
  /// Takes over a block of larger keys.
  void append(ItemBlock block);

 private:
  void rebuild_heads();

  // Every key begins with prefix_, heads_[i] is made of the bytes of records_[i]'s key behind it.
  Bytes prefix_;
  std::vector<std::uint64_t> heads_;
  std::vector<Record::Ptr> records_;
};

/// Blocks under a tree of their lower fences. One thread writes; any number read if nobody writes.
class OrderedItems {
  using Blocks = std::map<Bytes, ItemBlock, std::less<>>;

 public:
  /// A place in the order of keys. Any change of the map makes it useless.
  class Position {
   public:
    Position(const Blocks& blocks, Blocks::const_iterator block, std::size_t at);

    /// Null behind the last record and before the first.
    const Record* record() const { return block_ == end_ ? nullptr : &block_->second[at_]; }
    void advance();
    /// From behind the last record, too.
    void retreat();

   private:
    void skip_empty();

    Blocks::const_iterator begin_;
    Blocks::const_iterator end_;
    Blocks::const_iterator block_;
    std::size_t at_;
  };

  OrderedItems();

  /// Null: no such key. Valid until that key is written.
  const Record* find(BytesView key) const;
  /// Returns the record that had this key, or null.
  Record::Ptr put(Record::Ptr record);
  Record::Ptr erase(BytesView key);

  Position lower_bound(BytesView key) const;  ///< The first key not below `key`.
  Position upper_bound(BytesView key) const;  ///< The first key above `key`.
  Position last_below(BytesView key) const;
  Position last() const;

 private:
  /// The only block that may hold the key.
  Blocks::iterator block_of(BytesView key);
  Blocks::const_iterator block_of(BytesView key) const;
  void insert_into_full(Blocks::iterator block, std::size_t at, Record::Ptr record);
  void merge_if_small(Blocks::iterator block);

  // The keys of a block are not below its fence, and below the fence of the next one. The first
  // fence is empty and stays, so that every key has a block.
  Blocks blocks_;
};

}  // namespace kv
