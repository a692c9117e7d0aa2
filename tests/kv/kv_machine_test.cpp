// The machine through libraft's interface, over both engines.
#include <array>

#include "support.hpp"

namespace kv {
namespace {

using test::Driver;
using test::Model;
using test::TemporaryFolder;

std::unique_ptr<Store> make_store(bool durable, const TemporaryFolder& folder) {
  return durable ? test::open_store(folder / "kv") : make_memory_store();
}

TEST_CASE("a put creates and then replaces, counting versions", "[kv][machine]") {
  const TemporaryFolder folder;
  Driver driver(make_store(GENERATE(false, true), folder));
  CHECK(driver.apply(Put{"k", "1"}, {5}) == Reply{Outcome::created, {5}});
  CHECK(driver.apply(Put{"k", "2"}, {7}) == Reply{Outcome::replaced, {7}});
  driver.commit({7});
  CHECK(*driver.store().get("k") == Item{"2", {5}, {7}, 2});
  CHECK(driver.store().totals() == Totals{1, 2});
}

TEST_CASE("a key that was deleted begins anew", "[kv][machine]") {
  const TemporaryFolder folder;
  Driver driver(make_store(GENERATE(false, true), folder));
  CHECK(driver.apply(Delete{"k"}, {1}) == Reply{Outcome::not_found, {}});
  driver.apply(Put{"k", "1"}, {2});
  CHECK(driver.apply(Delete{"k"}, {3}) == Reply{Outcome::deleted, {3}});
  CHECK(driver.apply(Put{"k", "2"}, {4}) == Reply{Outcome::created, {4}});
  driver.commit({4});
  CHECK(*driver.store().get("k") == Item{"2", {4}, {4}, 1});
}

// K08: two clients that read the same item must not both be told that they changed it.
TEST_CASE("a condition that does not hold changes nothing and tells the present index",
          "[kv][machine][K08]") {
  const TemporaryFolder folder;
  Driver driver(make_store(GENERATE(false, true), folder));
  const auto failed = [](std::uint64_t index) {
    return Reply{Outcome::precondition_failed, {index}};
  };
  CHECK(driver.apply(Put{"k", "1", Exists{}}, {1}) == failed(0));
  CHECK(driver.apply(Put{"k", "1", Unchanged{{9}}}, {2}) == failed(0));
  CHECK(driver.apply(Delete{"k", Exists{}}, {3}) == failed(0));
  CHECK(driver.apply(Delete{"k", Unchanged{{3}}}, {4}) == failed(0));
  CHECK(driver.apply(Delete{"k", Unchanged{{0}}}, {5}) == Reply{Outcome::not_found, {}});
  CHECK(driver.apply(Put{"k", "1", Unchanged{{0}}}, {6}) == Reply{Outcome::created, {6}});
  CHECK(driver.apply(Put{"k", "2", Unchanged{{0}}}, {7}) == failed(6));
  CHECK(driver.apply(Put{"k", "2", Unchanged{{6}}}, {8}) == Reply{Outcome::replaced, {8}});
  CHECK(driver.apply(Put{"k", "3", Unchanged{{6}}}, {9}) == failed(8));
  CHECK(driver.apply(Put{"k", "3", Unchanged{{~std::uint64_t{0}}}}, {10}) == failed(8));
  CHECK(driver.apply(Put{"k", "4", Exists{}}, {11}) == Reply{Outcome::replaced, {11}});
  CHECK(driver.apply(Delete{"k", Unchanged{{8}}}, {12}) == failed(11));
  CHECK(driver.apply(Delete{"k", Exists{}}, {13}) == Reply{Outcome::deleted, {13}});
}

// A command from a newer version, or damage, must not stop the replica.
TEST_CASE("a command that makes no sense is answered and changes nothing", "[kv][machine]") {
  const TemporaryFolder folder;
  Driver driver(make_store(GENERATE(false, true), folder));
  driver.apply(Put{"k", "1"}, {1});
  const Bytes put = encode(Put{"k", "2"});
  for (const Bytes& command : {Bytes{}, Bytes("garbage"), put.substr(1), put + "x",
                               Bytes(9, '\xff'), encode(Put{"", "2"})}) {
    CHECK(decode_reply(driver.apply_bytes(command, {2}))->outcome == Outcome::malformed);
  }
  driver.commit({2});
  CHECK((*driver.store().get("k"))->value == "1");
}

Command random_command(test::Random& random, const Model& model, const std::vector<Bytes>& keys,
                       Bytes& value) {
  const Bytes& key = keys[random.below(keys.size())];
  Condition condition = Always{};
  const auto at = model.find(key);
  const Index current = at == model.end() ? Index{} : at->second.change_index;
  if (random.one_in(4)) condition = Unchanged{current};
  if (random.one_in(16)) condition = Unchanged{{random.below(5000)}};
  if (random.one_in(12)) condition = Exists{};
  if (random.one_in(3)) return Delete{key, condition};
  value = random.bytes(random.one_in(500) ? 300'000 : random.below(200));
  return Put{key, value, condition};
}

std::vector<Bytes> random_keys(test::Random& random) {
  std::vector<Bytes> keys;
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = random.one_in(30) ? key_bytes_max : 1 + random.below(20);
    keys.push_back(random.one_in(2) ? "user/" + std::to_string(i) : random.bytes(size));
  }
  return keys;
}

// Snapshots that are read in portions of random size while entries are applied.
struct Transfer {
  std::array<std::unique_ptr<raft::SnapshotReader>, 2> readers;
  std::array<Bytes, 2> received;
  std::array<bool, 2> done{};
  Bytes expected;

  void step(test::Random& random) {
    const std::size_t which = random.below(2);
    const auto bytes = readers[which]->read(1 + random.below(20'000));
    REQUIRE(bytes);
    received[which] += *bytes;
    if (!bytes->empty() || done[which]) return;
    done[which] = true;
    REQUIRE(received[which] == expected);
  }
  bool finished() const { return done[0] && done[1]; }
};

// Would catch any difference between the engines, or of either from the simplest possible store:
// in replies, reads, totals, and in the bytes of snapshots taken at any moment and read slowly.
TEST_CASE("both engines do what a std::map does", "[kv][machine][differential]") {
  const auto seed = GENERATE(1u, 2u);
  test::Random random(seed);
  const TemporaryFolder folder;
  // Small buffers, so that flushes and compactions happen in between.
  std::array<Driver, 2> drivers{
      Driver(make_memory_store()),
      Driver(test::open_store(folder / "kv", {std::size_t{64} << 10, std::size_t{1} << 20}))};
  const std::vector<Bytes> keys = random_keys(random);
  Model model;
  std::vector<Transfer> transfers;
  Bytes value;
  for (Index index{1}; index.value <= 20'000; index = index.next()) {
    const Command command = random_command(random, model, keys, value);
    const Reply expected = test::apply_to(model, command, index);
    for (Driver& driver : drivers) {
      const auto reply = decode_reply(driver.apply_bytes(encode(command), index));
      if (!reply || *reply != expected) FAIL("another reply than the model's");
    }
    if (random.one_in(5)) {
      drivers[1].commit(index);
      const Bytes& key = keys[random.below(keys.size())];
      const auto at = model.find(key);
      for (Driver& driver : drivers) {
        const auto got = driver.store().get(key);
        REQUIRE(got);
        REQUIRE(*got == (at == model.end() ? std::nullopt : std::optional<Item>(at->second)));
        REQUIRE(driver.store().totals() == test::totals_of(model));
      }
      if (transfers.size() < 3 && random.one_in(50)) {
        Transfer transfer;
        for (std::size_t i = 0; i < 2; ++i) {
          transfer.readers[i] = drivers[i].store().machine().capture();
        }
        transfer.expected = test::snapshot_of(model, index);
        transfers.push_back(std::move(transfer));
      }
    }
    if (transfers.empty() || !random.one_in(3)) continue;
    const std::size_t which = random.below(transfers.size());
    transfers[which].step(random);
    if (transfers[which].finished() || random.one_in(2000)) {
      transfers.erase(transfers.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  drivers[1].commit({20'000});
  for (Driver& driver : drivers) REQUIRE(test::contents_of(driver.store()) == model);
}

}  // namespace
}  // namespace kv
