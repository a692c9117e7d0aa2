// Rot in RocksDB's own files: what was promised is there, or its loss is reported by name.
#include <algorithm>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <filesystem>
#include <fstream>

#include "rocks_workload.hpp"
#include "temporary_folder.hpp"

namespace raft {
namespace {

constexpr std::size_t steps = 24;
constexpr std::size_t block_bytes = 32768;
constexpr std::size_t header_bytes = 7;

const LogSequence& workload() {
  static const LogSequence sequence = make_workload(steps);
  return sequence;
}

const PossibleStates& possible_states() {
  static const PossibleStates states(workload());
  return states;
}

struct Record {
  std::size_t begin;
  std::size_t end;
};

/// A database that has everything in one write-ahead log, a record for each step.
class World {
 public:
  World() {
    RocksOnFaults database(folder_ / "log", {}, buffer_bytes);
    check_done(database.open());
    Progress progress;
    check_done(write_steps(database, workload(), 0, steps, progress));
    DiskState state;
    std::size_t files = 0;
    std::size_t wal = 0;
    for (const DiskChange& change : database.files().journal()) {
      state.apply(change);
      if (change.kind == DiskChange::Kind::create) {
        if (change.name.ends_with(".log")) {
          REQUIRE(wal_.empty());
          wal_ = change.name;
          wal = files;
        }
        ++files;
      }
      if (state.appended() == wal && !wal_.empty()) {
        records_.push_back({state.append_begin(), state.file(wal).content.size()});
      }
    }
    image_ = state.after_cut(state.unsynced_names(), DiskState::whole);
    REQUIRE(records_.size() == steps);
    REQUIRE(records_.back().end == image_.at(wal_).size());
  }

  const std::vector<Record>& records() const { return records_; }
  std::string wal_path() const { return folder_ / ("crash/" + wal_); }

  /// The write-ahead log with so many records, and the rest of the database with it.
  Bytes wal_of(std::size_t records) const {
    return image_.at(wal_).substr(0, records_[records - 1].end);
  }
  DiskImage image_with(const Bytes& wal) const {
    DiskImage image = image_;
    image[wal_] = wal;
    return image;
  }
  /// Opens it with this log and says whether it was refused as it should be: by the name of the
  /// file, which stays as it is.
  bool is_refused(const Bytes& wal) {
    RocksOnFaults database(folder_ / "crash", image_with(wal), buffer_bytes);
    const Result<void> opened = database.open();
    if (opened) return false;
    CHECK(opened.code() == Errc::corrupt);
    CHECK_THAT(opened.error().detail, Catch::Contains(wal_path()));
    CHECK(read_image(folder_ / "crash").at(wal_) == wal);
    return true;
  }
  /// Opens it with this log and says how many steps are there.
  std::optional<std::size_t> steps_in(const Bytes& wal, std::size_t steps_min,
                                      std::size_t steps_max) {
    RocksOnFaults database(folder_ / "crash", image_with(wal), buffer_bytes);
    check_done(database.open());
    return possible_states().find(database.engine(), {steps_min, steps_max});
  }

 private:
  // Nothing is flushed.
  static constexpr std::size_t buffer_bytes = std::size_t{32} << 20;

  TemporaryFolder folder_;
  DiskImage image_;
  std::string wal_;
  std::vector<Record> records_;
};

// Bytes of a record that are worth to rot: its headers, in each block, and some of all others.
std::vector<std::size_t> places_in(const Record& record) {
  const std::size_t stride = std::max<std::size_t>((record.end - record.begin) / 24, 1);
  std::vector<std::size_t> places;
  for (std::size_t at = record.begin; at < record.end; ++at) {
    const bool is_header = at - record.begin < header_bytes || at % block_bytes < header_bytes;
    if (is_header || (at - record.begin) % stride == 0 || at + 1 == record.end) {
      places.push_back(at);
    }
  }
  return places;
}

Bytes flipped(Bytes bytes, std::size_t at, unsigned bit) {
  bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1u << bit));
  return bytes;
}

}  // namespace

// Would catch: a log that opens with fewer batches than were promised, because a record in front of
// the last one has rotted: its checksum, its length, its type, its end (DU-06).
TEST_CASE("rot in any record in front of another is refused by name",
          "[storage][rocks][rot][DU-06]") {
  World world;
  const Bytes wal = world.wal_of(steps);
  std::size_t flips = 0;
  for (std::size_t i = 0; i + 1 < steps; ++i) {
    for (const std::size_t at : places_in(world.records()[i])) {
      INFO("record " << i << ", byte " << at);
      CHECK(world.is_refused(flipped(wal, at, static_cast<unsigned>(flips++ % 8))));
    }
  }
  std::cout << "rot in the middle of the write-ahead log: " << flips << " places\n";
}

// Would catch: the last promised batch dropped for a flipped bit, as if a power cut had torn it.
// What cannot be told from that is documented, and no more than that: a length that has rotted so
// that the record seems to go on behind the end of the file.
TEST_CASE("rot in the last record is refused unless it looks exactly like a torn end",
          "[storage][rocks][rot][DU-06]") {
  World world;
  std::size_t flips = 0;
  std::size_t torn = 0;
  for (std::size_t count = 1; count <= steps; ++count) {
    const Bytes wal = world.wal_of(count);
    const Record& record = world.records()[count - 1];
    // Where the header of its last fragment has the length.
    const std::size_t last_block = (record.end - 1) / block_bytes * block_bytes;
    const std::size_t length = std::max(record.begin, last_block) + 4;
    for (const std::size_t at : places_in(record)) {
      INFO("record " << count - 1 << ", byte " << at);
      ++flips;
      const Bytes rotten = flipped(wal, at, static_cast<unsigned>(flips % 8));
      if (world.is_refused(rotten)) continue;
      ++torn;
      CHECK((at == length || at == length + 1));
      CHECK(world.steps_in(wal, count, count) == count);
      CHECK(world.steps_in(rotten, count - 1, count - 1) == count - 1);
    }
  }
  CHECK(torn > 0);
  std::cout << "rot in the last record: " << flips << " places, " << torn
            << " look like a torn end\n";
}

// Would catch: a log without its end that passes for a shorter one, when a newer log goes on.
TEST_CASE("a write-ahead log that is lost or cut behind a flush is refused",
          "[storage][rocks][rot][DU-06]") {
  const TemporaryFolder folder;
  // A moment at which two logs hold something that is in no sorted file yet: RocksDB flushes in the
  // background, and may be too quick for that.
  DiskImage two_logs;
  std::string older;
  for (int tries = 0; tries < 100 && older.empty(); ++tries) {
    RocksOnFaults database(folder / ("log-" + std::to_string(tries)));
    check_done(database.open());
    Progress progress;
    check_done(write_steps(database, workload(), 0, steps, progress));
    DiskState state;
    progress = {};
    for (const DiskChange& change : database.files().journal()) {
      state.apply(change);
      progress.count(change);
      const DiskImage image = state.after_cut(state.unsynced_names(), DiskState::durable);
      std::vector<std::string> logs;
      bool is_flushed = false;
      for (const auto& [name, bytes] : image) {
        if (name.ends_with(".log") && !bytes.empty()) logs.push_back(name);
        is_flushed = is_flushed || (name.ends_with(".sst") && !bytes.empty());
      }
      if (is_flushed || logs.size() < 2 || progress.acknowledged != progress.begun) continue;
      two_logs = image;
      older = logs.front();
      break;
    }
  }
  REQUIRE_FALSE(older.empty());

  const auto open = [&](const DiskImage& image) {
    RocksOnFaults again(folder / "crash", image);
    return again.open();
  };
  CHECK(open(two_logs).has_value());

  DiskImage cut = two_logs;
  cut[older].resize(cut[older].size() - 1);
  CHECK(open(cut).code() == Errc::corrupt);

  DiskImage lost = two_logs;
  lost.erase(older);
  CHECK(open(lost).code() == Errc::corrupt);
}

}  // namespace raft
