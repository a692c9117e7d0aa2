// The storage thread on a disk that is full, or nearly so.
#include <atomic>
#include <filesystem>

#include "storage_thread_world.hpp"

namespace raft {

using storage::KvBatch;
using storage::StorageThreadOptions;

// Would catch: a full disk that fails the node, drops the batch, or lets a later one pass (DU-14).
TEST_CASE("a write that finds no space is tried again until there is some",
          "[storage][thread][space][DU-14]") {
  StorageWorld world;
  for (int times = 0; times < 3; ++times) world.engine.answer(Errc::storage_full);
  world.engine.answer_resume(Errc::storage_full);
  world.engine.hold();
  world.submit("a");
  world.engine.wait_for_writes(1);
  world.submit("b");
  world.engine.release();
  world.wait_for_completions(2);
  CHECK(world.completions() == Strings{"a:1", "b:1"});
  CHECK(world.written_keys() == Strings{"a", "a", "a", "a", "b"});
  CHECK_FALSE(world.thread().is_full());
}

// Would catch: proposals that are taken while nothing can be written.
TEST_CASE("while writes wait for space it shows", "[storage][thread][space][DU-14]") {
  StorageWorld world;
  CHECK_FALSE(world.thread().is_full());
  std::atomic<bool> full_at_second_try{false};
  world.engine.answer(Errc::storage_full);
  world.engine.on_resume([&] { full_at_second_try = world.thread().is_full(); });
  world.submit("a");
  world.wait_for_completions(1);
  CHECK(full_at_second_try);
  CHECK_FALSE(world.thread().is_full());
}

TEST_CASE("an engine that fails while it resumes is final", "[storage][thread][space][DU-14]") {
  StorageWorld world;
  world.engine.answer(Errc::storage_full);
  world.engine.answer_resume(Errc::storage_failed);
  world.submit("a");
  world.wait_for_completions(1);
  world.submit("b");
  world.wait_for_completions(2);
  CHECK(world.completions() == Strings{"a:storage_failed", "b:storage_failed"});
  CHECK(world.written_keys() == Strings{"a"});
  CHECK_FALSE(world.thread().is_full());
}

// Would catch: a destructor that waits for space for ever, and a batch written behind one that was
// given up: a hole in the log.
TEST_CASE("the end does not wait for space", "[storage][thread][space][shutdown]") {
  StorageThreadOptions options = test_options();
  options.retry_after = std::chrono::hours(1);
  StorageWorld world(options);
  world.engine.answer(Errc::storage_full);
  world.engine.hold();
  world.submit("a");
  world.engine.wait_for_writes(1);
  world.submit("b");
  world.engine.release();
  world.stop();
  CHECK(world.completions() == Strings{"a:storage_full", "b:storage_full"});
  CHECK(world.written_keys() == Strings{"a"});
}

// Would catch: a batch lost between the inline path and the queue.
TEST_CASE("an inline write that finds no space leaves the batch to the thread",
          "[storage][thread][space][inline]") {
  StorageWorld world;
  world.engine.answer(Errc::storage_full);
  KvBatch batch = batch_of("a");
  CHECK_FALSE(world.thread().try_now(batch, true).has_value());
  CHECK(batch.operations().size() == 1);
  world.submit("a");
  world.wait_for_completions(1);
  CHECK(world.completions() == Strings{"a:1"});
}

// Would catch: a disk that stays full although the means to free it is at hand.
TEST_CASE("the reserve is given up before anyone waits", "[storage][thread][space][reserve]") {
  StorageThreadOptions options = test_options();
  options.reserve_bytes = std::uint64_t{1} << 20;
  options.retry_after = std::chrono::hours(1);
  StorageWorld world(options);
  const std::string reserve = world.folder / "reserve";
  REQUIRE(std::filesystem::file_size(reserve) == options.reserve_bytes);

  world.engine.answer(Errc::storage_full);
  std::atomic<bool> given_up{false};
  world.engine.on_resume([&] { given_up = !std::filesystem::exists(reserve); });
  world.submit("a");
  world.wait_for_completions(1);
  CHECK(given_up);
  CHECK(world.completions() == Strings{"a:1"});
  CHECK(world.written_keys() == Strings{"a", "a"});
  // In truth there is plenty of space, so that the reserve is made again.
  CHECK(std::filesystem::file_size(reserve) == options.reserve_bytes);
}

TEST_CASE("little free space shows before a write fails", "[storage][thread][space]") {
  StorageThreadOptions options = test_options();
  options.low_bytes = ~std::uint64_t{0};
  StorageWorld world(options);
  CHECK(world.thread().is_full());
  world.submit("a");
  world.wait_for_completions(1);
  CHECK(world.completions() == Strings{"a:1"});
}

}  // namespace raft
