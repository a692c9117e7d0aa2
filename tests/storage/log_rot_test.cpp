// Damage to stored records: nothing is silently cut or guessed, and the record is named.
#include "log_samples.hpp"
#include "sim/disk.hpp"
#include "storage/keys.hpp"
#include "storage/log_records.hpp"
#include "storage/log_store.hpp"
#include "util/bytes.hpp"
#include "util/crc32c.hpp"

namespace raft {
namespace {

using storage::describe_key;
using storage::entry_key;
using storage::LogStore;

constexpr GroupId group{1};
constexpr std::size_t plenty = std::size_t{1} << 30;

// A base at 3, entries 4 to 8 of terms 2 and 3.
struct World {
  World() {
    LogStore log(engine, group);
    value_of(log.recover());
    persist(engine, log, work_of(hard_state_of(2, 1, 3), entries_from_to(1, 5, 2)));
    persist(engine, log,
            work_of(hard_state_of(3, 2, 6),
                    {entry_at(6, 3), membership_at(7, 3, {1, 2}), entry_at(8, 3)}));
    compact(engine, log, base_at(3, 2));
  }

  Bytes stored(const Bytes& key) { return *value_of(engine.get(key)); }
  std::vector<Bytes> keys() {
    std::vector<Bytes> keys;
    check_done(engine.scan(Bytes(1, '\0'), Bytes(17, '\xff'), [&](BytesView key, BytesView) {
      keys.emplace_back(key);
      return true;
    }));
    return keys;
  }
  /// What a restart refuses with.
  Error refusal() {
    const Result<RecoveredLog> recovered = LogStore(engine, group).recover();
    REQUIRE_FALSE(recovered.has_value());
    return recovered.error();
  }
  void check_refused(const Bytes& key, const std::string& reason, Errc as = Errc::corrupt) {
    const Error error = refusal();
    CHECK(error.code == as);
    CHECK_THAT(error.detail, Catch::StartsWith(describe_key(key) + ": "));
    CHECK_THAT(error.detail, Catch::Contains(reason));
  }

  sim::Disk disk;
  sim::SimulatedEngine& engine = disk.engine();
};

}  // namespace

// Would catch: any stored bit that no checksum covers.
TEST_CASE("every flipped bit of every record is found and its key named",
          "[storage][log][rot][DU-06]") {
  World world;
  const std::vector<Bytes> keys = world.keys();
  REQUIRE(keys.size() == 7);
  for (const Bytes& key : keys) {
    const std::size_t bits = world.stored(key).size() * 8;
    for (std::size_t bit = 0; bit < bits; ++bit) {
      world.engine.rot(key, bit);
      const Error error = world.refusal();
      if (error.code != Errc::corrupt ||
          error.detail.find(describe_key(key) + ": checksum mismatch") != 0) {
        FAIL(describe_key(key) << " bit " << bit << ": " << error.detail);
      }
      world.engine.rot(key, bit);
    }
  }
  CHECK(LogStore(world.engine, group).recover().has_value());
}

// Would catch: a value cut short that is decoded beyond its end.
TEST_CASE("a truncated record is found", "[storage][log][rot]") {
  World world;
  for (const Bytes& key : world.keys()) {
    const Bytes whole = world.stored(key);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      world.engine.damage(key, whole.substr(0, size));
      const Error error = world.refusal();
      REQUIRE(error.code == Errc::corrupt);
      REQUIRE_THAT(error.detail, Catch::StartsWith(describe_key(key) + ": "));
    }
    world.engine.damage(key, whole);
  }
}

// Would catch: a hole in the middle of the log that is taken for its end (DU-06, SN-19).
TEST_CASE("a missing entry is a gap, not the end of the log", "[storage][log][rot][SN-19]") {
  World world;
  world.engine.damage(entry_key(group, {6}), std::nullopt);
  world.check_refused(entry_key(group, {7}), "entries 6 to 6 are missing");
}

TEST_CASE("a gap behind the base is found", "[storage][log][rot][SN-19]") {
  World world;
  world.engine.damage(entry_key(group, {4}), std::nullopt);
  world.engine.damage(entry_key(group, {5}), std::nullopt);
  world.check_refused(entry_key(group, {6}), "entries 4 to 5 are missing");
}

// Would catch: committed entries lost at the end of the log (DU-02).
TEST_CASE("a log that ends below its commit index is refused", "[storage][log][rot][DU-02]") {
  World world;
  for (std::uint64_t index = 6; index <= 8; ++index) {
    world.engine.damage(entry_key(group, {index}), std::nullopt);
  }
  world.check_refused(storage::hard_state_key(group), "commit 6 is above the log's last index, 5");
}

// Would catch: a forgotten term and vote, so that the node votes twice.
TEST_CASE("a lost hard state is refused, not guessed", "[storage][log][rot]") {
  World world;
  world.engine.damage(storage::hard_state_key(group), std::nullopt);
  world.check_refused(storage::hard_state_key(group), "term 0 is below the log's last term, 3");
}

TEST_CASE("a lost base is refused", "[storage][log][rot]") {
  World world;
  world.engine.damage(storage::base_key(group), std::nullopt);
  world.check_refused(entry_key(group, {4}), "entries 1 to 3 are missing");
}

// Would catch: a write that landed under another key, in any pairing.
TEST_CASE("a record under another key is found", "[storage][log][rot]") {
  World world;
  const std::vector<Bytes> keys = world.keys();
  for (const Bytes& from : keys) {
    for (const Bytes& to : keys) {
      if (from == to) continue;
      const Bytes right = world.stored(to);
      world.engine.damage(to, world.stored(from));
      world.check_refused(to, "checksum mismatch");
      world.engine.damage(to, right);
    }
  }
}

// Would catch: trust in the checksum where the writer itself was wrong.
TEST_CASE("a well-formed entry that cannot stand there is found", "[storage][log][rot]") {
  World world;
  const Bytes key = entry_key(group, {7});
  world.engine.damage(key, storage::encode_record(key, *entry_at(6, 3)));
  world.check_refused(key, "the record is of index 6");
  world.engine.damage(key, storage::encode_record(key, *entry_at(7, 2)));
  world.check_refused(key, "term 2 falls below the term before it, 3");
  world.engine.damage(key, storage::encode_record(key, *entry_at(7, 9)));
  world.check_refused(entry_key(group, {8}), "term 3 falls below the term before it, 9");
}

TEST_CASE("an entry below the base's term is found", "[storage][log][rot]") {
  World world;
  const Bytes key = entry_key(group, {4});
  world.engine.damage(key, storage::encode_record(key, *entry_at(4, 1)));
  world.check_refused(key, "term 1 falls below the term before it, 2");
}

// Would catch: an older version that reads a newer one's records as if it understood them (DU-18).
TEST_CASE("a record of a newer format is refused as such", "[storage][log][rot][DU-18]") {
  World world;
  const Bytes key = entry_key(group, {5});
  Bytes record = world.stored(key);
  record[4] = 2;
  Bytes crc;
  util::Writer(crc).u32(util::crc32c(BytesView(record).substr(4), util::crc32c(key)));
  record.replace(0, 4, crc);
  world.engine.damage(key, record);
  world.check_refused(key, "format 2 is unknown here", Errc::newer_format);
}

// Would catch: rotten entries sent to followers or applied.
TEST_CASE("a read finds rot and gaps, too", "[storage][log][rot][read]") {
  World world;
  LogStore log(world.engine, group);
  value_of(log.recover());
  world.engine.rot(entry_key(group, {6}), 99);
  CHECK(ids_of(value_of(log.read({4}, {5}, plenty))) == "2/4 2/5");
  const Result<std::vector<EntryPtr>> rotten = log.read({4}, {8}, plenty);
  REQUIRE_FALSE(rotten.has_value());
  CHECK(rotten.code() == Errc::corrupt);
  CHECK_THAT(rotten.error().detail, Catch::StartsWith("group 1 entry 6: "));

  world.engine.damage(entry_key(group, {6}), std::nullopt);
  const Result<std::vector<EntryPtr>> gap = log.read({4}, {8}, plenty);
  REQUIRE_FALSE(gap.has_value());
  CHECK_THAT(gap.error().detail, Catch::StartsWith("group 1 entry 7: entries 6 to 6"));
}

// Would catch: an I/O error that is taken for rot, or for an empty log.
TEST_CASE("a disk that cannot be read fails the recovery", "[storage][log][errors]") {
  World world;
  world.disk.faults().set_reads_fail(true);
  CHECK(world.refusal().code == Errc::storage_failed);
  CHECK(LogStore(world.engine, group).read({4}, {5}, plenty).code() == Errc::storage_failed);
}

}  // namespace raft
