#include "kvserver/kv_snapshot.hpp"

#include "support.hpp"

namespace kv {
namespace {

using test::BytesReader;
using test::Driver;
using test::Model;
using test::TemporaryFolder;

Model example() {
  Model model;
  model["a"] = Item{"1", {1}, {4}, 3};
  model[Bytes("b\0c", 3)] = Item{"", {2}, {2}, 1};
  model[Bytes(key_bytes_max, 'k')] = Item{Bytes(400'000, 'v'), {3}, {3}, 1};
  model["z"] = Item{"2", {5}, {5}, 1};
  return model;
}

Driver make_driver(bool durable, const TemporaryFolder& folder) {
  return Driver(durable ? test::open_store(folder / "kv") : make_memory_store());
}

// Would catch a format that only the engine that wrote it can read.
TEST_CASE("a snapshot of either engine restores on either engine", "[kv][snapshot]") {
  const bool from_durable = GENERATE(false, true);
  const bool to_durable = GENERATE(false, true);
  const TemporaryFolder from_folder;
  const TemporaryFolder to_folder;
  Driver from = make_driver(from_durable, from_folder);
  Driver to = make_driver(to_durable, to_folder);
  Model model;
  for (std::uint64_t index = 1; index <= 3000; ++index) {
    const Bytes key = std::to_string(index * 7919 % 1000);
    const Bytes value = std::to_string(index);
    const Command command = Put{key, value};
    from.apply(command, {index});
    test::apply_to(model, command, {index});
  }
  from.commit({3000});
  to.apply(Put{"to be forgotten", "x"}, {1});
  to.commit({1});

  const auto snapshot = from.store().machine().capture();
  const std::vector<raft::MetaRecord> meta{{"applied", "3000"}, {"member", "1"}};
  REQUIRE(to.restore(*snapshot, {3000}, meta));
  CHECK(test::contents_of(to.store()) == model);
  CHECK(to.store().totals() == test::totals_of(model));
  // The next entries see what was restored, and the next capture tells the same.
  CHECK(to.apply(Put{"1", "next", Exists{}}, {3001}).outcome == Outcome::replaced);
  test::apply_to(model, Put{"1", "next"}, {3001});
  to.commit({3001});
  CHECK(test::read_all(*to.store().machine().capture()) == test::snapshot_of(model, {3001}));
}

TEST_CASE("the bytes of a snapshot do not depend on the portions they are read in",
          "[kv][snapshot]") {
  const TemporaryFolder folder;
  const bool durable = GENERATE(false, true);
  Driver driver = make_driver(durable, folder);
  const Bytes expected = test::snapshot_of(example(), {5});
  BytesReader reader(expected);
  REQUIRE(driver.restore(reader, {5}));
  for (const std::size_t portion : {std::size_t{17}, std::size_t{1000}, std::size_t{1} << 30}) {
    const auto snapshot = driver.store().machine().capture();
    CHECK(test::read_all(*snapshot, portion) == expected);
    CHECK(snapshot->read(10)->empty());
  }
}

// Would catch a snapshot that lost its end and is taken for a smaller store; and old state that is
// damaged by an attempt that fails.
TEST_CASE("a snapshot that is cut off or goes on is refused and changes nothing",
          "[kv][snapshot]") {
  const TemporaryFolder folder;
  Driver driver = make_driver(GENERATE(false, true), folder);
  driver.apply(Put{"old", "state"}, {1});
  driver.commit({1});
  Model small = example();
  small.erase(Bytes(key_bytes_max, 'k'));
  const Bytes whole = test::snapshot_of(small, {5});
  const Model before = test::contents_of(driver.store());
  for (std::size_t size = 0; size < whole.size(); size += size < 30 ? 1 : 13) {
    BytesReader cut(whole.substr(0, size), 5);
    REQUIRE(test::fails_with(raft::Errc::corrupt, driver.restore(cut)));
  }
  BytesReader longer(whole + "x");
  CHECK(test::fails_with(raft::Errc::corrupt, driver.restore(longer)));
  CHECK(test::contents_of(driver.store()) == before);
  BytesReader good(whole, 3);
  CHECK(driver.restore(good));
  CHECK(test::contents_of(driver.store()) == small);
}

TEST_CASE("a snapshot with a wrong head, order or count is refused", "[kv][snapshot]") {
  Driver driver(make_memory_store());
  const Bytes whole = test::snapshot_of(example(), {5});
  const auto refuses = [&](Bytes bytes, raft::Errc as = raft::Errc::corrupt) {
    BytesReader reader(std::move(bytes));
    return test::fails_with(as, driver.restore(reader));
  };
  Bytes wrong_magic = whole;
  wrong_magic[0] = 'K';
  CHECK(refuses(wrong_magic));
  Bytes newer = whole;
  newer[7] = 2;
  CHECK(refuses(newer, raft::Errc::newer_format));
  Bytes wrong_count = whole;
  wrong_count[whole.size() - 8] = 9;
  CHECK(refuses(wrong_count));
  // The same item twice: not ascending.
  const Bytes one = test::snapshot_of({{"a", {"1", {1}, {1}, 1}}}, {1});
  const Bytes item = one.substr(16, one.size() - 16 - 10);
  Bytes twice = one.substr(0, 16) + item + item;
  test::append_number(0, 2, twice);
  test::append_number(2, 8, twice);
  CHECK(refuses(twice));
  Bytes long_key = one.substr(0, 16);
  test::append_number(key_bytes_max + 1, 2, long_key);
  CHECK(refuses(long_key + Bytes(10'000, 'x')));
  CHECK(refuses(Bytes(100, '\xff')));
}

// A damaged length must not make the loader allocate what it claims.
TEST_CASE("a snapshot that claims a value of four gigabytes ends with an error", "[kv][snapshot]") {
  Driver driver(make_memory_store());
  Bytes bytes = test::snapshot_of({}, {1}).substr(0, 16);
  test::append_number(1, 2, bytes);
  test::append_number(0xffffffff, 4, bytes);
  bytes.append(24, '\0');
  bytes += "key and value";
  BytesReader reader(bytes);
  CHECK(test::fails_with(raft::Errc::corrupt, driver.restore(reader)));
}

}  // namespace
}  // namespace kv
