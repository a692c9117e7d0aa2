// RocksDB's own files after a power cut, and after rot. A copy of the files of an open database is
// what a crash at that moment leaves; pages are then taken from its un-synced end.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "core/random.hpp"
#include "log_samples.hpp"
#include "storage/rocks_engine.hpp"
#include "temporary_folder.hpp"

namespace raft {
namespace {

namespace fs = std::filesystem;
using storage::KvBatch;
using storage::RocksEngine;

constexpr std::size_t page_bytes = 4096;

Result<std::unique_ptr<RocksEngine>> open(const std::string& folder) {
  storage::RocksOptions options;
  options.folder = folder;
  return RocksEngine::open(options);
}

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  REQUIRE(file);
}

std::string only_wal_in(const std::string& folder) {
  std::string wal;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".log") continue;
    REQUIRE(wal.empty());
    wal = entry.path().filename().string();
  }
  REQUIRE_FALSE(wal.empty());
  return wal;
}

// A database with two synced batches and the last one, of a given size, that may be torn.
class World {
 public:
  explicit World(std::size_t last_bytes) {
    {
      const auto engine = value_of(open(folder_ / "live"));
      put(*engine, "a", random_bytes(5'000));
      put(*engine, "b", random_bytes(300));
      wal_ = only_wal_in(folder_ / "live");
      synced_ = fs::file_size(folder_ / ("live/" + wal_));
      put(*engine, "c", random_bytes(last_bytes));
      fs::copy(folder_ / "live", folder_ / "cut", fs::copy_options::recursive);
    }
    whole_ = read_file(folder_ / ("cut/" + wal_));
  }

  const Bytes& whole() const { return whole_; }
  std::size_t synced() const { return synced_; }
  std::string wal_path() const { return folder_ / ("crash/" + wal_); }
  std::string path() const { return folder_ / "crash"; }

  /// Opens what a crash leaves when the log looks like this.
  Result<std::unique_ptr<RocksEngine>> open_with(const Bytes& wal) {
    fs::remove_all(path());
    fs::copy(folder_ / "cut", path(), fs::copy_options::recursive);
    write_file(wal_path(), wal);
    return open(path());
  }

  static std::string keys_in(const RocksEngine& engine) {
    std::string keys;
    check_done(engine.scan("", "~", [&](BytesView key, BytesView) {
      keys += key;
      return true;
    }));
    return keys;
  }

  static void put(RocksEngine& engine, const Bytes& key, const Bytes& value) {
    KvBatch batch;
    batch.put(key, value);
    check_done(engine.write(batch, true));
  }

 private:
  // Never zeros, so that what looks like a hole is one.
  Bytes random_bytes(std::size_t size) {
    Bytes bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_.between(1, 256));
    return bytes;
  }

  core::Random random_{7};
  TemporaryFolder folder_;
  std::string wal_;
  std::size_t synced_ = 0;
  Bytes whole_;
};

void check_opens(World& world, const Bytes& wal) {
  {
    const auto engine = value_of(world.open_with(wal));
    const std::string keys = World::keys_in(*engine);
    CHECK((keys == "ab" || keys == "abc"));
    if (wal != world.whole()) CHECK(keys == "ab");
    World::put(*engine, "d", "after");
  }
  const std::string again = World::keys_in(*value_of(open(world.path())));
  CHECK((again == "abd" || again == "abcd"));
}

void check_refused(World& world, const Bytes& wal) {
  const auto engine = world.open_with(wal);
  REQUIRE_FALSE(engine.has_value());
  CHECK(engine.code() == Errc::corrupt);
  CHECK_THAT(engine.error().detail, Catch::Contains(world.wal_path()));
  // It must not have been repaired behind anybody's back.
  CHECK(read_file(world.wal_path()) == wal);
}

}  // namespace

// Would catch: a node that does not start after a plain power cut, because a page in the middle of
// the batch being written was lost while a later one was not (DU-05).
TEST_CASE("whichever pages of the last batch are lost, the database opens without it",
          "[storage][rocks][crash][DU-05]") {
  World world(GENERATE(100u, 9'000u, 70'000u));
  for (std::size_t page = world.synced() / page_bytes * page_bytes; page < world.whole().size();
       page += page_bytes) {
    Bytes wal = world.whole();
    const std::size_t begin = std::max(page, world.synced());
    const std::size_t end = std::min(page + page_bytes, wal.size());
    std::fill(wal.begin() + static_cast<std::ptrdiff_t>(begin),
              wal.begin() + static_cast<std::ptrdiff_t>(end), '\0');
    INFO("page at " << page);
    check_opens(world, wal);
  }
}

TEST_CASE("any mixture of kept, lost and torn pages of the last batch opens",
          "[storage][rocks][crash][DU-05]") {
  World world(70'000);
  core::Random random(GENERATE(range(1u, 13u)));
  Bytes wal = world.whole();
  for (std::size_t at = world.synced(); at < wal.size();) {
    const std::size_t end = std::min((at / page_bytes + 1) * page_bytes, wal.size());
    // Lost, kept, or kept up to some sector of 512 bytes.
    const std::uint64_t outcome = random.between(0, 3);
    const std::size_t sectors = static_cast<std::size_t>(random.between(0, 8));
    const std::size_t kept = outcome == 0 ? 0 : outcome == 1 ? page_bytes : sectors * 512;
    const std::size_t from = std::max(at, at / page_bytes * page_bytes + kept);
    for (std::size_t i = from; i < end; ++i) wal[i] = '\0';
    at = end;
  }
  SECTION("in full length") {}
  SECTION("cut short") {
    wal.resize(static_cast<std::size_t>(random.between(world.synced(), wal.size() + 1)));
  }
  check_opens(world, wal);
}

// Would catch: a log that opens with fewer batches than were promised, because a record in its
// middle has rotted (DU-06).
TEST_CASE("lost sectors in front of another batch are refused by name",
          "[storage][rocks][rot][DU-06]") {
  World world(300);
  Bytes wal = world.whole();
  std::fill(wal.begin() + 512, wal.begin() + 4096, '\0');
  check_refused(world, wal);
}

TEST_CASE("rot in the files that describe the database is refused by name",
          "[storage][rocks][rot][DU-06]") {
  World world(300);
  value_of(world.open_with(world.whole())).reset();
  std::string manifest;
  for (const fs::directory_entry& entry : fs::directory_iterator(world.path())) {
    if (entry.path().filename().string().starts_with("MANIFEST")) manifest = entry.path().string();
  }
  REQUIRE_FALSE(manifest.empty());
  Bytes bytes = read_file(manifest);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(manifest, bytes);
  const auto engine = open(world.path());
  REQUIRE_FALSE(engine.has_value());
  CHECK(engine.code() == Errc::corrupt);
  CHECK_THAT(engine.error().detail, Catch::Contains(manifest));
}

}  // namespace raft
