#include "storage/storage_thread.hpp"

#include <algorithm>
#include <atomic>

#include "storage_thread_world.hpp"

namespace raft {

using storage::KvBatch;
using storage::StorageThread;
using storage::StorageThreadOptions;
using storage::Written;

// Would catch: a sync per group instead of one for all, and results out of order.
TEST_CASE("what is queued during a write goes out as one batch with one sync",
          "[storage][thread]") {
  StorageWorld world;
  world.engine.hold();
  world.submit("a");
  world.engine.wait_for_writes(1);
  world.submit("b", false);
  world.submit("c", true);
  world.submit("d", false);
  world.engine.release();
  world.wait_for_completions(4);
  CHECK(world.completions() == Strings{"a:1", "b:3", "c:3", "d:3"});
  CHECK(world.written_keys() == Strings{"a", "b c d"});
  CHECK(world.engine.writes()[1].sync);
  CHECK(world.completed_on() == world.engine.writes()[0].thread);
  CHECK(world.completed_on() != std::this_thread::get_id());
}

TEST_CASE("a sync is done only if some job asks for it", "[storage][thread]") {
  StorageWorld world;
  world.submit("a", false);
  world.wait_for_completions(1);
  CHECK_FALSE(world.engine.writes()[0].sync);
}

// Would catch: an empty batch of the core that costs a sync, or overtakes the ones before it.
TEST_CASE("an empty batch is only a place in the queue", "[storage][thread]") {
  StorageWorld world;
  const auto submit_empty = [&world](const std::string& name) {
    world.thread().submit(
        {}, false, [&world, name](const Written& written) { world.completed(name, written); });
  };
  submit_empty("alone");
  world.wait_for_completions(1);
  CHECK(world.engine.writes().empty());

  world.engine.hold();
  world.submit("a");
  world.engine.wait_for_writes(1);
  submit_empty("behind");
  world.engine.release();
  world.wait_for_completions(3);
  CHECK(world.completions() == Strings{"alone:1", "a:1", "behind:1"});
  CHECK(world.written_keys() == Strings{"a"});
}

// Would catch: a queue that is dropped at the end, so that a clean stop loses writes.
TEST_CASE("the destructor writes what is queued", "[storage][thread][shutdown]") {
  StorageWorld world;
  world.engine.hold();
  world.submit("a");
  world.engine.wait_for_writes(1);
  world.submit("b");
  world.submit("c");
  world.engine.release();
  world.stop();
  CHECK(world.completions() == Strings{"a:1", "b:2", "c:2"});
  CHECK(world.written_keys() == Strings{"a", "b c"});
}

// Would catch: a claim of durability after a failed sync, by any later batch (DU-04).
TEST_CASE("an error is final for this and all later batches", "[storage][thread][DU-04]") {
  StorageWorld world;
  world.engine.answer(Errc::storage_failed);
  world.submit("a");
  world.wait_for_completions(1);
  world.submit("b");
  world.wait_for_completions(2);
  CHECK(world.completions() == Strings{"a:storage_failed", "b:storage_failed"});
  KvBatch batch = batch_of("c");
  // The thread may still be on its way back from the last completion.
  std::optional<Written> written;
  while (!(written = world.thread().try_now(batch, true))) std::this_thread::yield();
  CHECK(written->result.code() == Errc::storage_failed);
  CHECK(world.written_keys() == Strings{"a"});
}

TEST_CASE("an error of an inline write is final, too", "[storage][thread][inline][DU-04]") {
  StorageWorld world;
  world.engine.answer(Errc::storage_failed);
  KvBatch batch = batch_of("a");
  const std::optional<Written> written = world.thread().try_now(batch, true);
  REQUIRE(written);
  CHECK(written->result.code() == Errc::storage_failed);
  world.submit("b");
  world.wait_for_completions(1);
  CHECK(world.completions() == Strings{"b:storage_failed"});
}

// Would catch: a thread hop for each write of an idle follower.
TEST_CASE("an idle queue is bypassed on the caller's own thread", "[storage][thread][inline]") {
  StorageWorld world;
  KvBatch batch = batch_of("a");
  const std::optional<Written> written = world.thread().try_now(batch, true);
  REQUIRE(written);
  CHECK(written->result.has_value());
  CHECK(written->jobs == 1);
  CHECK(batch.empty());
  REQUIRE(world.engine.writes().size() == 1);
  CHECK(world.engine.writes()[0].thread == std::this_thread::get_id());
  CHECK(world.engine.writes()[0].sync);
}

TEST_CASE("a queue in use is not bypassed", "[storage][thread][inline]") {
  StorageWorld world;
  world.engine.hold();
  world.submit("a");
  world.engine.wait_for_writes(1);
  KvBatch batch = batch_of("b");
  CHECK_FALSE(world.thread().try_now(batch, true).has_value());
  world.submit("c");
  CHECK_FALSE(world.thread().try_now(batch, true).has_value());
  CHECK(batch.operations().size() == 1);
  world.engine.release();
  world.wait_for_completions(2);
  CHECK(world.written_keys() == Strings{"a", "c"});
}

TEST_CASE("a large batch is not written inline", "[storage][thread][inline]") {
  StorageThreadOptions options = test_options();
  options.inline_bytes_max = 100;
  StorageWorld world(options);
  KvBatch large = batch_of("a", 100);
  CHECK_FALSE(world.thread().try_now(large, true).has_value());
  CHECK(large.bytes() == 101);
  KvBatch small = batch_of("a", 99);
  CHECK(world.thread().try_now(small, true).has_value());
}

// Would catch: a slow disk that blocks the thread that sends heartbeats.
TEST_CASE("after a slow sync the thread does the next one", "[storage][thread][inline]") {
  StorageThreadOptions options = test_options();
  options.quick_sync = Duration(1);  // Any real sync is slower.
  StorageWorld world(options);
  KvBatch batch = batch_of("a");
  CHECK(world.thread().try_now(batch, true).has_value());
  batch = batch_of("b");
  CHECK_FALSE(world.thread().try_now(batch, true).has_value());
  world.submit("b");
  world.wait_for_completions(1);
  CHECK(world.completions() == Strings{"b:1"});
}

// Would catch: an inline write that goes ahead of results not yet told.
TEST_CASE("completions come before anything newer is written", "[storage][thread][inline]") {
  StorageWorld world;
  std::atomic<int> bypassed{0};
  world.thread().submit(batch_of("a"), true, [&](const Written& written) {
    KvBatch batch = batch_of("b");
    if (world.thread().try_now(batch, true)) ++bypassed;
    world.submit("c");
    world.completed("a", written);
  });
  world.wait_for_completions(2);
  CHECK(bypassed == 0);
  CHECK(world.completions() == Strings{"a:1", "c:1"});
}

// Would catch: a race between the queue, inline writes and the end; two writers in the engine at
// once; a result lost or out of its submitter's order.
TEST_CASE("many threads may submit and try at once", "[storage][thread][race]") {
  constexpr int threads = 4;
  constexpr int batches = 300;
  StorageWorld world;
  std::vector<std::thread> submitters;
  std::vector<std::vector<int>> results(threads);
  std::atomic<int> done{0};
  for (int number = 0; number < threads; ++number) {
    submitters.emplace_back([&, number] {
      std::vector<int>& mine = results[static_cast<std::size_t>(number)];
      for (int i = 0; i < batches; ++i) {
        KvBatch batch = batch_of(std::to_string(number) + "-" + std::to_string(i));
        if (number == 0 && world.thread().try_now(batch, true)) {
          ++done;
          continue;
        }
        world.thread().submit(std::move(batch), i % 2 == 0, [&mine, &done, i](const Written&) {
          mine.push_back(i);
          ++done;
        });
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  world.stop();
  CHECK(done == threads * batches);
  CHECK_FALSE(world.engine.two_at_once());
  for (const std::vector<int>& mine : results) CHECK(std::is_sorted(mine.begin(), mine.end()));
  for (std::size_t i = 1; i < results.size(); ++i) CHECK(results[i].size() == batches);
}

}  // namespace raft
