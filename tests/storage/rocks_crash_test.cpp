// The real store under power cuts: RocksDB, the schema and the recovery, stopped at every single
// thing that was done to the disk. One run is written down; each cut is then made of the journal,
// opened for real, and compared with what was acknowledged.
#include <algorithm>
#include <functional>
#include <iostream>
#include <set>
#include <string_view>
#include <utility>

#include "rocks_workload.hpp"
#include "storage/wal_tail.hpp"
#include "temporary_folder.hpp"

namespace raft {
namespace {

constexpr std::size_t steps = 30;
// The process ends in order before this one, and starts again.
constexpr std::size_t restart = 17;
constexpr std::size_t sector_bytes = 512;
constexpr std::size_t page_bytes = 4096;
constexpr std::size_t block_bytes = 32768;

const LogSequence& workload() {
  static const LogSequence sequence = make_workload(steps);
  return sequence;
}

const PossibleStates& possible_states() {
  static const PossibleStates states(workload());
  return states;
}

DiskJournal record_run(const std::string& folder) {
  RocksOnFaults database(folder);
  Progress progress;
  check_done(database.open());
  check_done(write_steps(database, workload(), 0, restart, progress));
  database.close();
  check_done(database.open());
  check_done(write_steps(database, workload(), restart, steps, progress));
  database.close();
  return database.files().journal();
}

/// Opens what cuts have left and judges it. The same files are judged once.
class Judge {
 public:
  explicit Judge(std::string folder) : folder_(std::move(folder)) {}

  /// `goes_on`: also, whether the next step can be written and is there after a restart.
  void check(const DiskImage& image, const Progress& progress, bool goes_on) {
    ++cuts_;
    if (!is_new(image, progress)) return;
    ++opened_;
    RocksOnFaults database(folder_, image);
    check_done(database.open());
    const auto found = possible_states().find(database.engine(), progress);
    REQUIRE(found.has_value());
    if (!goes_on || *found == steps) return;

    Progress next;
    check_done(write_steps(database, workload(), *found, *found + 1, next));
    database.close();
    check_done(database.open());
    CHECK(possible_states().find(database.engine(), {*found + 1, *found + 1}) == *found + 1);
  }

  std::size_t cuts() const { return cuts_; }
  std::size_t opened() const { return opened_; }

 private:
  bool is_new(const DiskImage& image, const Progress& progress) {
    const std::hash<std::string_view> hash;
    std::vector<std::size_t> seen{progress.acknowledged, progress.begun};
    for (const auto& [name, bytes] : image) {
      seen.push_back(hash(name));
      seen.push_back(hash(bytes));
    }
    return seen_.insert(std::move(seen)).second;
  }

  const std::string folder_;
  std::set<std::vector<std::size_t>> seen_;
  std::size_t cuts_ = 0;
  std::size_t opened_ = 0;
};

// All that is not synced kept, lost, or there in size only; with any number of the new names.
void cut_everything(const DiskState& state, const Progress& progress, Judge& judge) {
  using Rule = std::pair<const char*, Bytes (*)(const DiskState::File&)>;
  const Rule rules[] = {
      {"kept", DiskState::whole}, {"lost", DiskState::durable}, {"hollow", DiskState::hollow}};
  for (std::size_t names = 0; names <= state.unsynced_names(); ++names) {
    for (const auto& [rule, survivor] : rules) {
      INFO("un-synced bytes " << rule << ", " << names << " of " << state.unsynced_names()
                              << " new names kept");
      judge.check(state.after_cut(names, survivor), progress, names == state.unsynced_names());
    }
  }
}

// Calls `torn` with what one file may be when some pages of its un-synced end are lost.
void tear_pages(const DiskState::File& file, const std::function<void(const Bytes&)>& torn) {
  const auto page_of = [&](std::size_t page) {
    const std::size_t begin = std::max(page * page_bytes, file.durable);
    const std::size_t end = std::min((page + 1) * page_bytes, file.content.size());
    return std::pair(begin, end - begin);
  };
  const std::size_t first = file.durable / page_bytes;
  const std::size_t last = (file.content.size() - 1) / page_bytes;
  if (first == last) return;  // Kept or lost, as a whole.
  const Bytes hollow = DiskState::hollow(file);
  for (std::size_t page = first; page <= last; ++page) {
    const auto [begin, size] = page_of(page);
    INFO("page " << page << " of its pages " << first << " to " << last);
    // Only this one is lost, only this one is kept.
    torn(Bytes(file.content).replace(begin, size, size, '\0'));
    torn(Bytes(hollow).replace(begin, size, file.content, begin, size));
  }
}

// Where the last append may end too early: a short batch anywhere, all else where something begins
// or ends in it.
std::set<std::size_t> places_to_tear(const DiskState::File& file, std::size_t begin,
                                     bool is_batch) {
  constexpr std::size_t short_bytes = 160;
  constexpr std::size_t around = 4;
  const std::size_t end = file.content.size();
  std::set<std::size_t> places;
  const auto add_between = [&](std::size_t first, std::size_t last) {
    for (std::size_t at = first; at <= last; ++at) {
      if (begin < at && at < end) places.insert(at);
    }
  };
  if (is_batch && end - begin <= short_bytes) {
    add_between(begin, end);
    return places;
  }
  add_between(begin, begin + around);
  add_between(end - std::min(end, around), end);
  for (std::size_t at = (begin / block_bytes + 1) * block_bytes; at < end; at += block_bytes) {
    add_between(at - around, at + around);
  }
  for (std::size_t at = (begin / page_bytes + 1) * page_bytes; at < end; at += page_bytes) {
    add_between(at, at);
  }
  return places;
}

// The file that was being written is torn; all else is kept.
void tear_last_append(const DiskState& state, const Progress& progress, Judge& judge) {
  if (!state.appended()) return;
  const std::size_t number = *state.appended();
  const DiskState::File& file = state.file(number);
  const auto check = [&](const Bytes& torn) {
    judge.check(state.after_cut(state.unsynced_names(), DiskState::whole, number, torn), progress,
                false);
  };
  tear_pages(file, check);
  const bool is_batch = progress.begun > progress.acknowledged;
  for (const std::size_t place : places_to_tear(file, state.append_begin(), is_batch)) {
    INFO("the last append ends at " << place << " of " << state.append_begin() << " to "
                                    << file.content.size());
    check(file.content.substr(0, place));
  }
}

// Whole up to the sector in the middle, and hollow behind it; cut short if there is no such sector.
Bytes half_of_last_append(const DiskState& state) {
  const DiskState::File& file = state.file(*state.appended());
  const std::size_t end = file.content.size();
  const std::size_t half = (state.append_begin() + end) / 2;
  const std::size_t sector = (half / sector_bytes + 1) * sector_bytes;
  if (sector >= end) return file.content.substr(0, half);
  Bytes torn = file.content.substr(0, sector);
  torn.resize(end, '\0');
  return torn;
}

void report(const char* what, std::size_t places, const Judge& judge) {
  std::cout << what << ": " << places << " places, " << judge.cuts() << " power cuts, "
            << judge.opened() << " different results opened\n";
}

std::size_t count_of(const DiskJournal& journal, DiskChange::Kind kind, std::string_view ending) {
  return static_cast<std::size_t>(
      std::count_if(journal.begin(), journal.end(), [&](const DiskChange& change) {
        return change.kind == kind && change.name.ends_with(ending);
      }));
}

}  // namespace

// Would catch: a test of nothing. The run flushes memtables, compacts files, changes logs; its
// steps overwrite, compact, install snapshots, and cross the blocks of the write-ahead log.
TEST_CASE("the run that is cut has some of everything", "[storage][rocks][crash]") {
  const TemporaryFolder folder;
  const DiskJournal journal = record_run(folder / "log");
  CHECK(count_of(journal, DiskChange::Kind::create, ".sst") >= 3);
  CHECK(count_of(journal, DiskChange::Kind::create, ".log") >= 4);
  CHECK(count_of(journal, DiskChange::Kind::remove, ".log") >= 3);
  CHECK(count_of(journal, DiskChange::Kind::sync, "") >= steps);

  std::size_t truncations = 0;
  std::size_t compactions = 0;
  std::size_t bases = 0;
  std::size_t bytes_max = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    const LogStep& step = workload().steps[i];
    const std::vector<EntryPtr>& entries = step.work.entries;
    truncations += !entries.empty() && entries.front()->index <= workload().models[i].last();
    compactions += step.compaction.has_value();
    bases += step.work.base.has_value();
  }
  for (const DiskChange& change : journal) bytes_max = std::max(bytes_max, change.bytes.size());
  CHECK(truncations >= 2);
  CHECK(compactions >= 2);
  CHECK(bases >= 2);
  CHECK(bytes_max > block_bytes);
}

// Would catch: any batch that is lost after its acknowledgement, there in part, or back from the
// dead; any leftover of a flush, a compaction or a change of files that keeps a node from starting;
// and a simulated disk that is kinder than the real one (DU-01, DU-03, DU-05).
TEST_CASE("after a power cut at any place RocksDB gives back what the model allows",
          "[storage][rocks][crash][DU-01][DU-03][DU-05]") {
  const TemporaryFolder folder;
  const DiskJournal journal = record_run(folder / "log");
  Judge judge(folder / "crash");
  DiskState state;
  Progress progress;
  for (std::size_t place = 0; place < journal.size(); ++place) {
    state.apply(journal[place]);
    progress.count(journal[place]);
    if (journal[place].kind == DiskChange::Kind::mark) continue;
    INFO("after change " << place << " of " << journal.size() << ", " << progress.acknowledged
                         << " steps acknowledged, " << progress.begun << " begun");
    cut_everything(state, progress, judge);
    tear_last_append(state, progress, judge);
  }
  CHECK(progress.acknowledged == steps);
  report("RocksDB under power cuts", journal.size(), judge);
}

// Would catch: a recovery that can be stopped only once, or that loses what it has just saved
// (DU-16).
TEST_CASE("a power cut during the recovery from a power cut loses nothing",
          "[storage][rocks][crash][DU-16]") {
  const TemporaryFolder folder;
  const DiskJournal journal = record_run(folder / "log");
  Judge judge(folder / "crash");
  std::size_t places = 0;
  DiskState state;
  Progress progress;
  for (const DiskChange& change : journal) {
    state.apply(change);
    progress.count(change);
    // In the middle of each eighth step's batch.
    const bool is_batch = state.appended() && progress.begun > progress.acknowledged;
    if (!is_batch || progress.begun % 6 != 0) continue;
    const Bytes torn = half_of_last_append(state);
    write_image(folder / "mended",
                state.after_cut(state.unsynced_names(), DiskState::whole, *state.appended(), torn));
    check_done(storage::mend_wal(folder / "mended", {}));

    const DiskImage mended = read_image(folder / "mended");
    RocksOnFaults recovery(folder / "recovery", mended);
    check_done(recovery.open());
    recovery.close();
    DiskState again(mended);
    for (const DiskChange& recovering : recovery.files().journal()) {
      again.apply(recovering);
      ++places;
      INFO("step " << progress.begun << ", change " << places << " of all recoveries");
      cut_everything(again, progress, judge);
    }
  }
  CHECK(places > 50);
  report("RocksDB under power cuts while it recovers", places, judge);
}

}  // namespace raft
