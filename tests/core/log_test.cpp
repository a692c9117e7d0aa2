// The log as the core sees it: cases that went wrong elsewhere, and a long random life against a
// twin that keeps every entry and every write.
#include <catch2/catch.hpp>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/log.hpp"
#include "core/model_disk.hpp"
#include "core/random.hpp"

namespace raft::core {
namespace {

SnapshotMeta empty_base() { return {{}, {}, {{}, std::make_shared<Membership>()}}; }

EntryPtr command(std::uint64_t term, std::uint64_t index, std::size_t bytes = 1) {
  Command body;
  body.bytes.assign(bytes, 'x');
  return std::make_shared<Entry>(Entry{{term}, {index}, {Duration(index)}, body});
}

EntryPtr membership_entry(std::uint64_t term, std::uint64_t index, std::uint64_t voter) {
  auto membership = std::make_shared<Membership>();
  membership->members.push_back({NodeId{voter}, {voter, 1}, "a", Role::voter, false, {}});
  return std::make_shared<Entry>(
      Entry{{term}, {index}, {Duration(index)}, MembershipPtr(membership)});
}

Log empty_log() { return Log(test::ModelDisk(empty_base()).recover()); }

/// A log with these terms, all on disk and in memory.
Log log_of(const std::vector<std::uint64_t>& terms) {
  Log log = empty_log();
  for (std::size_t i = 0; i < terms.size(); ++i) log.append(command(terms[i], i + 1));
  PersistWork work;
  work.number = 1;
  log.stage(work);
  log.confirm(1);
  return log;
}

void stage(Log& log, std::uint64_t number) {
  PersistWork work;
  work.number = number;
  log.stage(work);
}

}  // namespace

// Would catch a confirmation that covers entries which a later write replaces.
TEST_CASE("RP-10 overlapping writes make stable only what no later one replaces", "[RP-10][log]") {
  Log log = log_of({1, 1, 1, 1});
  for (std::uint64_t at = 5; at <= 10; ++at) log.append(command(1, at));
  stage(log, 2);
  CHECK(log.stable() == Index{4});
  log.truncate_from(Index{7});
  for (std::uint64_t at = 7; at <= 8; ++at) log.append(command(2, at));
  SECTION("the later one is not yet on its way") {
    log.confirm(2);
    CHECK(log.stable() == Index{6});
    stage(log, 3);
    CHECK(log.stable() == Index{6});
  }
  SECTION("the later one is under way") {
    stage(log, 3);
    log.confirm(2);
    CHECK(log.stable() == Index{6});
  }
  SECTION("both are confirmed at once") { stage(log, 3); }
  log.confirm(3);
  CHECK(log.stable() == Index{8});
}

// Would catch a stable index that survives the snapshot which replaced everything.
TEST_CASE("RP-10 a new base makes everything unstable until it is written", "[RP-10][log]") {
  Log log = log_of({1, 1, 1});
  log.append(command(1, 4));
  stage(log, 2);
  log.reset({{{2}, {9}}, {Duration(9)}, {{Index{5}}, std::make_shared<Membership>()}});
  CHECK(log.stable() == Index{0});
  log.append(command(2, 10));
  PersistWork work;
  work.number = 3;
  log.stage(work);
  REQUIRE(work.base);
  CHECK(work.base->last == EntryId{{2}, {9}});
  CHECK(work.entries.size() == 1);
  log.confirm(2);
  CHECK(log.stable() == Index{0});
  log.confirm(3);
  CHECK(log.stable() == Index{10});
  CHECK(log.membership().index == Index{5});
}

// Would catch a place in the queue of writes that changes what is on disk.
TEST_CASE("RP-10 an empty batch changes nothing", "[RP-10][log]") {
  Log log = log_of({1, 1});
  PersistWork work;
  work.number = 2;
  log.stage(work);
  CHECK_FALSE(work.writes());
  CHECK(log.stable() == Index{2});
  log.confirm(2);
  CHECK(log.stable() == Index{2});
}

// Would catch terms that are lost, or made up, at the edges of the log.
TEST_CASE("terms are known from the base to the last entry", "[log]") {
  Log log = log_of({1, 1, 2, 5, 5});
  const std::vector<std::uint64_t> expected{0, 1, 1, 2, 5, 5};
  for (std::uint64_t at = 0; at <= 5; ++at) CHECK(log.term_at({at}) == Term{expected[at]});
  CHECK_FALSE(log.term_at({6}));
  log.compact({{{2}, {3}}, {Duration(3)}, {{}, std::make_shared<Membership>()}});
  CHECK_FALSE(log.term_at({2}));
  CHECK(log.term_at({3}) == Term{2});
  CHECK(log.term_at({4}) == Term{5});
  log.compact({{{5}, {5}}, {Duration(5)}, {{}, std::make_shared<Membership>()}});
  CHECK(log.last() == EntryId{{5}, {5}});
  CHECK(log.last_time() == LogTime{Duration(5)});
  log.append(command(5, 6));
  CHECK(log.term_at({6}) == Term{5});
}

// Would catch a hint that skips an entry which might match, or goes entry by entry.
TEST_CASE("RP-05 the last entry not above another skips whole terms", "[RP-05][log]") {
  const Log log = log_of({1, 1, 3, 3, 6});
  struct Row {
    EntryId limit;
    EntryId found;
  };
  const std::vector<Row> table{{{{6}, {9}}, {{6}, {5}}}, {{{5}, {9}}, {{3}, {4}}},
                               {{{3}, {3}}, {{3}, {3}}}, {{{2}, {4}}, {{1}, {2}}},
                               {{{1}, {1}}, {{1}, {1}}}, {{{0}, {4}}, {{0}, {0}}},
                               {{{9}, {0}}, {{0}, {0}}}};
  for (const Row& row : table) CHECK(log.last_not_above(row.limit) == row.found);
}

// Would catch a rollback that stops at the newest membership although several go (canonical/raft
// #323, scylladb).
TEST_CASE("memberships are rolled back over several levels, down to the base", "[log]") {
  Log log = empty_log();
  log.append(command(1, 1));
  log.append(membership_entry(1, 2, 7));
  log.append(command(1, 3));
  log.append(membership_entry(1, 4, 8));
  log.append(membership_entry(1, 5, 9));
  CHECK(log.membership().index == Index{5});
  CHECK(log.membership_at({4}).index == Index{4});
  CHECK(log.membership_at({1}).index == Index{0});
  CHECK(log.names(NodeId{8}, {8, 1}, {4}));
  CHECK_FALSE(log.names(NodeId{8}, {8, 1}, {3}));
  CHECK_FALSE(log.names(NodeId{8}, {8, 2}, {5}));
  CHECK(log.truncate_from({4}));
  CHECK(log.membership().index == Index{2});
  CHECK_FALSE(log.names(NodeId{8}, {8, 1}, {5}));
  CHECK_FALSE(log.truncate_from({3}));
  CHECK(log.truncate_from({1}));
  CHECK(log.membership().index == Index{0});
  CHECK(log.last_index() == Index{0});
}

// Would catch memory that is given back before it is safe, or never.
TEST_CASE("the tail in memory shrinks to its limit and never above what may go", "[log]") {
  Log log = empty_log();
  for (std::uint64_t at = 1; at <= 10; ++at) log.append(command(1, at, 100));
  const std::size_t each = size_of(*command(1, 1, 100));
  stage(log, 1);
  log.shrink(3 * each, Index{4});
  CHECK(log.memory_first() == Index{5});
  log.shrink(3 * each, Index{10});
  CHECK(log.memory_first() == Index{8});
  CHECK(log.slice({8}, {10}, 2 * each).size() == 2);
  CHECK(log.slice({8}, {10}, 1).size() == 1);
  log.shrink(0, Index{10});
  CHECK(log.memory_first() == Index{11});
  CHECK(log.last_time() == LogTime{Duration(10)});
  CHECK(log.term_at({3}) == Term{1});
  log.truncate_from({6});
  log.append(command(2, 6));
  CHECK(log.memory_first() == Index{6});
  CHECK(log.slice({6}, {6}, each).front()->term == Term{2});
}

namespace {

/// Keeps what the log must say, in the simplest form.
class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed), disk_(empty_base()), log_(disk_.recover()) {}

  void step() {
    switch (random_.between(0, 12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return append();
      case 4:
      case 5:
        return truncate();
      case 6:
      case 7:
        return stage();
      case 8:
      case 9:
        return confirm();
      case 10:
        return compact();
      case 11:
        return log_.shrink(random_.between(0, 500), std::min(log_.stable(), committed_));
      default:
        return;
    }
  }

  void check() {
    const std::uint64_t last = base_.index.value + entries_.size();
    REQUIRE(log_.last_index() == Index{last});
    for (std::uint64_t at = 0; at <= last + 1; ++at) REQUIRE(log_.term_at({at}) == term_at({at}));
    REQUIRE(log_.membership().index == membership_at({last}));
    const Index some{random_.between(base_.index.value, last + 1)};
    REQUIRE(log_.membership_at(some).index == membership_at(some));
    const EntryId limit{{random_.between(0, term_ + 1)}, {random_.between(0, last + 2)}};
    REQUIRE(log_.last_not_above(limit) == last_not_above(limit));
    REQUIRE(log_.stable() == stable());
    for (Index at = log_.memory_first(); at <= log_.last_index(); at = at.next()) {
      REQUIRE(log_.slice(at, at, 0).front() == entries_[distance(base_.index, at) - 1]);
    }
  }

 private:
  void append() {
    if (random_.between(0, 4) == 0) ++term_;
    const std::uint64_t at = base_.index.value + entries_.size() + 1;
    EntryPtr entry = random_.between(0, 4) == 0 ? membership_entry(term_, at, at)
                                                : command(term_, at, random_.between(0, 100));
    entries_.push_back(entry);
    log_.append(std::move(entry));
  }

  // As a follower does it: a suffix goes and another of a newer term comes.
  void truncate() {
    const Index last{base_.index.value + entries_.size()};
    if (last <= committed_) return;
    const Index from{random_.between(committed_.value + 1, last.value + 1)};
    bool memberships = false;
    while (base_.index.value + entries_.size() >= from.value) {
      memberships = memberships || entries_.back()->membership() != nullptr;
      entries_.pop_back();
    }
    REQUIRE(log_.truncate_from(from) == memberships);
    ++term_;
    append();
  }

  void stage() {
    PersistWork work;
    work.number = ++number_;
    log_.stage(work);
    pending_.push_back(std::move(work));
  }

  void confirm() {
    for (std::uint64_t count = random_.between(0, pending_.size() + 1); count > 0; --count) {
      disk_.write(with_term(pending_.front()));
      log_.confirm(pending_.front().number);
      pending_.pop_front();
    }
    if (stable() > committed_) committed_ = {random_.between(committed_.value, stable().value + 1)};
  }

  void compact() {
    if (committed_ <= base_.index) return;
    const Index to{random_.between(base_.index.value + 1, committed_.value + 1)};
    if (to > log_.stable()) return;
    const EntryPtr entry = entries_[distance(base_.index, to) - 1];
    const SnapshotMeta base{entry->id(), entry->time, log_.membership_at(to)};
    base_membership_ = membership_at(to);
    entries_.erase(entries_.begin(),
                   entries_.begin() + static_cast<std::ptrdiff_t>(distance(base_.index, to)));
    base_ = entry->id();
    disk_.erase_up_to(base);
    log_.compact(base);
  }

  /// The disk wants to know the term of what it is given.
  PersistWork with_term(PersistWork work) const {
    work.hard_state = HardState{{term_}, {}, {}, {}};
    return work;
  }

  std::optional<Term> term_at(Index at) const {
    if (at == base_.index) return base_.term;
    if (at < base_.index || distance(base_.index, at) > entries_.size()) return std::nullopt;
    return entries_[distance(base_.index, at) - 1]->term;
  }

  Index membership_at(Index at) const {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
      if ((*entry)->index <= at && (*entry)->membership() != nullptr) return (*entry)->index;
    }
    return base_membership_;
  }

  EntryId last_not_above(EntryId limit) const {
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
      if ((*entry)->index <= limit.index && (*entry)->term <= limit.term) return (*entry)->id();
    }
    return base_;
  }

  /// Stable is what is on disk as it is now, however many of the writes under way, and of those
  /// still to come for what the log holds, get there before a power cut.
  Index stable() const {
    test::ModelDisk disk = disk_;
    Index common = shared_with(disk);
    for (const PersistWork& work : pending_) {
      disk.write(with_term(work));
      common = std::min(common, shared_with(disk));
    }
    return common;
  }

  Index shared_with(const test::ModelDisk& disk) const {
    Index shared = base_.index;
    for (const EntryPtr& entry : entries_) {
      if (disk.entry(entry->index) != entry) break;
      shared = entry->index;
    }
    return shared;
  }

  Random random_;
  test::ModelDisk disk_;
  Log log_;
  std::uint64_t term_ = 1;
  std::uint64_t number_ = 0;
  EntryId base_;
  Index base_membership_;
  std::vector<EntryPtr> entries_;
  std::deque<PersistWork> pending_;
  Index committed_;
};

}  // namespace

// Would catch whatever no one thought of: marks, terms, memberships and memory over long lives.
TEST_CASE("RP-10 a log equals its twin over random lives", "[RP-10][log]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Life life(seed);
    for (int step = 0; step < 400; ++step) {
      life.step();
      life.check();
    }
  }
}

}  // namespace raft::core
