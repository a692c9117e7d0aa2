// The user's machine with what libraft keeps beside it.
#include "replica/machine.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "history.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;

/// Fails as told.
struct FailingMachine final : StateMachine {
  Bytes apply(const AppliedEntry& entry) override {
    ++calls;
    if (entry.index == throws_at) throw std::runtime_error("no such table");
    if (entry.index == throws_number_at) throw 42;
    return {};
  }
  std::unique_ptr<SnapshotReader> capture() override {
    ++calls;
    if (captures_nothing) return nullptr;
    if (capture_throws) throw std::runtime_error("no room");
    return std::make_unique<FailingReader>();
  }
  Result<void> restore(SnapshotReader&) override { throw std::runtime_error("not mine"); }

  struct FailingReader final : SnapshotReader {
    Result<Bytes> read(std::size_t) override { throw std::runtime_error("gone"); }
  };

  Index throws_at;
  Index throws_number_at;
  bool capture_throws = false;
  bool captures_nothing = false;
  int calls = 0;
};

EntryPtr retry_of(std::uint64_t index, std::uint64_t sequence) {
  Entry entry = *history_entry(index);
  entry.body = Command{"client", sequence, encode(Operation{2 * sequence, "k", "v"})};
  return std::make_shared<const Entry>(std::move(entry));
}

Bytes reply_at(const Result<std::vector<Outcome>>& outcomes, std::size_t at) {
  REQUIRE(outcomes);
  REQUIRE((*outcomes)[at].reply);
  return *(*outcomes)[at].reply;
}

}  // namespace

// A machine that does not know its membership cannot write a snapshot that others can use.
TEST_CASE("applying moves index, time and membership along", "[replica][machine]") {
  NoWitness witness;
  VolatileRegister registers(witness, {});
  Machine machine(registers);
  CHECK(machine.applied().last == EntryId{});
  const auto outcomes = machine.apply(history(1, 7));
  REQUIRE(outcomes);
  CHECK(outcomes->size() == 7);
  CHECK(outcomes->back().id == EntryId{Term{1}, Index{7}});
  CHECK(machine.applied().last == EntryId{Term{1}, Index{7}});
  CHECK(machine.applied().time.since_founding == std::chrono::seconds(7));
  CHECK(machine.applied().membership.index == Index{1});
  CHECK(*machine.applied().membership.membership == *history_membership());
  CHECK(registers.state().executed.size() == 6);
  CHECK_FALSE(machine.is_durable());
  CHECK(machine.durable_index() == Index{});
}

TEST_CASE("a retry is not executed and has the first reply", "[bug-47][replica][machine]") {
  NoWitness witness;
  VolatileRegister registers(witness, {});
  Machine machine(registers);
  const Bytes first = reply_at(machine.apply(history(1, 6)), 3);  // Entry 4, sequence 2.
  const auto again = machine.apply(std::vector<EntryPtr>{retry_of(7, 2)});
  CHECK(reply_at(again, 0) == first);
  CHECK(registers.state().last == Index{6});
  CHECK(witness.twice == 0);
}

TEST_CASE("a command below the window is answered session_expired", "[replica][machine]") {
  NoWitness witness;
  VolatileRegister registers(witness, {});
  Machine machine(registers);
  REQUIRE(machine.apply(history(1, 6)));
  Entry entry = *history_entry(7);
  entry.body = Command{"stranger", 5, encode(Operation{99, "k", "v"})};
  const auto outcomes =
      machine.apply(std::vector<EntryPtr>{std::make_shared<const Entry>(std::move(entry))});
  REQUIRE(outcomes);
  CHECK((*outcomes)[0].reply.code() == Errc::session_expired);
  CHECK_FALSE(registers.state().executed.contains(99));
}

// State and sessions must be as old as each other after a crash, at whatever place it comes.
TEST_CASE("a durable machine keeps its meta in the commit of the data",
          "[replica][machine][durable]") {
  for (std::uint64_t crash = 1; crash <= 12; ++crash) {
    INFO("crash " << crash);
    NoWitness witness;
    RegisterStore store;
    {
      DurableRegister registers(witness, {}, store);
      Machine machine(registers);
      REQUIRE(machine.load());
      for (std::uint64_t index = 1; index <= 9; ++index) {
        REQUIRE(machine.apply(history(index, index)));
      }
    }
    core::Random random(crash);
    store.power_cut(random);
    DurableRegister registers(witness, {}, store);
    Machine machine(registers);
    REQUIRE(machine.load());
    const std::uint64_t reached = machine.applied().last.index.value;
    CHECK(machine.applied().last.index == machine.durable_index());
    CHECK(registers.state().last.value == (reached > 1 ? reached : 0));
    if (reached > 0) {
      CHECK(*machine.applied().membership.membership == *history_membership());
      CHECK(machine.applied().time.since_founding == std::chrono::seconds(reached));
    }
    // Replayed from there, every session is where the data is: nothing twice, nothing refused.
    const auto outcomes = machine.apply(history(reached + 1, 12));
    REQUIRE(outcomes);
    for (const Outcome& outcome : *outcomes) CHECK(outcome.reply);
    CHECK(registers.state().executed.size() == 11);
    CHECK(witness.twice == 0);
  }
}

// Would lose the replies, the sessions or the order of what was executed before there was space.
TEST_CASE("without space nothing is committed, and all of it later",
          "[replica][machine][durable]") {
  const bool more_is_applied = GENERATE(false, true);
  NoWitness witness;
  RegisterStore store;
  DurableRegister registers(witness, {}, store);
  Machine machine(registers);
  REQUIRE(machine.load());
  REQUIRE(machine.apply(history(1, 4)));
  store.set_full(true);
  const auto refused = machine.apply(history(5, 6));
  REQUIRE_FALSE(refused);
  CHECK(refused.code() == Errc::storage_full);
  CHECK(machine.commit().code() == Errc::storage_full);
  CHECK(machine.capture().code() == Errc::storage_full);
  CHECK(store.newest().applied == Index{4});
  store.set_full(false);
  const auto outcomes = more_is_applied ? machine.apply(history(7, 8)) : machine.commit();
  const std::uint64_t last = more_is_applied ? 8 : 6;
  REQUIRE(outcomes);
  REQUIRE(outcomes->size() == last - 4);
  CHECK(outcomes->front().id == EntryId{Term{1}, Index{5}});
  for (const Outcome& outcome : *outcomes) CHECK(outcome.reply);
  CHECK(store.newest().applied == Index{last});
  CHECK(machine.capture());
  // What was committed is complete: a later life judges the sessions alike.
  DurableRegister reopened(witness, {}, store);
  Machine again(reopened);
  REQUIRE(again.load());
  CHECK(again.applied().last.index == Index{last});
  CHECK(reply_at(again.apply(std::vector<EntryPtr>{retry_of(last + 1, 3)}), 0) ==
        *(*outcomes)[1].reply);
  CHECK(witness.twice == 0);
}

// A restore that found no space must leave a machine that can go on: what it executed before may
// still be committed, and must not get the place in the log of the snapshot.
TEST_CASE("a restore without space changes nothing", "[replica][machine][durable]") {
  NoWitness witness;
  VolatileRegister original(witness, {});
  Machine source(original);
  REQUIRE(source.apply(history(1, 9)));
  auto capture = source.capture();
  REQUIRE(capture);
  RegisterStore store;
  DurableRegister registers(witness, {}, store);
  Machine machine(registers);
  REQUIRE(machine.apply(history(1, 4)));
  store.set_full(true);
  CHECK(machine.apply(history(5, 5)).code() == Errc::storage_full);
  const auto restored = machine.restore(capture->meta, capture->records, *capture->reader);
  REQUIRE_FALSE(restored);
  CHECK(restored.code() == Errc::storage_full);
  CHECK(machine.applied().last.index == Index{5});
  store.set_full(false);
  const auto outcomes = machine.commit();
  REQUIRE(outcomes);
  CHECK(outcomes->size() == 1);
  CHECK(store.newest().applied == Index{5});
  CHECK(registers.state().last == Index{5});
  auto second = source.capture();
  REQUIRE(second);
  REQUIRE(machine.restore(second->meta, second->records, *second->reader));
  CHECK(store.newest().applied == Index{9});
  CHECK(machine.durable_index() == Index{9});
}

// An exception must stop this replica, not the process.
TEST_CASE("a machine that throws is an error", "[replica][machine]") {
  FailingMachine failing;
  failing.throws_at = Index{5};
  Machine machine(failing);
  REQUIRE(machine.apply(history(1, 4)));
  const auto outcomes = machine.apply(history(5, 6));
  REQUIRE_FALSE(outcomes);
  CHECK(outcomes.error().detail.find("no such table") != std::string::npos);
}

TEST_CASE("a capture or a restore that throws is an error", "[replica][machine]") {
  FailingMachine failing;
  auto capture = Machine(failing).capture();
  REQUIRE(capture);
  CHECK_FALSE(capture->read(10));
  failing.capture_throws = true;
  CHECK_FALSE(Machine(failing).capture());
  FailingMachine::FailingReader reader;
  CHECK_FALSE(Machine(failing).restore(capture->meta, capture->records, reader));
}

TEST_CASE("a machine that captures nothing, or throws what is no exception, is an error",
          "[replica][machine]") {
  FailingMachine failing;
  failing.captures_nothing = true;
  const auto capture = Machine(failing).capture();
  REQUIRE_FALSE(capture);
  CHECK(capture.error().detail.find("captured nothing") != std::string::npos);
  failing.throws_number_at = Index{2};
  CHECK_FALSE(Machine(failing).apply(history(1, 3)));
}

// Calls may wait behind the one that fails. An entry that follows one that was lost, or a snapshot
// of half an entry, would outlive the failure on this disk alone.
TEST_CASE("a machine that has failed is called no more", "[found-14][replica][machine]") {
  FailingMachine failing;
  failing.throws_at = Index{5};
  Machine machine(failing);
  REQUIRE(machine.apply(history(1, 4)));
  REQUIRE_FALSE(machine.apply(history(5, 6)));
  const int calls = failing.calls;
  CHECK_FALSE(machine.apply(history(7, 8)));
  CHECK_FALSE(machine.commit());
  CHECK_FALSE(machine.capture());
  CHECK(failing.calls == calls);
}

TEST_CASE("a durable machine whose commit failed gets no further entry",
          "[found-14][replica][machine][durable]") {
  NoWitness witness;
  RegisterStore store;
  DurableRegister registers(witness, {}, store);
  Machine machine(registers);
  REQUIRE(machine.apply(history(1, 4)));
  store.set_failing(true);
  CHECK(machine.apply(history(5, 5)).code() == Errc::storage_failed);
  store.set_failing(false);
  CHECK(machine.apply(history(6, 7)).code() == Errc::storage_failed);
  CHECK(machine.commit().code() == Errc::storage_failed);
  CHECK(store.newest().applied == Index{4});
}

// What a snapshot carries must be all that the next entry depends on: here the sessions.
TEST_CASE("a restored machine goes on as the captured one", "[SN-13][replica][machine]") {
  const bool to_durable = GENERATE(false, true);
  NoWitness witness;
  VolatileRegister original(witness, {true, 5'000});
  Machine source(original);
  const Bytes first = reply_at(source.apply(history(1, 9)), 7);  // Entry 8, sequence 4.
  auto capture = source.capture();
  REQUIRE(capture);
  // The view is frozen: what follows is not in it.
  REQUIRE(source.apply(history(10, 11)));

  RegisterStore store;
  VolatileRegister plain(witness, {});
  DurableRegister durable(witness, {}, store);
  StateMachine& target = to_durable ? static_cast<StateMachine&>(durable) : plain;
  Machine machine(target);
  REQUIRE(machine.restore(capture->meta, capture->records, *capture->reader));
  CHECK(machine.applied().last == EntryId{Term{1}, Index{9}});
  CHECK(machine.applied().membership.index == Index{1});
  CHECK(reply_at(machine.apply(std::vector<EntryPtr>{retry_of(10, 4)}), 0) == first);
  CHECK(witness.twice == 0);
  if (to_durable) {
    DurableRegister reopened(witness, {}, store);
    Machine again(reopened);
    REQUIRE(again.load());
    CHECK(again.applied().last.index == Index{10});
    CHECK(reply_at(again.apply(std::vector<EntryPtr>{retry_of(11, 4)}), 0) == first);
  }
}

TEST_CASE("a head that is not readable is corrupt", "[replica][machine]") {
  NoWitness witness;
  VolatileRegister registers(witness, {});
  Machine machine(registers);
  REQUIRE(machine.apply(history(1, 4)));
  auto capture = machine.capture();
  REQUIRE(capture);
  REQUIRE(capture->records.size() > 8);
  for (std::size_t size = 0; size < capture->records.size(); ++size) {
    const auto restored = machine.restore(
        capture->meta, BytesView(capture->records).substr(0, size), *capture->reader);
    REQUIRE_FALSE(restored);
    CHECK(restored.code() == Errc::corrupt);
  }
}

}  // namespace raft::replica
