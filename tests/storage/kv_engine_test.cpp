// One suite for both engines: what the schema relies on holds for the real and the simulated disk.
#include "storage/kv_engine.hpp"

#include <map>
#include <memory>

#include "core/random.hpp"
#include "log_samples.hpp"
#include "sim/disk.hpp"
#include "storage/rocks_engine.hpp"
#include "temporary_folder.hpp"

namespace raft {
namespace {

using storage::KvBatch;
using storage::KvEngine;

class RocksWorld {
 public:
  RocksWorld() { restart(); }
  KvEngine& engine() { return *engine_; }
  void restart() {
    engine_.reset();
    storage::RocksOptions options;
    options.folder = folder_ / "log";
    // Small enough that a test's data reaches the sorted files, too.
    options.write_buffer_bytes = std::size_t{64} << 10;
    engine_ = value_of(storage::RocksEngine::open(options));
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<storage::RocksEngine> engine_;
};

class SimulatedWorld {
 public:
  KvEngine& engine() { return disk_.engine(); }
  void restart() { disk_.power_on(random_); }

 private:
  sim::Disk disk_;
  core::Random random_{1};
};

std::string contents(const KvEngine& engine, BytesView first = "", BytesView last = "~") {
  std::string all;
  check_done(engine.scan(first, last, [&](BytesView key, BytesView value) {
    all += std::string(key) + "=" + std::string(value) + " ";
    return true;
  }));
  return all;
}

KvBatch puts(std::initializer_list<std::pair<std::string, std::string>> pairs) {
  KvBatch batch;
  for (const auto& [key, value] : pairs) batch.put(key, value);
  return batch;
}

}  // namespace

TEMPLATE_TEST_CASE("an engine finds what was put", "[storage][engine]", RocksWorld,
                   SimulatedWorld) {
  TestType world;
  const Bytes binary("\0\xff\n\0", 4);
  check_done(world.engine().write(puts({{"a", "1"}, {"b", ""}, {binary, binary}}), true));
  CHECK(value_of(world.engine().get("a")) == "1");
  CHECK(value_of(world.engine().get("b")) == "");
  CHECK(value_of(world.engine().get(binary)) == binary);
  CHECK(value_of(world.engine().get("c")) == std::nullopt);
  CHECK(value_of(world.engine().get("")) == std::nullopt);
}

TEMPLATE_TEST_CASE("a scan visits [first, last) in ascending order until it is told to stop",
                   "[storage][engine]", RocksWorld, SimulatedWorld) {
  TestType world;
  check_done(world.engine().write(puts({{"d", "4"}, {"b", "2"}, {"c", "3"}, {"a", "1"}}), true));
  CHECK(contents(world.engine()) == "a=1 b=2 c=3 d=4 ");
  CHECK(contents(world.engine(), "b", "d") == "b=2 c=3 ");
  CHECK(contents(world.engine(), "aa", "bb") == "b=2 ");
  CHECK(contents(world.engine(), "c", "c").empty());
  int visits = 0;
  check_done(world.engine().scan("a", "z", [&](BytesView, BytesView) { return ++visits < 2; }));
  CHECK(visits == 2);
}

// Would catch: operations of one batch applied in another order.
TEMPLATE_TEST_CASE("the operations of a batch take effect in order", "[storage][engine]",
                   RocksWorld, SimulatedWorld) {
  TestType world;
  check_done(world.engine().write(puts({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}), false));
  KvBatch batch;
  batch.put("b", "lost");
  batch.erase_range("b", "d");
  batch.put("c", "new");
  batch.put("e", "lost");
  batch.erase("e");
  batch.erase("nothing");
  check_done(world.engine().write(batch, false));
  CHECK(contents(world.engine()) == "a=1 c=new d=4 ");
  CHECK(value_of(world.engine().get("b")) == std::nullopt);
}

TEMPLATE_TEST_CASE("an appended batch follows what was there", "[storage][engine]", RocksWorld,
                   SimulatedWorld) {
  TestType world;
  KvBatch merged;
  merged.append(puts({{"a", "1"}, {"b", "1"}}));
  KvBatch second;
  second.erase("a");
  second.put("b", "2");
  merged.append(std::move(second));
  CHECK(merged.bytes() == 7);
  check_done(world.engine().write(merged, true));
  CHECK(contents(world.engine()) == "b=2 ");
}

// Would catch: a synced batch that a restart forgets, and an empty batch that is an error.
TEMPLATE_TEST_CASE("what was synced is there after a restart", "[storage][engine]", RocksWorld,
                   SimulatedWorld) {
  TestType world;
  check_done(world.engine().write(puts({{"a", "1"}}), false));
  check_done(world.engine().write(puts({{"b", "2"}}), true));
  world.restart();
  CHECK(contents(world.engine()) == "a=1 b=2 ");
  check_done(world.engine().write(puts({{"c", "3"}}), false));
  check_done(world.engine().write({}, true));
  check_done(world.engine().write({}, false));
  world.restart();
  CHECK(contents(world.engine()) == "a=1 b=2 c=3 ");
  check_done(world.engine().resume());
}

// Would catch: any difference to an ordered map, over memory, files and restarts.
TEMPLATE_TEST_CASE("an engine behaves like an ordered map", "[storage][engine][model]", RocksWorld,
                   SimulatedWorld) {
  const std::uint64_t seed = GENERATE(1u, 2u, 3u);
  TestType world;
  core::Random random(seed);
  std::map<Bytes, Bytes> model;
  const auto some_key = [&random] { return std::to_string(random.between(100, 1'000)); };
  for (int round = 0; round < 150; ++round) {
    KvBatch batch;
    for (std::uint64_t left = random.between(1, 20); left > 0; --left) {
      const std::uint64_t kind = random.between(0, 10);
      const Bytes key = some_key();
      if (kind < 7) {
        const Bytes value(static_cast<std::size_t>(random.between(0, 300)), 'v');
        batch.put(key, value);
        model[key] = value;
      } else if (kind < 9) {
        batch.erase(key);
        model.erase(key);
      } else {
        const Bytes other = some_key();
        const auto [first, last] = std::minmax(key, other);
        batch.erase_range(first, last);
        model.erase(model.lower_bound(first), model.lower_bound(last));
      }
    }
    check_done(world.engine().write(batch, true));
    if (round % 50 == 49) world.restart();
  }
  std::string expected;
  for (const auto& [key, value] : model) expected += key + "=" + value + " ";
  CHECK(contents(world.engine()) == expected);
  CHECK(contents(world.engine(), "300", "700").size() < expected.size());
}

}  // namespace raft
