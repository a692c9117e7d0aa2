#include "kvserver/ordered_items.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "support.hpp"

namespace kv {
namespace {

Record::Ptr record(BytesView key, std::uint64_t index) {
  return Record::make(key, {"value", {index}, {index}, 1}, 0);
}

// Compares the whole map, in order, and places between its keys.
void check_equal(const OrderedItems& items, const std::map<Bytes, std::uint64_t>& model) {
  const std::vector<std::pair<Bytes, std::uint64_t>> expected(model.begin(), model.end());
  std::vector<std::pair<Bytes, std::uint64_t>> found;
  for (auto at = items.lower_bound({}); at.record() != nullptr; at.advance()) {
    found.emplace_back(at.record()->key(), at.record()->item().change_index.value);
  }
  const bool equal = found == expected;
  REQUIRE(equal);
  found.clear();
  for (auto at = items.last(); at.record() != nullptr; at.retreat()) {
    found.emplace_back(at.record()->key(), at.record()->item().change_index.value);
  }
  const bool equal_backwards =
      std::equal(found.rbegin(), found.rend(), expected.begin(), expected.end());
  REQUIRE(equal_backwards);
}

void check_place(const OrderedItems& items, const std::map<Bytes, std::uint64_t>& model,
                 const Bytes& key) {
  const auto key_at = [](const OrderedItems::Position& at) {
    return at.record() == nullptr ? Bytes("(end)") : Bytes(at.record()->key());
  };
  const auto model_key_at = [&](auto at) { return at == model.end() ? Bytes("(end)") : at->first; };
  CHECK(key_at(items.lower_bound(key)) == model_key_at(model.lower_bound(key)));
  CHECK(key_at(items.upper_bound(key)) == model_key_at(model.upper_bound(key)));
  const auto behind = model.lower_bound(key);
  CHECK(key_at(items.last_below(key)) ==
        model_key_at(behind == model.begin() ? model.end() : std::prev(behind)));
  CHECK((items.find(key) != nullptr) == model.contains(key));
}

// Keys that are hard for a search by the first bytes that differ: long common parts, zero bytes at
// the end, keys that are prefixes of others.
Bytes awkward_key(test::Random& random) {
  const Bytes heads[] = {"", "a", "tenant/one/", "tenant/two/", Bytes(20, '\0'), "\xff\xff\xff"};
  Bytes key = heads[random.below(6)];
  const std::size_t tail = random.below(12);
  for (std::size_t i = 0; i < tail; ++i) key += "\x00\x01\x7f\xff"[random.below(4)];
  return key.empty() ? Bytes("\0", 1) : key;
}

// Would catch a wrong comparison of heads, a fence that does not separate, a head that was not
// rebuilt when the common prefix changed, and a lost block after splits and joins.
TEST_CASE("the map of blocks holds what a std::map holds", "[kv][ordered]") {
  const auto seed = GENERATE(1u, 2u);
  test::Random random(seed);
  OrderedItems items;
  std::map<Bytes, std::uint64_t> model;
  std::uint64_t index = 0;
  for (int phase = 0; phase < 8; ++phase) {
    // The map grows in one phase and shrinks in the next, down to nothing at the end.
    const std::uint64_t erase_one_in = phase % 2 == 0 ? 5 : 1;
    for (int round = 0; round < 6000; ++round) {
      const Bytes key = awkward_key(random);
      ++index;
      if (random.one_in(erase_one_in) && (phase == 7 || !random.one_in(3))) {
        const bool erased = items.erase(key) != nullptr;
        if (erased != (model.erase(key) != 0)) FAIL("erase() found another key than the model");
      } else {
        const auto old = items.put(record(key, index));
        if ((old != nullptr) != model.contains(key)) FAIL("put() found another key than the model");
        model[key] = index;
      }
      if (random.one_in(20)) check_place(items, model, awkward_key(random));
    }
    check_equal(items, model);
  }
  while (!model.empty()) {
    CHECK(items.erase(model.begin()->first) != nullptr);
    model.erase(model.begin());
  }
  check_equal(items, model);
}

// Would catch a new key that goes to the wrong side of the fence which its own insertion makes.
TEST_CASE("the key that equals a new fence is found", "[kv][ordered]") {
  OrderedItems items;
  std::map<Bytes, std::uint64_t> model;
  const auto put = [&](const Bytes& key) {
    items.put(record(key, 1));
    model[key] = 1;
  };
  // Two halves of one full block whose shortest separator is "b".
  for (std::size_t i = 0; i < ItemBlock::capacity; ++i) {
    put((i < ItemBlock::capacity / 2 ? "a/" : "bx/") + std::to_string(1000 + i));
  }
  put("b");
  check_equal(items, model);
  for (const auto& [key, index] : model) check_place(items, model, key);
}

// The two orders that come up most, from snapshots and counters, have code of their own.
TEST_CASE("keys in ascending and in descending order are kept in order", "[kv][ordered]") {
  const bool ascending = GENERATE(true, false);
  OrderedItems items;
  std::map<Bytes, std::uint64_t> model;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const std::string number = std::to_string(1'000'000 + (ascending ? i : 5000 - i));
    items.put(record("user/" + number, i));
    model["user/" + number] = i;
  }
  check_equal(items, model);
  for (int i = 0; i < 5000; i += 7) {
    check_place(items, model, "user/" + std::to_string(1'000'000 + i) + "\x01");
  }
}

}  // namespace
}  // namespace kv
