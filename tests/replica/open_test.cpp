// How a replica starts from what the disk has: each line of the table of recovery.
#include <catch2/catch.hpp>
#include <memory>
#include <optional>

#include "history.hpp"
#include "replica/replica.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;

/// A disk, filled by the test, and one node that is started on it.
struct Start {
  sim::Disk disk;
  storage::SnapshotFiles files{disk.files(), history_group};
  NoWitness witness;
  RegisterStore store;
  std::unique_ptr<VolatileRegister> plain = std::make_unique<VolatileRegister>(witness, traits());
  std::unique_ptr<DurableRegister> durable;
  GroupOptions options;
  HandOutbox outbox;
  HandWorker worker;
  HandDriver driver;
  HandStorage storage{disk.engine(), history_group};
  std::unique_ptr<Replica> replica;

  static MachineTraits traits() { return {false, 0}; }

  /// The durable machine has applied, and flushed, so much.
  void has_applied(std::uint64_t index) {
    durable = std::make_unique<DurableRegister>(witness, traits(), store);
    Machine machine(*durable);
    REQUIRE(machine.load());
    if (index > 0) REQUIRE(machine.apply(history(1, index)));
    store.flush();
    durable = std::make_unique<DurableRegister>(witness, traits(), store);
  }

  Result<void> open() {
    options.group = history_group;
    auto recovered = storage.store.recover();
    if (!recovered) return recovered.error();
    StateMachine& machine = durable ? static_cast<StateMachine&>(*durable) : *plain;
    auto opened =
        Replica::open({NodeId{1}, InstanceId{1, 1}, BootNumber{1}, 1}, options,
                      *std::move(recovered), machine, {outbox, storage, worker, driver, files, {}});
    if (!opened) return opened.error();
    replica = *std::move(opened);
    return {};
  }

  const RegisterState& state() const { return durable ? durable->state() : plain->state(); }

  /// The group has one voter: it elects itself, commits and applies all of its log.
  void run() {
    for (int tick = 0; tick < 300; ++tick) {
      driver.time += std::chrono::milliseconds(10);
      replica->tick();
      replica->pump();
      worker.run_all();
      replica->pump();
      replica->run_completions();
    }
    CHECK(driver.failures.empty());
  }
};

/// All operations of the history up to `last`, each once.
void check_replayed(Start& start, std::uint64_t last) {
  start.run();
  CHECK(start.replica->core().is_leader());
  CHECK(start.state().executed.size() == last - 1);
  CHECK(start.state().last == Index{last});
  CHECK(start.witness.twice == 0);
  // Equal to a machine that was never restarted.
  NoWitness witness;
  VolatileRegister registers(witness, {});
  Machine machine(registers);
  REQUIRE(machine.apply(history(1, last)));
  CHECK(start.state().hash == registers.state().hash);
}

Errc refusal(Start& start) {
  const Result<void> opened = start.open();
  REQUIRE_FALSE(opened);
  CHECK_FALSE(opened.error().detail.empty());
  return opened.code();
}

std::vector<std::string> files_of(Start& start) {
  auto names = start.disk.files().list();
  REQUIRE(names);
  return *names;
}

}  // namespace

TEST_CASE("nothing on disk gives a replica without a membership", "[replica][open]") {
  Start start;
  REQUIRE(start.open());
  start.run();
  CHECK(start.replica->core().term() == Term{0});
  CHECK_FALSE(start.replica->status().is_member);
  CHECK(start.outbox.messages.empty());
}

TEST_CASE("a volatile machine is rebuilt from the log", "[DU-12][replica][open]") {
  Start start;
  write_log(start.disk.engine(), 0, 20);
  REQUIRE(start.open());
  CHECK(start.state().last == Index{0});
  check_replayed(start, 20);
}

TEST_CASE("a volatile machine is rebuilt from its newest file and the log",
          "[DU-12][replica][open]") {
  Start start;
  write_log(start.disk.engine(), 10, 20);
  REQUIRE(save_snapshot(start.files, 10));
  REQUIRE(save_snapshot(start.files, 15));
  REQUIRE(start.open());
  CHECK(start.state().last == Index{15});
  CHECK(start.replica->core().applied_index() == Index{15});
  CHECK(files_of(start).size() == 1);
  check_replayed(start, 20);
}

// Starting anyway would give a machine that silently lacks what the log no longer has. Whatever is
// there is evidence, and perhaps all that is left of the state.
TEST_CASE("a log that begins behind every file is refused, and nothing is removed",
          "[SN-19][replica][open]") {
  Start start;
  write_log(start.disk.engine(), 10, 20);
  std::string named = "none is there";
  SECTION("without any file") {}
  SECTION("with an older file") {
    REQUIRE(save_snapshot(start.files, 8));
    named = files_of(start).front();
  }
  SECTION("with files of another history") {
    REQUIRE(save_snapshot(start.files, 14, 2));
    named = files_of(start).front();
    REQUIRE(save_snapshot(start.files, 12, 2));
  }
  SECTION("with a file that was never installed") {
    REQUIRE(save_snapshot(start.files, 30));
    named = files_of(start).front();
  }
  const std::vector<std::string> before = files_of(start);
  const Result<void> opened = start.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.code() == Errc::data_missing);
  CHECK(opened.error().detail.find("begins behind 10") != std::string::npos);
  CHECK(opened.error().detail.find(named) != std::string::npos);
  CHECK(files_of(start) == before);
}

// A file that was received while the node stopped has no base in the log: what it contains may not
// even be committed as far as this disk knows, and its restore is not this start's business.
TEST_CASE("a received file that was never installed is ignored", "[replica][open]") {
  Start start;
  write_log(start.disk.engine(), 10, 20);
  REQUIRE(save_snapshot(start.files, 12));
  REQUIRE(save_snapshot(start.files, 30));
  REQUIRE(start.open());
  CHECK(start.state().last == Index{12});
  check_replayed(start, 20);
}

TEST_CASE("a file of another history is ignored", "[replica][open]") {
  Start start;
  write_log(start.disk.engine(), 10, 20);
  REQUIRE(save_snapshot(start.files, 12));
  REQUIRE(save_snapshot(start.files, 14, 2));
  REQUIRE(start.open());
  CHECK(start.state().last == Index{12});
  check_replayed(start, 20);
}

TEST_CASE("a rotten snapshot is refused and named", "[DU-15][replica][open]") {
  Start start;
  write_log(start.disk.engine(), 10, 20);
  REQUIRE(save_snapshot(start.files, 12));
  const std::string name = files_of(start).front();
  start.disk.files().rot(name, 8 * 100);
  const Result<void> opened = start.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.code() == Errc::corrupt);
  CHECK(opened.error().detail.find(name) != std::string::npos);
}

TEST_CASE("a durable machine is its own snapshot", "[replica][open][durable]") {
  Start start;
  write_log(start.disk.engine(), 10, 20);
  start.has_applied(12);
  REQUIRE(start.open());
  CHECK(start.replica->core().applied_index() == Index{12});
  CHECK(start.witness.restores == 0);
  check_replayed(start, 20);
}

// The crash came between the log's new base and the end of the restore.
TEST_CASE("a durable machine behind the base is restored again from the file",
          "[DU-13][bug-44][replica][open][durable]") {
  Start start;
  write_log(start.disk.engine(), 10, 20);
  REQUIRE(save_snapshot(start.files, 10));
  const std::uint64_t had = GENERATE(0u, 5u, 9u);
  start.has_applied(had);
  REQUIRE(start.open());
  CHECK(start.witness.restores == 1);
  CHECK(start.replica->core().applied_index() == Index{10});
  check_replayed(start, 20);
}

TEST_CASE("a durable machine behind the base without the file is refused",
          "[DU-13][bug-44][replica][open][durable]") {
  Start start;
  write_log(start.disk.engine(), 10, 20);
  start.has_applied(5);
  SECTION("no file at all") {}
  SECTION("an older one") { REQUIRE(save_snapshot(start.files, 7)); }
  CHECK(refusal(start) == Errc::data_missing);
}

// The log is older than the store beside it: a restored backup, or a lost disk.
TEST_CASE("a durable machine ahead of the log is refused", "[DU-13][replica][open][durable]") {
  Start start;
  write_log(start.disk.engine(), 0, 20);
  start.has_applied(21);
  CHECK(refusal(start) == Errc::corrupt);
}

TEST_CASE("a durable machine exactly at the end of the log starts", "[replica][open][durable]") {
  Start start;
  write_log(start.disk.engine(), 0, 20);
  start.has_applied(20);
  REQUIRE(start.open());
  check_replayed(start, 20);
}

TEST_CASE("options that cannot work are refused", "[RD-11][replica][open]") {
  Start start;
  write_log(start.disk.engine(), 0, 3);
  SECTION("leases without check-quorum") {
    start.options.lease_reads = true;
    start.options.check_quorum = false;
  }
  SECTION("no tick") { start.options.timing.tick = Duration{0}; }
  SECTION("a heartbeat quicker than the tick") {
    start.options.timing.heartbeat = std::chrono::milliseconds(5);
  }
  SECTION("an election timeout of two heartbeats") {
    start.options.timing.election_timeout = std::chrono::milliseconds(100);
  }
  SECTION("an election timeout beyond any lease") {
    start.options.timing.election_timeout = std::chrono::minutes(2);
  }
  CHECK(refusal(start) == Errc::invalid_argument);
}

}  // namespace raft::replica
