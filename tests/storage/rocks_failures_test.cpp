// The real store on a disk that fails once: at each of its syncs in turn, and at each of its
// writes.
#include <iostream>

#include "rocks_workload.hpp"
#include "temporary_folder.hpp"

namespace raft {
namespace {

constexpr std::size_t steps = 20;

const LogSequence& workload() {
  static const LogSequence sequence = make_workload(steps);
  return sequence;
}

const PossibleStates& possible_states() {
  static const PossibleStates states(workload());
  return states;
}

void check_refuses_everything(storage::RocksEngine& engine) {
  storage::KvBatch batch;
  batch.put("key", "value");
  CHECK(engine.write(batch, true).code() == Errc::storage_failed);
  CHECK(engine.write({}, true).code() == Errc::storage_failed);
  CHECK(engine.get("key").code() == Errc::storage_failed);
  const auto scanned = engine.scan("a", "z", [](BytesView, BytesView) { return true; });
  CHECK(scanned.code() == Errc::storage_failed);
  CHECK(engine.resume().code() == Errc::storage_failed);
}

// What a power cut leaves of a closed database, whatever of the un-synced survives.
void check_survives(const std::string& folder, RocksOnFaults& database, const Progress& progress) {
  DiskState state;
  for (const DiskChange& change : database.files().journal()) state.apply(change);
  for (const auto survivor : {DiskState::whole, DiskState::durable, DiskState::hollow}) {
    for (const std::size_t names : {std::size_t{0}, state.unsynced_names()}) {
      RocksOnFaults again(folder, state.after_cut(names, survivor));
      check_done(again.open());
      CHECK(possible_states().find(again.engine(), progress).has_value());
    }
  }
}

// Writes all steps, and whenever the disk is full waits, as a node does, until it is not.
Progress write_through_full_disk(RocksOnFaults& database) {
  Progress progress;
  storage::LogStore log(database.engine(), model_group);
  value_of(log.recover());
  for (std::size_t i = 0; i < steps; ++i) {
    storage::KvBatch batch;
    stage(workload().steps[i], log, batch);
    progress.begun = i + 1;
    if (const auto written = database.engine().write(batch, true); !written) {
      INFO("step " << i << ": " << written.error().detail);
      REQUIRE(written.code() == Errc::storage_full);
      REQUIRE(database.files().is_full());
      // Nothing of it is there, and trying again changes nothing.
      CHECK(possible_states().find(database.engine(), {i, i}) == i);
      CHECK(database.engine().write(batch, true).code() == Errc::storage_full);
      CHECK(possible_states().find(database.engine(), {i, i}) == i);

      database.files().set_full(false);
      check_done(database.engine().resume());
      check_done(database.engine().write(batch, true));
    }
    progress.acknowledged = i + 1;
    if (!database.files().is_full()) database.env().wait_until_idle();
  }
  return progress;
}

}  // namespace

// Would catch: a sync that is tried again, or whose error is swallowed on the way: on a file or on
// the folder, in a write, in a flush or while opening, saying "no space" (DU-04, D5).
TEST_CASE("whichever sync fails, nothing is claimed afterwards and nothing acknowledged is lost",
          "[storage][rocks][errors][DU-04]") {
  const TemporaryFolder folder;
  std::size_t failed = 0;
  std::size_t refused = 0;
  for (;; ++failed) {
    INFO("sync " << failed);
    RocksOnFaults database(folder / "log");
    database.files().fail_sync_after(failed);
    Progress progress;
    Result<void> done = database.open();
    const bool is_open = done.has_value();
    if (is_open) done = write_steps(database, workload(), 0, steps, progress);
    if (!done) {
      ++refused;
      INFO(done.error().detail);
      CHECK(done.code() == Errc::storage_failed);
      if (is_open) check_refuses_everything(database.engine());
    }
    database.close();
    if (!database.files().sync_failed()) {
      CHECK(progress.acknowledged == steps);
      break;
    }
    check_survives(folder / "crash", database, progress);
  }
  // Only those of the last flush may go unnoticed: no write comes behind them.
  CHECK(refused > 30);
  CHECK(refused + 10 > failed);
  std::cout << "RocksDB with a failed sync: " << failed << " places\n";
}

// Would catch: a full disk that ends the node, a batch that is there in part or twice after the
// pause, and a flush that gave up for want of space and takes its entries with it (DU-14).
TEST_CASE("whichever write finds no space, the store pauses and goes on",
          "[storage][rocks][errors][DU-14]") {
  const TemporaryFolder folder;
  std::size_t filled = 0;
  for (bool was_filled = true; was_filled; ++filled) {
    INFO("write " << filled);
    RocksOnFaults database(folder / "log");
    database.files().fill_after(filled);
    if (const auto opened = database.open(); !opened) {
      INFO(opened.error().detail);
      CHECK(opened.code() == Errc::storage_full);
      database.files().set_full(false);
      check_done(database.open());
    }
    const Progress progress = write_through_full_disk(database);
    CHECK(possible_states().find(database.engine(), progress) == steps);
    database.close();
    was_filled = database.files().was_filled();
    database.files().set_full(false);
    check_survives(folder / "crash", database, progress);
  }
  CHECK(filled > 40);
  std::cout << "RocksDB on a full disk: " << filled << " places\n";
}

}  // namespace raft
