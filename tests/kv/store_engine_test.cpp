// One body for both engines: whatever the machine relies on must hold for each.
#include "kvserver/store_engine.hpp"

#include "kvserver/memory_store.hpp"
#include "kvserver/rocks_store.hpp"
#include "support.hpp"

namespace kv {
namespace {

using test::Model;

struct UnderTest {
  explicit UnderTest(bool durable_one) {
    if (!durable_one) {
      engine = make_memory_engine();
      return;
    }
    auto opened = open_rocks_engine(folder / "kv");
    REQUIRE(opened);
    durable = opened->get();
    engine = *std::move(opened);
  }

  void put(BytesView key, BytesView value, std::uint64_t index) {
    engine->put(key, {value, {index}, {index}, 1});
  }
  /// Makes changes visible to readers where that is a step of its own.
  void settle() {
    if (durable != nullptr) REQUIRE(durable->commit({}));
  }
  std::vector<Bytes> keys(const Range& range, std::size_t limit = 1000) const {
    std::vector<Bytes> found;
    REQUIRE(engine->scan(range, [&](BytesView key, const ItemView&) {
      found.emplace_back(key);
      return found.size() < limit;
    }));
    return found;
  }

  test::TemporaryFolder folder;
  std::unique_ptr<StoreEngine> engine;
  DurableEngine* durable = nullptr;
};

Model read_view(FrozenView& view, std::size_t slice) {
  Model model;
  for (bool more = true; more;) {
    const auto next = view.next(slice, [&](BytesView key, const ItemView& item) {
      REQUIRE(model.emplace(key, item.copy()).second);
    });
    REQUIRE(next);
    more = *next;
  }
  return model;
}

TEST_CASE("what was put is found, also before it is visible to readers", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  under.engine->put("key", {"value", {3}, {5}, 2});
  const auto found = under.engine->find("key");
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->copy() == Item{"value", {3}, {5}, 2});
  under.settle();
  const auto got = under.engine->get("key");
  REQUIRE(got);
  CHECK(*got == Item{"value", {3}, {5}, 2});
}

TEST_CASE("what was erased is gone, in one batch and over two", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  under.put("a", "1", 1);
  under.put("b", "2", 2);
  under.engine->erase("a");
  under.settle();
  under.engine->erase("b");
  CHECK(*under.engine->find("b") == std::nullopt);
  under.put("b", "3", 3);
  under.put("b", "4", 4);
  under.settle();
  CHECK(*under.engine->get("a") == std::nullopt);
  CHECK(*under.engine->get("b") == Item{"4", {4}, {4}, 1});
  CHECK(under.keys({}) == std::vector<Bytes>{"b"});
}

// K07: a first byte that is special to an engine would let a client reach its own records. K04, the
// bytes of values likewise.
TEST_CASE("keys and values may begin with any byte and reach nothing else", "[kv][engine][K07]") {
  UnderTest under(GENERATE(false, true));
  const std::vector<raft::MetaRecord> meta{{"m", "meta"}, {"", "empty"}, {"s", "state"}};
  const Bytes value("\0value", 6);
  Model expected;
  for (int first = 0; first < 256; ++first) {
    const Bytes byte(1, static_cast<char>(first));
    for (const Bytes& key : {byte, byte + "m", byte + "s", byte + byte}) {
      under.engine->put(key, {byte + value, {1}, {2}, 3});
      expected[key] = Item{byte + value, {1}, {2}, 3};
    }
  }
  if (under.durable != nullptr) {
    REQUIRE(under.durable->commit({{9}, test::totals_of(expected), meta}));
  }
  Model found;
  REQUIRE(under.engine->scan({}, [&](BytesView key, const ItemView& item) {
    found.emplace(key, item.copy());
    return true;
  }));
  CHECK(found == expected);
  CHECK(read_view(*under.engine->capture(), 100) == expected);
  for (const auto& [key, item] : expected) under.engine->erase(key);
  under.settle();
  CHECK(under.keys({}).empty());
  if (under.durable == nullptr) return;
  CHECK(under.durable->load_meta()->size() == 3);
}

TEST_CASE("an empty value and a value of a megabyte come back whole", "[kv][engine][K04]") {
  UnderTest under(GENERATE(false, true));
  const Bytes large = test::Random(1).bytes(std::size_t{1} << 20);
  under.put("large", large, 1);
  under.put("empty", "", 2);
  under.settle();
  CHECK((*under.engine->get("large"))->value == large);
  CHECK((*under.engine->get("empty"))->value.empty());
  CHECK(read_view(*under.engine->capture(), 1).size() == 2);
}

// Would catch an off-by-one at either end of a page: a key shown twice or never.
TEST_CASE("a scan visits a prefix page by page", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  for (const char* key : {"a", "b", "b\x01", "ba", "b\xff", "c"}) under.put(key, "", 1);
  under.settle();
  using Keys = std::vector<Bytes>;
  CHECK(under.keys({}) == Keys{"a", "b", "b\x01", "ba", "b\xff", "c"});
  CHECK(under.keys({"b", {}}) == Keys{"b", "b\x01", "ba", "b\xff"});
  CHECK(under.keys({"b", {}}, 2) == Keys{"b", "b\x01"});
  CHECK(under.keys({"b", "b\x01"}) == Keys{"ba", "b\xff"});
  CHECK(under.keys({"b", "b"}, 1) == Keys{"b\x01"});
  CHECK(under.keys({"b", "a"}) == Keys{"b", "b\x01", "ba", "b\xff"});
  CHECK(under.keys({"b", "b\x02"}) == Keys{"ba", "b\xff"});
  CHECK(under.keys({"b", "c"}).empty());
  CHECK(under.keys({"d", {}}).empty());
  CHECK(under.keys({{}, "c"}).empty());
}

TEST_CASE("a scan goes down as well as up", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  for (const char* key : {"a", "b", "b\x01", "ba", "b\xff", "c", "\xff\xff", "\xff\xffz"}) {
    under.put(key, "", 1);
  }
  under.settle();
  using Keys = std::vector<Bytes>;
  const auto down = [&](BytesView prefix, std::optional<BytesView> after = {},
                        std::size_t limit = 1000) {
    return under.keys({prefix, after, true}, limit);
  };
  CHECK(down("") == Keys{"\xff\xffz", "\xff\xff", "c", "b\xff", "ba", "b\x01", "b", "a"});
  CHECK(down("b") == Keys{"b\xff", "ba", "b\x01", "b"});
  CHECK(down("b", {}, 2) == Keys{"b\xff", "ba"});
  CHECK(down("b", "ba") == Keys{"b\x01", "b"});
  CHECK(down("b", "b").empty());
  CHECK(down("b", "a").empty());
  CHECK(down("b", "c") == Keys{"b\xff", "ba", "b\x01", "b"});
  CHECK(down("b", "b\x02") == Keys{"b\x01", "b"});
  CHECK(down("\xff") == Keys{"\xff\xffz", "\xff\xff"});
  CHECK(down("\xff", "\xff\xffz") == Keys{"\xff\xff"});
  CHECK(down("d").empty());
  CHECK(down("", "a").empty());
  CHECK(UnderTest(GENERATE(false, true)).keys({{}, {}, true}).empty());
}

TEST_CASE("random scans visit what a map holds", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  test::Random random(7);
  std::map<Bytes, int> model;
  const auto some_key = [&] {
    Bytes key;
    for (std::uint64_t i = 1 + random.below(4); i > 0; --i) key += "\x01y\xff"[random.below(3)];
    return key;
  };
  for (int i = 0; i < 60; ++i) {
    const Bytes key = some_key();
    under.put(key, "", 1);
    model[key] = 0;
  }
  under.settle();
  for (int i = 0; i < 500; ++i) {
    const Bytes prefix = some_key().substr(0, random.below(4));
    const Bytes after = some_key();
    const Range range{prefix, random.one_in(2) ? std::optional<BytesView>(after) : std::nullopt,
                      random.one_in(2)};
    std::vector<Bytes> expected;
    for (const auto& [key, nothing] : model) {
      if (!key.starts_with(prefix)) continue;
      if (range.after && (range.descending ? key >= after : key <= after)) continue;
      expected.push_back(key);
    }
    if (range.descending) std::reverse(expected.begin(), expected.end());
    REQUIRE(under.keys(range) == expected);
  }
}

// Would catch a view that shows later changes, at keys before and behind its cursor.
TEST_CASE("a view shows its moment whatever is written meanwhile", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  for (const char* key : {"a", "c", "e", "g"}) under.put(key, "old", 1);
  under.settle();
  const auto view = under.engine->capture();
  const Model expected{{"a", {"old", {1}, {1}, 1}},
                       {"c", {"old", {1}, {1}, 1}},
                       {"e", {"old", {1}, {1}, 1}},
                       {"g", {"old", {1}, {1}, 1}}};
  Model seen;
  const auto step = [&] {
    const auto next = view->next(1, [&](BytesView key, const ItemView& item) {
      REQUIRE(seen.emplace(key, item.copy()).second);
    });
    REQUIRE(next);
    return *next;
  };
  REQUIRE(step());
  under.engine->erase("a");  // behind the cursor
  under.put("c", "new", 2);  // replaced before it is reached
  under.engine->erase("e");  // erased before it is reached
  under.put("b", "new", 2);  // inserted before the next one
  under.put("f", "new", 2);  // inserted later
  under.engine->erase("g");  // erased and made again
  under.put("g", "new", 3);
  under.put("z", "new", 3);  // inserted behind the last one
  under.settle();
  REQUIRE(step());
  under.put("e", "newer", 4);
  under.put("c", "newer", 4);
  under.engine->erase("g");
  under.settle();
  while (step()) {
  }
  CHECK(seen == expected);
}

TEST_CASE("views of several moments do not disturb each other", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  std::vector<std::pair<std::unique_ptr<FrozenView>, Model>> views;
  Model model;
  for (std::uint64_t index = 1; index <= 6; ++index) {
    for (const char* key : {"a", "b", "c"}) {
      under.put(key, std::to_string(index), index);
      model[key] = Item{std::to_string(index), {index}, {index}, 1};
    }
    if (index % 3 == 0) {
      under.engine->erase("b");
      model.erase("b");
    }
    under.settle();
    views.emplace_back(under.engine->capture(), model);
  }
  views.erase(views.begin() + 2);  // The end of one must not take anything from the others.
  for (auto& [view, expected] : views) CHECK(read_view(*view, 1) == expected);
}

TEST_CASE("a view of nothing is empty, also when something is written meanwhile", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  const auto view = under.engine->capture();
  under.put("a", "1", 1);
  under.settle();
  CHECK(read_view(*view, 10).empty());
}

// Would catch a replacement that is mixed with the old content, or that changes an older view.
TEST_CASE("a replacement takes the place of everything and spares views", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  under.put("a", "old", 1);
  under.put("b", "old", 1);
  under.settle();
  const auto view = under.engine->capture();
  under.put("staged", "old", 2);
  {
    const auto replacement = under.engine->replace();
    REQUIRE(replacement);
    REQUIRE((*replacement)->add("b", {"new", {7}, {8}, 2}));
    REQUIRE((*replacement)->add("c", {"new", {7}, {8}, 2}));
    REQUIRE((*replacement)->finish({{8}, {2, 8}, {}}));
  }
  CHECK(under.keys({}) == std::vector<Bytes>{"b", "c"});
  CHECK(*under.engine->find("a") == std::nullopt);
  under.put("d", "newer", 9);
  under.settle();
  CHECK(under.keys({}) == std::vector<Bytes>{"b", "c", "d"});
  CHECK(read_view(*view, 1) == Model{{"a", {"old", {1}, {1}, 1}}, {"b", {"old", {1}, {1}, 1}}});
}

TEST_CASE("a replacement that is given up changes nothing", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  under.put("a", "old", 1);
  under.settle();
  {
    const auto replacement = under.engine->replace();
    REQUIRE(replacement);
    REQUIRE((*replacement)->add("b", {"new", {7}, {8}, 2}));
  }
  CHECK(under.keys({}) == std::vector<Bytes>{"a"});
  under.put("c", "1", 2);
  under.settle();
  CHECK(under.keys({}) == std::vector<Bytes>{"a", "c"});
}

TEST_CASE("a view may outlive its engine", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  under.put("a", "1", 1);
  under.settle();
  const auto view = under.engine->capture();
  under.engine.reset();
  CHECK(read_view(*view, 1).size() == 1);
}

// Would catch a record that is kept aside although no view can want it any more, or is freed while
// one does (address sanitizer), under random interleavings of writes and of several readers.
TEST_CASE("random views equal the model of their moment", "[kv][engine]") {
  UnderTest under(GENERATE(false, true));
  const auto seed = GENERATE(1u, 2u, 3u);
  test::Random random(seed);
  struct Reading {
    std::unique_ptr<FrozenView> view;
    Model expected;
    Model seen;
  };
  std::vector<Reading> readings;
  Model model;
  for (std::uint64_t index = 1; index <= 6000; ++index) {
    const Bytes key = "k" + std::to_string(random.below(400));
    if (random.one_in(3)) {
      under.engine->erase(key);
      model.erase(key);
    } else {
      const Item item{random.bytes(random.below(60)), {index}, {index}, 1};
      under.engine->put(key, {item.value, item.create_index, item.change_index, item.version});
      model[key] = item;
    }
    if (random.one_in(8)) under.settle();
    if (readings.size() < 5 && random.one_in(100)) {
      under.settle();
      readings.push_back({under.engine->capture(), model, {}});
    }
    if (readings.empty() || !random.one_in(6)) continue;
    const std::size_t which = random.below(readings.size());
    Reading& reading = readings[which];
    const auto more = reading.view->next(random.below(300), [&](BytesView k, const ItemView& item) {
      REQUIRE(reading.seen.emplace(k, item.copy()).second);
    });
    REQUIRE(more);
    if (!*more) CHECK(reading.seen == reading.expected);
    if (!*more || random.one_in(200)) {
      readings.erase(readings.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
}

// All 2^14 keys have one and the same hash under the polynomial hash of many languages, and a long
// prefix in common. Catches a store whose cost depends on what keys clients choose: with a chain
// or a list behind it, this test would run for minutes.
TEST_CASE("keys that collide under a hash cost no more than others", "[kv][engine][K09]") {
  UnderTest under(GENERATE(false, true));
  constexpr unsigned letters = 14;
  constexpr std::uint64_t count = std::uint64_t{1} << letters;
  const auto key_of = [](std::uint64_t number) {
    Bytes key(100, 'p');
    for (unsigned letter = 0; letter < letters; ++letter) {
      key += (number >> letter & 1) != 0 ? "Aa" : "BB";  // 31 * 'A' + 'a' == 31 * 'B' + 'B'
    }
    return key;
  };
  for (std::uint64_t number = 0; number < count; ++number) {
    under.put(key_of(number), "v", number + 1);
  }
  under.settle();
  for (std::uint64_t number = 0; number < count; ++number) {
    const auto item = under.engine->get(key_of(number));
    REQUIRE(item);
    REQUIRE(item->has_value());
    REQUIRE((*item)->change_index == Index{number + 1});
  }
  CHECK(under.keys({}, count + 1).size() == count);
}

}  // namespace
}  // namespace kv
