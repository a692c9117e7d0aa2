// The memory store under two threads: entries are applied on one while captures are read on others,
// or while another one restores. Meant for the thread sanitizer as much as for its checks.
#include <atomic>
#include <thread>

#include "support.hpp"

namespace kv {
namespace {

using test::Driver;
using test::Model;

struct Reading {
  std::unique_ptr<raft::SnapshotReader> snapshot;
  Bytes expected;
};

// Reads to the end in small portions; false if anything differs. Catch's macros are not for
// threads.
bool reads_as_expected(Reading reading) {
  Bytes all;
  for (;;) {
    const auto bytes = reading.snapshot->read(3000);
    if (!bytes) return false;
    if (bytes->empty()) break;
    all += *bytes;
  }
  return all == reading.expected;
}

// Would catch a change that reaches a view between two of its slices, a record that is freed while
// a view reads it, and any access without the mutex.
TEST_CASE("captures are read on other threads while entries are applied", "[kv][threads]") {
  test::Random random(1);
  Driver driver(make_memory_store());
  Model model;
  Index index{0};
  const auto apply_some = [&](int count) {
    for (int i = 0; i < count; ++i) {
      index = index.next();
      const Bytes key = "key/" + std::to_string(random.below(4000));
      const Bytes value = random.bytes(random.below(100));
      const Command command = random.one_in(3) ? Command(Delete{key}) : Command(Put{key, value});
      const Reply expected = test::apply_to(model, command, index);
      if (driver.apply(command, index) != expected) FAIL("another reply than the model's");
    }
  };
  apply_some(5000);
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> running{3};
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
      Reading reading{driver.store().machine().capture(), test::snapshot_of(model, index)};
      readers.emplace_back([&wrong, &running, reading = std::move(reading)]() mutable {
        if (!reads_as_expected(std::move(reading))) ++wrong;
        --running;
      });
      apply_some(50);
    }
    while (running > 0) apply_some(20);
    for (std::thread& reader : readers) reader.join();
    REQUIRE(wrong == 0);
  }
}

// A restore while an old capture is still being sent: the capture keeps the old content.
TEST_CASE("a capture is read on another thread during a restore", "[kv][threads]") {
  Driver driver(make_memory_store());
  Model model;
  for (std::uint64_t index = 1; index <= 3000; ++index) {
    const Bytes key = std::to_string(index);
    driver.apply(Put{key, key}, {index});
    test::apply_to(model, Put{key, key}, {index});
  }
  std::atomic<bool> right{false};
  std::thread reader([&right, reading = Reading{driver.store().machine().capture(),
                                                test::snapshot_of(model, {3000})}]() mutable {
    right = reads_as_expected(std::move(reading));
  });
  const auto snapshot = driver.store().machine().capture();
  REQUIRE(driver.restore(*snapshot));
  for (std::uint64_t index = 3001; index <= 6000; ++index) {
    driver.apply(Delete{std::to_string(index - 3000)}, {index});
  }
  CHECK(test::contents_of(driver.store()).empty());
  reader.join();
  CHECK(right);
}

// Would catch a reader that meets the content in the middle of its replacement: a restore runs on a
// worker thread while the writer's serves reads.
TEST_CASE("keys are read while another thread restores", "[kv][threads]") {
  Driver driver(make_memory_store());
  const Model before{{"a", {"1", {1}, {1}, 1}}, {"b", {"1", {2}, {2}, 1}}};
  driver.apply(Put{"a", "1"}, {1});
  driver.apply(Put{"b", "1"}, {2});
  Model after;
  for (std::uint64_t index = 3; index <= 3000; ++index) {
    after.emplace(std::to_string(index), Item{"2", {index}, {index}, 1});
  }
  std::atomic<bool> restored{false};
  std::thread worker([&restored, &driver, bytes = test::snapshot_of(after, {3000})] {
    test::BytesReader reader(bytes);
    restored = driver.restore(reader).has_value();
  });
  int torn = 0;
  while ((*driver.store().get("a")).has_value()) {
    const Model seen = test::contents_of(driver.store());
    torn += seen != before && seen != after;
  }
  worker.join();
  REQUIRE(restored);
  CHECK(torn == 0);
  CHECK(test::contents_of(driver.store()) == after);
  CHECK(driver.apply(Put{"3", "3", Unchanged{{3}}}, {3001}).outcome == Outcome::replaced);
}

}  // namespace
}  // namespace kv
