// What the tests of the store share: folders that vanish, random bytes, and a model of the store
// that is too simple to be wrong.
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <libraft/state_machine.hpp>
#include "kvserver/kv_command.hpp"
#include "kvserver/kv_store.hpp"
#include "kvserver/store_engine.hpp"

namespace kv::test {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "kv_test.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  Bytes bytes(std::size_t size) {
    Bytes out(size, '\0');
    for (char& byte : out) byte = static_cast<char>(below(256));
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

template <class T>
bool fails_with(raft::Errc code, const Result<T>& result) {
  return !result && result.code() == code;
}

/// What the store must hold.
using Model = std::map<Bytes, Item>;

inline bool holds(const Condition& condition, const Item* item) {
  if (std::holds_alternative<Exists>(condition)) return item != nullptr;
  if (const auto* unchanged = std::get_if<Unchanged>(&condition)) {
    if (unchanged->since.value == 0) return item == nullptr;
    return item != nullptr && item->change_index == unchanged->since;
  }
  return true;
}

inline Reply apply_to(Model& model, const Command& command, Index index) {
  const auto& [key, condition] = std::visit(
      [](const auto& any) { return std::pair<Bytes, Condition>(any.key, any.condition); }, command);
  const auto at = model.find(key);
  const Item* old = at == model.end() ? nullptr : &at->second;
  if (!holds(condition, old)) {
    return {Outcome::precondition_failed, old == nullptr ? Index{} : old->change_index};
  }
  if (const auto* put = std::get_if<Put>(&command)) {
    const Bytes value(put->value);
    if (old == nullptr) {
      model[key] = Item{value, index, index, 1};
      return {Outcome::created, index};
    }
    model[key] = Item{value, old->create_index, index, old->version + 1};
    return {Outcome::replaced, index};
  }
  if (old == nullptr) return {Outcome::not_found, {}};
  model.erase(at);
  return {Outcome::deleted, index};
}

inline Totals totals_of(const Model& model) {
  Totals totals;
  for (const auto& [key, item] : model) {
    ++totals.keys;
    totals.bytes += key.size() + item.value.size();
  }
  return totals;
}

inline void append_number(std::uint64_t value, int bytes, Bytes& out) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

/// The bytes of a snapshot, written down a second time so that the format cannot change unseen.
inline Bytes snapshot_of(const Model& model, Index applied) {
  Bytes out = "kvstore\x01";
  append_number(applied.value, 8, out);
  for (const auto& [key, item] : model) {
    append_number(key.size(), 2, out);
    append_number(item.value.size(), 4, out);
    append_number(item.create_index.value, 8, out);
    append_number(item.change_index.value, 8, out);
    append_number(item.version, 8, out);
    out += key + item.value;
  }
  append_number(0, 2, out);
  append_number(model.size(), 8, out);
  return out;
}

inline Bytes read_all(raft::SnapshotReader& reader, std::size_t portion = 100'000) {
  Bytes all;
  for (;;) {
    const auto bytes = reader.read(portion);
    REQUIRE(bytes);
    REQUIRE(bytes->size() <= portion);
    if (bytes->empty()) return all;
    all += *bytes;
  }
}

/// A snapshot that comes from bytes, in small portions.
class BytesReader final : public raft::SnapshotReader {
 public:
  explicit BytesReader(Bytes bytes, std::size_t portion = 1000)
      : bytes_(std::move(bytes)), portion_(portion) {}
  Result<Bytes> read(std::size_t max) override {
    Bytes out = bytes_.substr(at_, std::min(max, portion_));
    at_ += out.size();
    return out;
  }

 private:
  Bytes bytes_;
  std::size_t portion_;
  std::size_t at_ = 0;
};

inline Model contents_of(const Store& store) {
  Model model;
  REQUIRE(store.scan({}, [&](BytesView key, const ItemView& item) {
    model.emplace(key, item.copy());
    return true;
  }));
  return model;
}

/// Drives a store as libraft does: entries in order, and for a durable one commits with records.
class Driver {
 public:
  explicit Driver(std::unique_ptr<Store> store)
      : store_(std::move(store)),
        durable_(dynamic_cast<raft::DurableStateMachine*>(&store_->machine())) {}

  Store& store() { return *store_; }
  raft::DurableStateMachine& durable() {
    REQUIRE(durable_ != nullptr);
    return *durable_;
  }

  Bytes apply_bytes(BytesView command, Index index) {
    return store_->machine().apply({index, {1}, {}, command});
  }
  Reply apply(const Command& command, Index index) {
    const auto reply = decode_reply(apply_bytes(encode(command), index));
    REQUIRE(reply);
    return *reply;
  }

  /// Nothing to do for a volatile machine.
  void commit(Index applied) {
    if (durable_ == nullptr) return;
    const std::vector<raft::MetaRecord> meta{{"applied", std::to_string(applied.value)}};
    REQUIRE(durable_->commit(applied, meta));
  }

  Result<void> restore(raft::SnapshotReader& snapshot, Index applied = {},
                       std::span<const raft::MetaRecord> meta = {}) {
    return durable_ == nullptr ? store_->machine().restore(snapshot)
                               : durable_->restore(snapshot, applied, meta);
  }

 private:
  std::unique_ptr<Store> store_;
  raft::DurableStateMachine* durable_;
};

inline std::unique_ptr<Store> open_store(const std::string& folder,
                                         const RocksOptions& options = {}) {
  auto store = open_rocks_store(folder, options);
  if (!store) FAIL(store.error().detail);
  return *std::move(store);
}

/// The flush runs on a thread of RocksDB; there is nothing but its end to wait for.
inline void await_durable(raft::DurableStateMachine& machine, Index index) {
  machine.request_durable(index);
  while (machine.durable_index() < index) std::this_thread::yield();
}

}  // namespace kv::test
