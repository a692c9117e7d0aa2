// What RocksEngine makes of errors from below, given by a file system that fails on demand.
#include <memory>

#include <sys/wait.h>
#include <unistd.h>

#include "fault_file_system.hpp"
#include "log_samples.hpp"
#include "storage/rocks_engine.hpp"
#include "temporary_folder.hpp"

namespace raft {
namespace {

using storage::KvBatch;
using storage::RocksEngine;

struct World {
  World() { open(); }
  void open() {
    engine.reset();
    storage::RocksOptions options;
    options.folder = folder / "log";
    options.env = env.get();
    options.log = log;
    engine = value_of(RocksEngine::open(options));
  }
  Result<void> put(const Bytes& key) {
    KvBatch batch;
    batch.put(key, Bytes(2'000, 'x'));
    return engine->write(batch, true);
  }
  bool has(const Bytes& key) { return value_of(engine->get(key)).has_value(); }

  TemporaryFolder folder;
  std::shared_ptr<FaultFileSystem> files = std::make_shared<FaultFileSystem>();
  std::unique_ptr<rocksdb::Env> env = files->make_env(files);
  util::Log log;
  std::unique_ptr<RocksEngine> engine;
};

}  // namespace

// Would catch: a full disk that ends the node, or one after which a write is there in part (DU-14).
TEST_CASE("no space is a pause", "[storage][rocks][errors][DU-14]") {
  World world;
  check_done(world.put("a"));
  for (int times = 0; times < 3; ++times) {
    const std::string key = "b" + std::to_string(times);
    world.files->set_full(true);
    const Result<void> written = world.put(key);
    REQUIRE_FALSE(written.has_value());
    CHECK(written.code() == Errc::storage_full);
    CHECK_THAT(written.error().detail, Catch::Contains(world.folder / "log"));
    CHECK(world.put(key).code() == Errc::storage_full);
    CHECK(world.has("a"));
    CHECK_FALSE(world.has(key));
    CHECK(world.engine->resume().code() == Errc::storage_full);

    world.files->set_full(false);
    check_done(world.engine->resume());
    check_done(world.put(key));
    CHECK(world.has(key));
  }
  world.open();
  CHECK(world.has("a"));
  CHECK(world.has("b0"));
  CHECK(world.has("b2"));
}

// Would catch: a reader that takes the log for lost, and ends the node, because the database is
// closed until there is space to open it again.
TEST_CASE("a database that waits to be opened again says that there is no space",
          "[storage][rocks][errors][DU-14]") {
  World world;
  check_done(world.put("a"));
  world.files->set_full(true);
  REQUIRE(world.put("b").code() == Errc::storage_full);
  world.files->set_full(false);
  world.files->fill_after(0);
  REQUIRE(world.engine->resume().code() == Errc::storage_full);
  const auto read = world.engine->get("a");
  REQUIRE_FALSE(read.has_value());
  CHECK(read.code() == Errc::storage_full);
  const auto scanned = world.engine->scan("a", "z", [](BytesView, BytesView) { return true; });
  REQUIRE_FALSE(scanned.has_value());
  CHECK(scanned.code() == Errc::storage_full);
  world.files->set_full(false);
  check_done(world.engine->resume());
  CHECK(world.has("a"));
  CHECK_FALSE(world.has("b"));
}

// Would catch: four lines a second for as long as the disk is full.
TEST_CASE("a database that finds no space again and again says why once",
          "[storage][rocks][errors][DU-14]") {
  World world;
  int failures = 0;
  const auto count = [&](LogLevel, std::string_view, std::string_view line) {
    failures += line.find("Open() failed") != line.npos ? 1 : 0;
  };
  world.log = util::Log(count, LogLevel::warning);
  world.open();
  for (int times = 1; times < 3; ++times) {
    world.files->set_full(true);
    REQUIRE(world.put("a").code() == Errc::storage_full);
    for (int tries = 0; tries < 5; ++tries) {
      world.files->set_full(false);
      world.files->fill_after(0);
      REQUIRE(world.engine->resume().code() == Errc::storage_full);
    }
    CHECK(failures == times);
    world.files->set_full(false);
    check_done(world.engine->resume());
    check_done(world.put("a"));
  }
}

// Would catch: a retry after a failed sync, which may succeed and mean nothing (DU-04). This one
// even says "no space".
TEST_CASE("an error from a sync is final whatever its code", "[storage][rocks][errors][DU-04]") {
  World world;
  check_done(world.put("a"));
  world.files->set_syncs_fail(true);
  CHECK(world.put("b").code() == Errc::storage_failed);
  world.files->set_syncs_fail(false);
  CHECK(world.engine->resume().code() == Errc::storage_failed);
  CHECK(world.put("c").code() == Errc::storage_failed);
  CHECK(world.engine->get("a").code() == Errc::storage_failed);
  CHECK(world.engine->scan("a", "z", [](BytesView, BytesView) { return true; }).code() ==
        Errc::storage_failed);
  world.open();
  CHECK(world.has("a"));
}

TEST_CASE("an error from a write is final", "[storage][rocks][errors]") {
  World world;
  check_done(world.put("a"));
  world.files->set_writes_fail(true);
  CHECK(world.put("b").code() == Errc::storage_failed);
  world.files->set_writes_fail(false);
  CHECK(world.put("b").code() == Errc::storage_failed);
  world.open();
  CHECK(world.has("a"));
}

// Would catch: two processes on one log, if the lock of the directory is ever forgotten (DU-10).
TEST_CASE("a database that is open elsewhere is refused by name",
          "[storage][rocks][errors][DU-10]") {
  World world;
  storage::RocksOptions options;
  options.folder = world.folder / "log";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto second = RocksEngine::open(options);
    const bool refused = !second && second.code() == Errc::busy &&
                         second.error().detail.find(options.folder) != std::string::npos;
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a database folder that cannot be made is named", "[storage][rocks][errors]") {
  storage::RocksOptions options;
  options.folder = "/proc/no-such-folder/log";
  const auto engine = RocksEngine::open(options);
  REQUIRE_FALSE(engine.has_value());
  CHECK_THAT(engine.error().detail, Catch::Contains("/proc/no-such-folder"));
}

}  // namespace raft
