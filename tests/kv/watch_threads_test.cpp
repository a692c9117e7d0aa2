// Changes that are made on one thread and watched on another, as over the RocksDB store. Meant for
// the thread sanitizer as much as for its checks.
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>

#include "kvserver/watchers.hpp"

namespace kv {
namespace {

constexpr std::uint64_t last = 20'000;
const KeyFilter all{"", true};

// Publishes now and then, and the last one alone: whoever misses that waits for ever.
void write_all(ChangeHistory& history) {
  for (std::uint64_t index = 1; index <= last; ++index) {
    history.add({{index}, std::to_string(index % 7), std::nullopt});
    if (index % 3 == 0 || index >= last - 1) history.publish();
  }
}

// Reads what there is; how many indexes were not the expected ones.
std::uint64_t read_on(const ChangeHistory& history, std::uint64_t& next) {
  std::uint64_t wrong = 0;
  for (;;) {
    const auto page = history.read({next}, all, 4096);
    if (!page) {
      next = history.oldest().value;
      continue;
    }
    for (const auto& change : page->changes) wrong += change->index.value != next++;
    if (page->at_end) return wrong;
  }
}

}  // namespace

// Would catch a change that a reader misses while the oldest ones are being forgotten.
TEST_CASE("changes are read while others are made", "[kv][watch][threads]") {
  ChangeHistory history(std::size_t{64} << 10);
  std::thread writer([&history] { write_all(history); });
  std::uint64_t next = 1;
  std::uint64_t wrong = 0;
  while (next <= last) wrong += read_on(history, next);
  writer.join();
  CHECK(wrong == 0);
}

// Would catch a wake-up that is lost between a writer that sees nobody waiting and a watcher that
// sees nothing to read.
TEST_CASE("watchers that read only when they are woken get everything", "[kv][watch][threads]") {
  boost::asio::io_context context{1};
  ChangeHistory history(std::size_t{64} << 20);
  Watchers watchers(context.get_executor(), history);
  constexpr int count = 20;
  std::vector<std::uint64_t> next(count, 1);
  std::vector<std::unique_ptr<Watchers::Registration>> waiting;
  std::uint64_t wrong = 0;
  int done = 0;
  std::thread writer([&history] { write_all(history); });
  for (std::uint64_t& place : next) {
    const auto look = [&] {
      if (place > last) return;
      wrong += read_on(history, place);
      if (place > last) ++done;
    };
    waiting.push_back(watchers.add(look));
    look();  // What was there before.
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (done < count && std::chrono::steady_clock::now() < until) {
    context.restart();
    context.run_one_for(std::chrono::milliseconds(100));
  }
  writer.join();
  CHECK(done == count);
  CHECK(wrong == 0);
}

}  // namespace kv
