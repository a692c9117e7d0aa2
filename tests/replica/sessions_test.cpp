// Exactly-once execution: a table that every replica must keep alike.
#include "replica/sessions.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "core/random.hpp"

namespace raft::replica {
namespace {

using Verdict = Sessions::Verdict;

constexpr LogTime at(std::int64_t minutes) { return {std::chrono::minutes(minutes)}; }

Command command(const Bytes& client, std::uint64_t sequence) { return {client, sequence, {}}; }

void execute(Sessions& sessions, const Bytes& client, std::uint64_t sequence, LogTime time = {}) {
  REQUIRE(sessions.judge(command(client, sequence), time) == Verdict::fresh);
  sessions.remember(command(client, sequence), time, "reply " + std::to_string(sequence));
}

Verdict judge(Sessions& sessions, const Bytes& client, std::uint64_t sequence, LogTime time = {}) {
  return sessions.judge(command(client, sequence), time);
}

std::vector<MetaRecord> saved(const Sessions& sessions) {
  std::vector<MetaRecord> records;
  sessions.save(records);
  return records;
}

}  // namespace

// A retry that is executed again, or answered with something else.
TEST_CASE("a repeated command is not fresh and has its first reply", "[replica][sessions]") {
  Sessions sessions(false);
  execute(sessions, "a", 1);
  execute(sessions, "a", 2);
  CHECK(judge(sessions, "a", 1) == Verdict::repeated);
  CHECK(sessions.reply(command("a", 1)) == "reply 1");
  CHECK(sessions.reply(command("a", 2)) == "reply 2");
  CHECK(judge(sessions, "b", 1) == Verdict::fresh);
}

// A client whose session ended must not have a late retry executed a second time.
TEST_CASE("an unknown client may begin with 1 only", "[replica][sessions]") {
  Sessions sessions(false);
  CHECK(judge(sessions, "a", 0) == Verdict::expired);
  CHECK(judge(sessions, "a", 2) == Verdict::expired);
  CHECK(judge(sessions, "a", 1) == Verdict::fresh);
}

// Both edges of the window: one too many would execute twice, one too few refuse a live request.
TEST_CASE("requests overtake each other within the window and never below it",
          "[replica][sessions]") {
  Sessions sessions(false);
  execute(sessions, "a", 1);
  execute(sessions, "a", 70);
  CHECK(judge(sessions, "a", 0) == Verdict::expired);
  CHECK(judge(sessions, "a", 70 - session_window) == Verdict::expired);
  CHECK(judge(sessions, "a", 70 - session_window + 1) == Verdict::fresh);
  CHECK(judge(sessions, "a", 69) == Verdict::fresh);
  execute(sessions, "a", 69);
  CHECK(judge(sessions, "a", 69) == Verdict::repeated);
}

// A sum that wraps takes the newest sequence for the oldest: the entry is committed by then, so
// every node would die of it, and again at each start.
TEST_CASE("a client may use the largest sequences there are", "[replica][sessions]") {
  constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  Sessions sessions(false);
  execute(sessions, "a", 1);
  CHECK(judge(sessions, "a", largest) == Verdict::fresh);
  execute(sessions, "a", largest);
  CHECK(judge(sessions, "a", largest) == Verdict::repeated);
  CHECK(judge(sessions, "a", largest - session_window) == Verdict::expired);
  CHECK(judge(sessions, "a", largest - session_window + 1) == Verdict::fresh);
  CHECK(judge(sessions, "a", 1) == Verdict::expired);
}

// The replies kept must be exactly those of the window, or memory grows with every request.
TEST_CASE("only the replies of the window are kept", "[replica][sessions]") {
  Sessions sessions(false);
  for (std::uint64_t sequence = 1; sequence <= 200; ++sequence) execute(sessions, "a", sequence);
  CHECK(judge(sessions, "a", 200 - session_window) == Verdict::expired);
  CHECK(judge(sessions, "a", 200 - session_window + 1) == Verdict::repeated);
  const std::size_t bytes = saved(sessions).front().value->size();
  execute(sessions, "a", 201);
  CHECK(saved(sessions).front().value->size() == bytes);
}

// Expiry by anything but the log's time would differ between replicas.
TEST_CASE("a session ends after an hour of silence in log time", "[replica][sessions]") {
  Sessions sessions(false);
  execute(sessions, "a", 1, at(0));
  execute(sessions, "b", 1, at(30));
  CHECK(judge(sessions, "a", 1, at(60)) == Verdict::repeated);
  CHECK(judge(sessions, "c", 1, at(61)) == Verdict::fresh);
  CHECK(sessions.size() == 1);
  CHECK(judge(sessions, "a", 2, at(61)) == Verdict::expired);
  CHECK(judge(sessions, "b", 1, at(61)) == Verdict::repeated);
}

// Being heard must move a client to the end of the queue of the silent.
TEST_CASE("a client that is heard again lives on", "[replica][sessions]") {
  Sessions sessions(false);
  execute(sessions, "a", 1, at(0));
  execute(sessions, "a", 2, at(50));
  CHECK(judge(sessions, "a", 1, at(100)) == Verdict::repeated);
  CHECK(judge(sessions, "a", 1, at(111)) == Verdict::fresh);  // Its session is over.
}

TEST_CASE("beyond the limit the longest silent client gives way", "[replica][sessions]") {
  Sessions sessions(false);
  for (std::size_t i = 0; i < sessions_max; ++i) {
    const LogTime time{std::chrono::microseconds(i)};
    sessions.remember(command("c" + std::to_string(i), 1), time, {});
  }
  // The first one speaks again, so the second is the longest silent.
  const LogTime later{std::chrono::minutes(1)};
  execute(sessions, "c0", 2, later);
  execute(sessions, "new", 1, later);
  CHECK(sessions.size() == sessions_max);
  CHECK(judge(sessions, "c1", 2, later) == Verdict::expired);
  CHECK(judge(sessions, "c0", 2, later) == Verdict::repeated);
  CHECK(judge(sessions, "new", 1, later) == Verdict::repeated);
}

// Would catch: a snapshot's head that no length can express, which ends every node at about the
// same index; or a bound that is reached by what was forgotten long ago.
TEST_CASE("beyond so many bytes of replies the longest silent client gives way",
          "[replica][sessions]") {
  Sessions sessions(false);
  const Bytes reply(sessions_bytes_max / 4, 'x');
  for (std::uint64_t i = 0; i < 3; ++i) {
    sessions.remember(command("c" + std::to_string(i), 1), at(static_cast<std::int64_t>(i)), reply);
  }
  CHECK(sessions.size() == 3);
  // The window forgets the large reply, so that there is room for another one.
  execute(sessions, "c0", 1 + session_window, at(3));
  sessions.remember(command("c3", 1), at(4), reply);
  CHECK(sessions.size() == 4);
  Sessions loaded(false);
  for (const MetaRecord& record : saved(sessions)) REQUIRE(loaded.load(record));
  for (Sessions* table : {&sessions, &loaded}) {
    table->remember(command("c4", 1), at(5), reply);
    CHECK(table->size() == 4);
    CHECK(judge(*table, "c1", 2, at(5)) == Verdict::expired);
    CHECK(judge(*table, "c0", 1 + session_window, at(5)) == Verdict::repeated);
    CHECK(judge(*table, "c4", 1, at(5)) == Verdict::repeated);
  }
}

TEST_CASE("a client whose own replies are too many has no session any more",
          "[replica][sessions]") {
  Sessions sessions(true);
  const Bytes reply(sessions_bytes_max / 2, 'x');
  sessions.remember(command("a", 1), at(0), reply);
  sessions.remember(command("a", 2), at(0), reply);
  CHECK(sessions.size() == 0);
  CHECK(judge(sessions, "a", 3, at(0)) == Verdict::expired);
}

// A snapshot that loses a reply, a sequence or the time of silence lets replicas differ.
TEST_CASE("what is saved and loaded judges as before", "[SN-13][replica][sessions]") {
  Sessions sessions(false);
  execute(sessions, "a", 1, at(0));
  execute(sessions, "a", 90, at(10));
  execute(sessions, "a", 88, at(10));
  execute(sessions, Bytes("\0b", 2), 1, at(20));
  Sessions loaded(false);
  for (const MetaRecord& record : saved(sessions)) REQUIRE(loaded.load(record));

  for (std::uint64_t sequence = 0; sequence < 160; ++sequence) {
    INFO(sequence);
    CHECK(judge(loaded, "a", sequence, at(20)) == judge(sessions, "a", sequence, at(20)));
  }
  CHECK(loaded.reply(command("a", 88)) == "reply 88");
  CHECK(judge(loaded, "a", 90, at(71)) == Verdict::expired);
  CHECK(judge(loaded, Bytes("\0b", 2), 1, at(71)) == Verdict::repeated);
  CHECK(saved(loaded).size() == 1);
}

TEST_CASE("a record that is not readable is refused", "[replica][sessions]") {
  Sessions sessions(false);
  execute(sessions, "a", 1);
  const MetaRecord good = saved(sessions).front();
  Sessions loaded(false);
  CHECK_FALSE(loaded.load({"other/a", good.value}));
  CHECK_FALSE(loaded.load({good.key, std::nullopt}));
  for (std::size_t size = 0; size < good.value->size(); ++size) {
    INFO(size);
    CHECK_FALSE(loaded.load({good.key, good.value->substr(0, size)}));
  }
  CHECK_FALSE(loaded.load({good.key, *good.value + "x"}));
  CHECK(loaded.size() == 0);
  CHECK(loaded.load(good));
}

// A durable machine stores only what take_changes() names: a forgotten end of a session would come
// back to life at the next start, on this replica alone.
TEST_CASE("changes name every client that changed, once, and those that ended",
          "[replica][sessions]") {
  Sessions sessions(true);
  std::vector<MetaRecord> changes;
  execute(sessions, "a", 1, at(0));
  execute(sessions, "a", 2, at(0));
  execute(sessions, "b", 1, at(30));
  sessions.take_changes(changes);
  CHECK(changes.size() == 2);
  changes.clear();
  sessions.take_changes(changes);
  CHECK(changes.empty());

  CHECK(judge(sessions, "b", 1, at(80)) == Verdict::repeated);
  sessions.take_changes(changes);
  REQUIRE(changes.size() == 1);
  CHECK(changes.front().key == "session/a");
  CHECK_FALSE(changes.front().value);
}

// Following the changes alone must give the table that saving all of it gives.
TEST_CASE("the changes add up to the whole table", "[replica][sessions]") {
  Sessions sessions(true);
  std::map<Bytes, Bytes> store;
  core::Random random(11);
  for (int step = 0; step < 2000; ++step) {
    const Bytes client = "c" + std::to_string(random.between(0, 20));
    const std::uint64_t sequence = random.between(1, 100);
    const LogTime time = at(step / 8);
    if (sessions.judge(command(client, sequence), time) == Verdict::fresh) {
      sessions.remember(command(client, sequence), time, "r");
    }
    std::vector<MetaRecord> changes;
    if (random.between(0, 3) == 0) sessions.take_changes(changes);
    for (const MetaRecord& change : changes) {
      if (change.value) store[change.key] = *change.value;
      if (!change.value) store.erase(change.key);
    }
  }
  std::vector<MetaRecord> changes;
  sessions.take_changes(changes);
  for (const MetaRecord& change : changes) {
    if (change.value) store[change.key] = *change.value;
    if (!change.value) store.erase(change.key);
  }
  std::map<Bytes, Bytes> whole;
  for (const MetaRecord& record : saved(sessions)) whole[record.key] = *record.value;
  CHECK(store == whole);
}

}  // namespace raft::replica
