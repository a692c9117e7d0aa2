// The window of changes that watchers read. Catches a change that is skipped without a word, shown
// before reads see it, or kept for ever.
#include "kvserver/change_history.hpp"

#include "support.hpp"

namespace kv {
namespace {

using test::Driver;
using test::Model;

constexpr std::size_t plenty = std::size_t{1} << 20;
const KeyFilter all{"", true};

Change put(std::uint64_t index, const Bytes& key, const Bytes& value = "v") {
  return {{index}, key, Item{value, {index}, {index}, 1}};
}
Change deletion(std::uint64_t index, const Bytes& key) { return {{index}, key, std::nullopt}; }

// Page by page; absent if some are forgotten.
std::optional<std::vector<std::uint64_t>> read_all(const ChangeHistory& history, Index from,
                                                   const KeyFilter& filter, std::size_t bytes) {
  std::vector<std::uint64_t> indexes;
  for (;;) {
    const auto page = history.read(from, filter, bytes);
    if (!page) return std::nullopt;
    for (const auto& change : page->changes) {
      CHECK(filter.matches(change->key));
      indexes.push_back(change->index.value);
    }
    from = page->next;
    if (page->at_end) return indexes;
  }
}

// The largest history in which just the first `forgotten` changes have no room.
std::size_t room_without(const std::vector<Change>& changes, std::size_t forgotten) {
  for (std::size_t bytes = 1000;; --bytes) {
    ChangeHistory history(bytes);
    for (const Change& change : changes) history.add(change);
    history.publish();
    if (history.oldest() > changes[forgotten - 1].index) return bytes;
  }
}

}  // namespace

TEST_CASE("changes are read in order from any index on", "[kv][watch]") {
  ChangeHistory history(plenty);
  history.begin({10});
  CHECK(history.next() == Index{11});
  for (const Change& change : {put(11, "a"), put(13, "b/1"), deletion(14, "a"), put(17, "b/2")}) {
    history.add(change);
  }
  CHECK(history.next() == Index{11});
  CHECK(read_all(history, {11}, all, plenty)->empty());
  history.publish();
  CHECK(history.next() == Index{18});
  const std::size_t bytes = GENERATE(1, 200, plenty);  // One by one, or all at once.
  using Indexes = std::vector<std::uint64_t>;
  CHECK(read_all(history, {11}, all, bytes) == Indexes{11, 13, 14, 17});
  CHECK(read_all(history, {12}, all, bytes) == Indexes{13, 14, 17});
  CHECK(read_all(history, {14}, all, bytes) == Indexes{14, 17});
  CHECK(read_all(history, {11}, {"b/", true}, bytes) == Indexes{13, 17});
  CHECK(read_all(history, {11}, {"a", false}, bytes) == Indexes{11, 14});
  CHECK(read_all(history, {18}, all, bytes)->empty());
  CHECK_FALSE(history.read({10}, all, bytes));
}

// A deletion is no less a change than what it deletes: whoever asks for it by its very index and
// cannot have it must hear so.
TEST_CASE("what is forgotten ends at a deletion", "[kv][watch][bug-46]") {
  const std::vector<Change> changes{put(1, "a"), deletion(2, "a"), put(3, "b"), put(4, "c")};
  ChangeHistory history(room_without(changes, 2));
  for (const Change& change : changes) history.add(change);
  history.publish();
  REQUIRE(history.oldest() == Index{3});
  CHECK_FALSE(history.read({1}, {"a", false}, plenty));
  CHECK_FALSE(history.read({2}, {"a", false}, plenty));
  const auto page = history.read({3}, {"a", false}, plenty);
  REQUIRE(page);
  CHECK(page->changes.empty());

  ChangeHistory longer(room_without(changes, 1));
  for (const Change& change : changes) longer.add(change);
  longer.publish();
  REQUIRE(longer.oldest() == Index{2});
  const auto deleted = longer.read({2}, {"a", false}, plenty);
  REQUIRE(deleted);
  REQUIRE(deleted->changes.size() == 1);
  CHECK_FALSE(deleted->changes[0]->item);
}

TEST_CASE("an index that the log has not reached is waited for", "[kv][watch][bug-46]") {
  ChangeHistory history(plenty);
  history.add(put(1, "a"));
  history.publish();
  const auto early = history.read({5}, all, plenty);
  REQUIRE(early);
  CHECK(early->at_end);
  CHECK(early->next == Index{5});
  for (std::uint64_t index = 2; index <= 6; ++index) history.add(put(index, "a"));
  history.publish();
  CHECK(read_all(history, early->next, all, plenty) == std::vector<std::uint64_t>{5, 6});
}

TEST_CASE("what was staged when the map is replaced was never seen", "[kv][watch]") {
  ChangeHistory history(plenty);
  history.add(put(1, "a"));
  history.publish();
  history.add(put(2, "a"));
  history.begin({40});
  history.publish();
  CHECK(history.next() == Index{41});
  CHECK(history.oldest() == Index{41});
  CHECK_FALSE(history.read({2}, all, plenty));
  CHECK(read_all(history, {41}, all, plenty)->empty());
}

// Every answer is the whole truth from that index on, or none.
TEST_CASE("nothing is left out in between", "[kv][watch]") {
  test::Random random(46);
  ChangeHistory history(20'000);
  std::vector<Change> everything;
  std::uint64_t index = 0;
  std::size_t forgotten = 0;
  for (int round = 0; round < 300; ++round) {
    for (std::uint64_t count = random.below(20); count > 0; --count) {
      index += 1 + random.below(3);
      const Bytes key = std::to_string(random.below(5));
      everything.push_back(random.one_in(3) ? deletion(index, key)
                                            : put(index, key, random.bytes(random.below(900))));
      history.add(everything.back());
    }
    history.publish();
    const Index from{1 + random.below(index + 3)};
    const KeyFilter filter{random.one_in(2) ? "" : std::to_string(random.below(5)), true};
    std::vector<std::uint64_t> expected;
    for (const Change& change : everything) {
      if (change.index >= from && filter.matches(change.key)) {
        expected.push_back(change.index.value);
      }
    }
    const auto read = read_all(history, from, filter, 1 + random.below(5000));
    REQUIRE(read.has_value() == (from >= history.oldest()));
    if (read) REQUIRE(*read == expected);
    forgotten += read ? 0 : 1;
  }
  CHECK(forgotten > 0);
  CHECK(forgotten < 300);
}

TEST_CASE("a store tells what its reads show", "[kv][watch]") {
  const std::string kind = GENERATE("memory", "rocksdb");
  test::TemporaryFolder folder;
  const auto open = [&] {
    return kind == "memory" ? make_memory_store() : test::open_store(folder / "kv");
  };
  Driver driver(open());
  ChangeHistory& history = driver.store().changes();
  CHECK(history.next() == Index{1});
  driver.apply(Put{"a", "1"}, {3});
  CHECK(history.next() == Index{kind == "memory" ? 4u : 1u});  // Not before its commit.
  CHECK((driver.store().get("a")->has_value()) == (kind == "memory"));
  driver.commit({3});
  CHECK(history.next() == Index{4});
  driver.apply(Put{"a", "2", Unchanged{{9}}}, {4});  // Refused: nothing changes.
  driver.apply(Delete{"absent"}, {5});
  driver.apply(Put{"a", "2"}, {6});
  driver.apply(Delete{"a"}, {7});
  driver.commit({7});
  const auto page = history.read({1}, all, plenty);
  REQUIRE(page);
  REQUIRE(page->changes.size() == 3);
  CHECK(page->changes[1]->item == Item{"2", {3}, {6}, 2});
  CHECK(page->changes[2]->index == Index{7});
  CHECK_FALSE(page->changes[2]->item);

  SECTION("after a restore, nothing of what led to it") {
    const Model model{{"b", {"9", {20}, {21}, 2}}};
    test::BytesReader snapshot(test::snapshot_of(model, {21}));
    REQUIRE(driver.restore(snapshot, {21}));
    CHECK_FALSE(history.read({21}, all, plenty));
    CHECK(history.next() == Index{22});
  }
}

TEST_CASE("a store that is opened again begins behind what it holds", "[kv][watch]") {
  test::TemporaryFolder folder;
  {
    Driver driver(test::open_store(folder / "kv"));
    driver.apply(Put{"a", "1"}, {5});
    driver.commit({5});
    test::await_durable(driver.durable(), {5});
  }
  Driver driver(test::open_store(folder / "kv"));
  CHECK(driver.store().changes().oldest() == Index{6});
  driver.apply(Put{"a", "2"}, {6});
  driver.commit({6});
  CHECK(read_all(driver.store().changes(), {6}, all, plenty) == std::vector<std::uint64_t>{6});
}

}  // namespace kv
