#include "storage/log_store.hpp"

#include "log_samples.hpp"
#include "sim/disk.hpp"

namespace raft {
namespace {

using storage::KvBatch;
using storage::LogStore;

constexpr std::size_t plenty = std::size_t{1} << 30;

struct World {
  World() { value_of(log.recover()); }

  void persist(const PersistWork& work) { raft::persist(engine, log, work); }
  void append(std::vector<EntryPtr> entries) {
    const Term term = entries.back()->term;
    persist(work_of({term, {1}, {}, {}}, std::move(entries)));
  }
  /// What a restart would find.
  RecoveredLog recovered() { return value_of(LogStore(engine, group).recover()); }
  std::string ids(std::uint64_t first, std::uint64_t last, std::size_t bytes_max = plenty) {
    return ids_of(value_of(log.read({first}, {last}, bytes_max)));
  }

  sim::Disk disk;
  storage::KvEngine& engine = disk.engine();
  GroupId group{1};
  LogStore log{engine, group};
};

}  // namespace

// Would catch: a fresh directory that looks corrupt, or begins at the wrong index.
TEST_CASE("a group that was never written is an empty log", "[storage][log]") {
  World world;
  const RecoveredLog log = world.recovered();
  CHECK(log.hard_state == HardState{});
  CHECK(log.base.last == EntryId{});
  REQUIRE(log.base.membership.membership);
  CHECK(*log.base.membership.membership == Membership{});
  CHECK(log.last == Index{0});
  CHECK(log.term_runs.empty());
  CHECK(log.memberships.empty());
}

// Would catch: a field that is not written, or read back as another.
TEST_CASE("a restart finds what was written", "[storage][log][DU-12]") {
  World world;
  world.persist(work_of(hard_state_of(2, 3, 4), {entry_at(1, 1), membership_at(2, 1, {1, 2}),
                                                 entry_at(3, 2), membership_at(4, 2, {1, 2, 3})}));
  const RecoveredLog log = world.recovered();
  CHECK(log.hard_state == hard_state_of(2, 3, 4));
  CHECK(log.last == Index{4});
  CHECK(log.last_time == time_at(4));
  CHECK(log.term_runs == std::vector<TermRun>{{{1}, {1}}, {{3}, {2}}});
  REQUIRE(log.memberships.size() == 2);
  CHECK(log.memberships[0].index == Index{2});
  CHECK(*log.memberships[0].membership == *membership_of({1, 2}));
  CHECK(log.memberships[1].index == Index{4});

  const std::vector<EntryPtr> entries = value_of(world.log.read({1}, {4}, plenty));
  REQUIRE(entries.size() == 4);
  CHECK(*entries[0] == *entry_at(1, 1));
  CHECK(*entries[1] == *membership_at(2, 1, {1, 2}));
}

// Would catch: hard state and entries in two batches, of which a crash keeps one (DU-02).
TEST_CASE("one batch of the core is one batch of the engine", "[storage][log][DU-02]") {
  World world;
  KvBatch batch;
  world.log.stage(work_of(hard_state_of(1, 1, 2), entries_from_to(1, 2, 1)), batch);
  CHECK(batch.operations().size() == 3);
  CHECK(world.recovered().last == Index{0});
  check_done(world.engine.write(batch, true));
  CHECK(world.recovered().last == Index{2});
  CHECK(world.recovered().hard_state.commit == Index{2});
}

// Would catch: the rest of a longer old suffix surviving behind the shorter new one.
TEST_CASE("an entry replaces the whole suffix at its index", "[storage][log][truncate]") {
  // Few are erased one by one, many by a range; the borders between are the likely mistakes.
  const std::uint64_t old_last = GENERATE(6u, 7u, 36u, 37u, 38u, 200u);
  World world;
  world.append(entries_from_to(1, old_last, 1));
  world.append(entries_from_to(4, 5, 2));
  CHECK(world.recovered().last == Index{5});
  CHECK(world.ids(1, 1000) == "1/1 1/2 1/3 2/4 2/5");
  world.append(entries_from_to(6, 7, 2));
  CHECK(world.ids(5, 1000) == "2/5 2/6 2/7");
}

// Would catch: a truncation that erases entries of the same batch.
TEST_CASE("batches staged together take effect in order", "[storage][log][truncate]") {
  World world;
  KvBatch batch;
  world.log.stage(work_of(hard_state_of(1, 1, 0), entries_from_to(1, 50, 1)), batch);
  world.log.stage(work_of(hard_state_of(2, 1, 0), entries_from_to(3, 4, 2)), batch);
  world.log.stage(work_of(hard_state_of(3, 1, 0), entries_from_to(5, 6, 3)), batch);
  check_done(world.engine.write(batch, true));
  CHECK(world.recovered().hard_state.term == Term{3});
  CHECK(world.ids(1, 100) == "1/1 1/2 2/3 2/4 3/5 3/6");
}

// Would catch: entries of the old log that survive an installed snapshot, below or above it.
TEST_CASE("an installed snapshot clears the log", "[storage][log][DU-12][snapshot]") {
  const std::uint64_t base = GENERATE(4u, 10u, 100u);
  World world;
  world.append(entries_from_to(1, 10, 1));
  PersistWork install;
  install.base = base_at(base, 3);
  install.hard_state = hard_state_of(3, 0, 0);
  world.persist(install);

  RecoveredLog log = world.recovered();
  CHECK(log.base.last == EntryId{{3}, {base}});
  CHECK(log.base.time == time_at(base));
  CHECK(*log.base.membership.membership == *membership_of({1, 2, 3}));
  CHECK(log.last == Index{base});
  CHECK(log.last_time == time_at(base));
  CHECK(log.term_runs.empty());
  CHECK(world.ids(1, 1000).empty());

  world.append(entries_from_to(base + 1, base + 2, 3));
  log = world.recovered();
  CHECK(log.last == Index{base + 2});
  CHECK(log.term_runs == std::vector<TermRun>{{{base + 1}, {3}}});
}

// Would catch: a base, entries and a hard state of one batch that undo each other.
TEST_CASE("a batch may install a snapshot and continue behind it", "[storage][log][DU-12]") {
  World world;
  world.append(entries_from_to(1, 40, 1));
  PersistWork work = work_of(hard_state_of(3, 0, 21), entries_from_to(21, 22, 3));
  work.base = base_at(20, 2);
  world.persist(work);
  const RecoveredLog log = world.recovered();
  CHECK(log.base.last.index == Index{20});
  CHECK(log.hard_state.commit == Index{21});
  CHECK(world.ids(21, 100) == "3/21 3/22");
  CHECK(log.last == Index{22});
}

// Would catch: commit below the base after a restart, so that applied entries seem uncommitted.
TEST_CASE("what the base covers is committed", "[storage][log][DU-12]") {
  World world;
  world.persist(work_of(hard_state_of(1, 1, 2), entries_from_to(1, 9, 1)));
  compact(world.engine, world.log, base_at(7, 1));
  CHECK(world.recovered().hard_state.commit == Index{7});
  CHECK(world.recovered().last == Index{9});
}

// Would catch: a compaction that takes an entry too many or too few, or moves the end.
TEST_CASE("compaction erases up to the base", "[storage][log][compaction]") {
  const std::uint64_t base = GENERATE(1u, 2u, 32u, 33u, 34u, 59u, 60u);
  World world;
  world.append(entries_from_to(1, 60, 1));
  compact(world.engine, world.log, base_at(base, 1));
  CHECK(world.ids(base, 1000).empty());
  const RecoveredLog log = world.recovered();
  CHECK(log.base.last.index == Index{base});
  CHECK(log.last == Index{60});
  CHECK(value_of(world.log.read({base + 1}, {60}, plenty)).size() == 60 - base);
  world.append(entries_from_to(61, 61, 1));
  CHECK(world.ids(61, 61) == "1/61");
}

// Would catch: a base that moves back when a snapshot was installed before the compaction's turn.
TEST_CASE("a compaction overtaken by a snapshot does nothing", "[storage][log][compaction]") {
  World world;
  world.append(entries_from_to(1, 10, 1));
  PersistWork install;
  install.base = base_at(20, 1);
  world.persist(install);
  KvBatch batch;
  world.log.stage_compaction(base_at(8, 1), batch);
  world.log.stage_compaction(base_at(20, 1), batch);
  CHECK(batch.empty());
}

// Would catch: a fetch without a bound, or one that returns nothing for a large entry.
TEST_CASE("a read is bounded in bytes but makes progress", "[storage][log][read]") {
  World world;
  const std::string large(1000, 'x');
  world.append({command_at(1, 1, large), command_at(2, 1, large), command_at(3, 1, large)});
  CHECK(world.ids(1, 3, 1) == "1/1");
  CHECK(world.ids(1, 3, 2500) == "1/1 1/2");
  CHECK(world.ids(2, 3, plenty) == "1/2 1/3");
  CHECK(world.ids(1, 2, plenty) == "1/1 1/2");
}

// Would catch: a fetch that begins later than asked, so that a follower gets a gap.
TEST_CASE("a read never begins or ends with a gap", "[storage][log][read]") {
  World world;
  world.append(entries_from_to(1, 10, 1));
  compact(world.engine, world.log, base_at(4, 1));
  CHECK(world.ids(4, 10).empty());
  CHECK(world.ids(5, 6) == "1/5 1/6");
  CHECK(world.ids(10, 12) == "1/10");
  CHECK(world.ids(11, 12).empty());
  CHECK(world.ids(7, 6).empty());
  CHECK(world.ids(0, 6).empty());
  CHECK(value_of(world.log.read({5}, {~std::uint64_t{0}}, plenty)).size() == 6);
}

// Would catch: a range that runs over into the next group.
TEST_CASE("groups do not see each other", "[storage][log][groups]") {
  sim::Disk disk;
  const std::vector<std::uint64_t> ids{0, 1, 2, 255, 256, ~std::uint64_t{0}};
  std::vector<LogStore> logs;
  for (const std::uint64_t id : ids) {
    logs.emplace_back(disk.engine(), GroupId{id});
    value_of(logs.back().recover());
    persist(disk.engine(), logs.back(), work_of(hard_state_of(1, 1, 0), entries_from_to(1, 99, 1)));
  }
  PersistWork install;
  install.base = base_at(500, 1);
  persist(disk.engine(), logs[1], install);
  compact(disk.engine(), logs[2], base_at(50, 1));
  persist(disk.engine(), logs[4], work_of(hard_state_of(2, 1, 0), entries_from_to(2, 2, 2)));

  const std::vector<std::uint64_t> lasts{99, 500, 99, 99, 2, 99};
  const std::vector<std::uint64_t> bases{0, 500, 50, 0, 0, 0};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const RecoveredLog log = value_of(LogStore(disk.engine(), GroupId{ids[i]}).recover());
    CHECK(log.last == Index{lasts[i]});
    CHECK(log.base.last.index == Index{bases[i]});
  }
}

}  // namespace raft
