// What the store on RocksDB promises about crashes. A crash is a copy of the folder: without a WAL
// nothing else of the process survives. Copies are taken when no flush is under way.
#include "kvserver/rocks_store.hpp"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "support.hpp"

namespace kv {
namespace {

namespace fs = std::filesystem;
using test::BytesReader;
using test::Driver;
using test::Model;
using test::TemporaryFolder;

void copy_folder(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& at : fs::directory_iterator(folder)) names.push_back(at.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

Bytes meta_value(raft::DurableStateMachine& machine, BytesView key) {
  const auto records = machine.load_meta();
  REQUIRE(records);
  for (const raft::MetaRecord& record : *records) {
    if (record.key == key) return record.value.value();
  }
  return "(absent)";
}

// A store with the model of its content at every commit.
struct Written {
  explicit Written(const std::string& folder) : driver(test::open_store(folder)) {}

  // Applies ten entries and commits them.
  void write_run() {
    for (int i = 0; i < 10; ++i) {
      last = last.next();
      const Bytes key = std::to_string(last.value * 31 % 200);
      const Bytes value = std::to_string(last.value);
      const Command command = last.value % 5 == 0 ? Command(Delete{key}) : Command(Put{key, value});
      driver.apply(command, last);
      test::apply_to(model, command, last);
    }
    driver.commit(last);
    history[last.value] = model;
  }

  Driver driver;
  Index last;
  Model model;
  std::map<std::uint64_t, Model> history{{0, {}}};
};

// Would catch a durable index that is ahead of the files, data without its meta, and part of a
// commit.
TEST_CASE("a crash loses what is above the durable index and nothing else",
          "[DU-13][kv][rocks][crash]") {
  const TemporaryFolder folder;
  Written written(folder / "kv");
  Driver& driver = written.driver;
  CHECK(driver.durable().durable_index() == Index{0});
  for (int round = 0; round < 3; ++round) {
    for (int run = 0; run < 100; ++run) written.write_run();
    const Index asked = written.last;
    driver.durable().request_durable(asked);
    // Commits go on during the flush: it must not count them as covered.
    do {
      written.write_run();
    } while (driver.durable().durable_index() < asked);
    CHECK(driver.durable().durable_index() == asked);
    driver.apply(Put{"staged", "only"}, written.last.next());
    copy_folder(folder / "kv", folder / "crashed");
    driver.apply(Delete{"staged"}, written.last.next());

    Driver reopened(test::open_store(folder / "crashed"));
    CHECK(reopened.durable().durable_index() == asked);
    const Model& expected = written.history.at(asked.value);
    CHECK(test::contents_of(reopened.store()) == expected);
    CHECK(reopened.store().totals() == test::totals_of(expected));
    CHECK(meta_value(reopened.durable(), "applied") == std::to_string(asked.value));
  }
}

TEST_CASE("a store that was closed in good order has lost nothing", "[kv][rocks]") {
  const TemporaryFolder folder;
  Model model;
  {
    Written written(folder / "kv");
    for (int run = 0; run < 50; ++run) written.write_run();
    model = written.model;
  }
  Written reopened(folder / "kv");
  CHECK(reopened.driver.durable().durable_index() == Index{500});
  CHECK(test::contents_of(reopened.driver.store()) == model);
  // Replay goes on where the data ends.
  reopened.last = {500};
  reopened.model = model;
  reopened.write_run();
  CHECK(test::contents_of(reopened.driver.store()) == reopened.model);
}

// The log is shortened up to the durable index, so flushes that nobody asked for must raise it too.
TEST_CASE("the durable index rises by itself when memory is full", "[kv][rocks]") {
  const TemporaryFolder folder;
  Driver driver(test::open_store(folder / "kv", {std::size_t{64} << 10, std::size_t{1} << 20}));
  const Bytes value(10'000, 'v');
  std::uint64_t index = 0;
  // Each write fills more of the buffer, so the flush comes; when, is RocksDB's affair.
  while (driver.durable().durable_index() == Index{0}) {
    ++index;
    driver.apply(Put{std::to_string(index), value}, {index});
    driver.commit({index});
  }
  CHECK(driver.durable().durable_index() <= Index{index});
}

TEST_CASE("asking for durability again and for too much does no harm", "[kv][rocks]") {
  const TemporaryFolder folder;
  Driver driver(test::open_store(folder / "kv"));
  driver.durable().request_durable({100});
  CHECK(driver.durable().durable_index() == Index{0});
  driver.apply(Put{"a", "1"}, {1});
  driver.commit({1});
  for (int i = 0; i < 10; ++i) driver.durable().request_durable({100});
  test::await_durable(driver.durable(), {1});
  driver.apply(Put{"a", "2"}, {2});
  driver.commit({2});
  test::await_durable(driver.durable(), {2});
}

// Would catch a store that counts the commands only: what libraft waits for would never be durable,
// and the log behind a command would never be shortened.
TEST_CASE("entries that are no commands count too", "[kv][rocks]") {
  const TemporaryFolder folder;
  {
    Driver driver(test::open_store(folder / "kv"));
    driver.apply(Put{"a", "1"}, {1});
    driver.commit({3});
    test::await_durable(driver.durable(), {3});
    driver.commit({7});
    test::await_durable(driver.durable(), {7});
  }
  CHECK(Driver(test::open_store(folder / "kv")).durable().durable_index() == Index{7});
}

TEST_CASE("meta records are set, kept and erased", "[kv][rocks]") {
  const TemporaryFolder folder;
  {
    Driver driver(test::open_store(folder / "kv"));
    const std::vector<raft::MetaRecord> first{{"a", "1"}, {"b", Bytes("\0\xff", 2)}, {"", "empty"}};
    REQUIRE(driver.durable().commit({1}, first));
    const std::vector<raft::MetaRecord> second{{"a", std::nullopt}, {"c", ""}};
    REQUIRE(driver.durable().commit({2}, second));
  }
  Driver reopened(test::open_store(folder / "kv"));
  CHECK(reopened.durable().load_meta()->size() == 3);
  CHECK(meta_value(reopened.durable(), "a") == "(absent)");
  CHECK(meta_value(reopened.durable(), "b") == Bytes("\0\xff", 2));
  CHECK(meta_value(reopened.durable(), "c").empty());
  CHECK(meta_value(reopened.durable(), "") == "empty");
  CHECK(test::contents_of(reopened.store()).empty());
}

// Replies leave after the commit: readers must not see more than that, nor captures, whose meta
// would not fit.
TEST_CASE("what is only staged is seen by the next entry and by nobody else", "[kv][rocks]") {
  const TemporaryFolder folder;
  Driver driver(test::open_store(folder / "kv"));
  driver.apply(Put{"a", "1"}, {1});
  driver.commit({1});
  driver.apply(Put{"a", "2"}, {2});
  CHECK(driver.apply(Put{"a", "3", Unchanged{{2}}}, {3}).outcome == Outcome::replaced);
  CHECK((*driver.store().get("a"))->value == "1");
  const Model committed{{"a", {"1", {1}, {1}, 1}}};
  CHECK(test::contents_of(driver.store()) == committed);
  CHECK(test::read_all(*driver.store().machine().capture()) == test::snapshot_of(committed, {1}));
  driver.commit({3});
  CHECK((*driver.store().get("a"))->value == "3");
}

const Model restored_model{{"new", {"state", {50}, {60}, 2}}};

// A store at entry 10 with one key, everything durable.
void make_old_state(const std::string& folder) {
  Driver driver(test::open_store(folder));
  driver.apply(Put{"old", "state"}, {10});
  driver.commit({10});
}

void check_old_state(const std::string& folder) {
  Driver driver(test::open_store(folder));
  CHECK(test::contents_of(driver.store()) == Model{{"old", {"state", {10}, {10}, 1}}});
  CHECK(driver.durable().durable_index() == Index{10});
  CHECK(meta_value(driver.durable(), "applied") == "10");
  CHECK(names_in(folder) == std::vector<std::string>{"ACTIVE", "db-000001"});
}

void check_new_state(const std::string& folder) {
  Driver driver(test::open_store(folder));
  CHECK(test::contents_of(driver.store()) == restored_model);
  CHECK(driver.durable().durable_index() == Index{60});
  CHECK(meta_value(driver.durable(), "applied") == "60");
  CHECK(meta_value(driver.durable(), "gone") == "(absent)");
  CHECK(names_in(folder) == std::vector<std::string>{"ACTIVE", "db-000002"});
}

void restore_new_state(Driver& driver) {
  BytesReader snapshot(test::snapshot_of(restored_model, {60}));
  const std::vector<raft::MetaRecord> meta{{"applied", "60"}};
  REQUIRE(driver.restore(snapshot, {60}, meta));
}

TEST_CASE("a restore replaces data and meta and is durable when it returns",
          "[kv][rocks][restore]") {
  const TemporaryFolder folder;
  make_old_state(folder / "kv");
  {
    Driver driver(test::open_store(folder / "kv"));
    const std::vector<raft::MetaRecord> gone{{"gone", "with the old state"}};
    REQUIRE(driver.durable().commit({11}, gone));
    restore_new_state(driver);
    CHECK(driver.durable().durable_index() == Index{60});
    CHECK(meta_value(driver.durable(), "gone") == "(absent)");
    copy_folder(folder / "kv", folder / "crashed");
  }
  check_new_state(folder / "crashed");
  check_new_state(folder / "kv");
}

TEST_CASE("a restore that is repeated gives the same state", "[kv][rocks][restore]") {
  const TemporaryFolder folder;
  {
    Driver driver(test::open_store(folder / "kv"));
    restore_new_state(driver);
    restore_new_state(driver);
    CHECK(names_in(folder / "kv") == std::vector<std::string>{"ACTIVE", "db-000003"});
  }
  Driver reopened(test::open_store(folder / "kv"));
  CHECK(test::contents_of(reopened.store()) == restored_model);
}

// The states that a crash can leave, in the order of the steps of a restore. Would catch a swap
// that is not one step, and an open that deletes the wrong generation.
TEST_CASE("a restore that was interrupted leaves the old state or the new one",
          "[kv][rocks][restore][crash]") {
  const TemporaryFolder folder;
  make_old_state(folder / "kv");
  copy_folder(folder / "kv", folder / "new");
  {
    Driver driver(test::open_store(folder / "new"));
    restore_new_state(driver);
  }
  SECTION("an empty folder for the new generation") {
    fs::create_directory(folder / "kv/db-000002");
    check_old_state(folder / "kv");
  }
  SECTION("a new generation that is not complete") {
    fs::create_directory(folder / "kv/db-000002");
    write_file(folder / "kv/db-000002/CURRENT", "MANIFEST-00000");
    write_file(folder / "kv/db-000002/000012.sst", "half a file");
    check_old_state(folder / "kv");
  }
  SECTION("a complete new generation that nothing names") {
    copy_folder(folder / "new/db-000002", folder / "kv/db-000002");
    check_old_state(folder / "kv");
  }
  SECTION("a new ACTIVE that is cut off and has not its name yet") {
    copy_folder(folder / "new/db-000002", folder / "kv/db-000002");
    write_file(folder / "kv/ACTIVE.tmp", "db-0");
    check_old_state(folder / "kv");
  }
  SECTION("a new ACTIVE that is complete and has not its name yet") {
    copy_folder(folder / "new/db-000002", folder / "kv/db-000002");
    write_file(folder / "kv/ACTIVE.tmp", "db-000002\n");
    check_old_state(folder / "kv");
  }
  SECTION("the new ACTIVE, with the old generation still there") {
    copy_folder(folder / "new/db-000002", folder / "kv/db-000002");
    fs::copy_file(folder / "new/ACTIVE", folder / "kv/ACTIVE",
                  fs::copy_options::overwrite_existing);
    check_new_state(folder / "kv");
  }
  SECTION("the old generation half deleted") {
    copy_folder(folder / "new/db-000002", folder / "kv/db-000002");
    fs::copy_file(folder / "new/ACTIVE", folder / "kv/ACTIVE",
                  fs::copy_options::overwrite_existing);
    fs::remove(folder / "kv/db-000001/CURRENT");
    check_new_state(folder / "kv");
  }
  // After a crash in the middle libraft restores again.
  {
    Driver driver(test::open_store(folder / "kv"));
    restore_new_state(driver);
    CHECK(test::contents_of(driver.store()) == restored_model);
  }
}

TEST_CASE("a restore that fails leaves no folder behind", "[kv][rocks][restore]") {
  const TemporaryFolder folder;
  make_old_state(folder / "kv");
  {
    Driver driver(test::open_store(folder / "kv"));
    const Bytes whole = test::snapshot_of(restored_model, {60});
    BytesReader cut(whole.substr(0, whole.size() - 1));
    CHECK_FALSE(driver.restore(cut));
    CHECK(names_in(folder / "kv") == std::vector<std::string>{"ACTIVE", "db-000001"});
  }
  check_old_state(folder / "kv");
}

// An old capture that is still being sent must not be cut off by a restore, nor keep its files.
TEST_CASE("a capture survives a restore and then frees the old files", "[kv][rocks][restore]") {
  const TemporaryFolder folder;
  make_old_state(folder / "kv");
  Driver driver(test::open_store(folder / "kv"));
  auto capture = driver.store().machine().capture();
  restore_new_state(driver);
  CHECK(names_in(folder / "kv").size() == 3);
  const Model old{{"old", {"state", {10}, {10}, 1}}};
  CHECK(test::read_all(*capture) == test::snapshot_of(old, {10}));
  capture.reset();
  CHECK(names_in(folder / "kv") == std::vector<std::string>{"ACTIVE", "db-000002"});
}

TEST_CASE("a first start that was interrupted begins anew", "[kv][rocks][crash]") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "kv");
  SECTION("nothing but the folder") {}
  SECTION("a name that is not in force yet") { write_file(folder / "kv/ACTIVE.tmp", "db"); }
  SECTION("a name without a database") { write_file(folder / "kv/ACTIVE", "db-000001\n"); }
  SECTION("a database that is just an empty folder") {
    write_file(folder / "kv/ACTIVE", "db-000001\n");
    fs::create_directory(folder / "kv/db-000001");
  }
  Driver driver(test::open_store(folder / "kv"));
  CHECK(test::contents_of(driver.store()).empty());
  CHECK(driver.durable().durable_index() == Index{0});
  CHECK(driver.durable().load_meta()->empty());
}

// To go on with an empty store where there was a full one would lose what was acknowledged.
TEST_CASE("a store whose folder was damaged does not open", "[kv][rocks]") {
  const TemporaryFolder folder;
  make_old_state(folder / "kv");
  std::string active = read_file(folder / "kv/ACTIVE");
  CHECK(active == "db-000001\n");
  raft::Errc as = raft::Errc::corrupt;
  SECTION("ACTIVE is gone") {
    fs::remove(folder / "kv/ACTIVE");
    as = raft::Errc::data_missing;
  }
  SECTION("ACTIVE is empty") { write_file(folder / "kv/ACTIVE", ""); }
  SECTION("ACTIVE names nothing of ours") { write_file(folder / "kv/ACTIVE", "../elsewhere\n"); }
  SECTION("ACTIVE has two lines") { write_file(folder / "kv/ACTIVE", "db-000001\ndb-000002\n"); }
  SECTION("ACTIVE names a generation that is not there") {
    write_file(folder / "kv/ACTIVE", "db-000002\n");
    as = raft::Errc::data_missing;
  }
  SECTION("the manifest is damaged") {
    for (const std::string& name : names_in(folder / "kv/db-000001")) {
      if (!name.starts_with("MANIFEST")) continue;
      const std::string path = folder / ("kv/db-000001/" + name);
      std::string bytes = read_file(path);
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
      write_file(path, bytes);
    }
  }
  const auto opened = open_rocks_store(folder / "kv");
  REQUIRE_FALSE(opened);
  CHECK(test::fails_with(as, opened));
  CHECK(opened.error().detail.find(folder / "kv") != std::string::npos);
  CHECK(fs::exists(folder / "kv/db-000001"));
}

// apply() cannot say that reading failed. If commit() did not either, replicas would diverge.
TEST_CASE("damage that is found while applying fails the commit", "[kv][rocks]") {
  const TemporaryFolder folder;
  {
    Driver driver(test::open_store(folder / "kv"));
    for (std::uint64_t index = 1; index <= 200; ++index) {
      driver.apply(Put{std::to_string(index), Bytes(1000, 'v')}, {index});
    }
    driver.commit({200});
  }
  for (const auto& at : fs::directory_iterator(folder / "kv/db-000001")) {
    if (at.path().extension() != ".sst") continue;
    std::string bytes = read_file(at.path());
    for (std::size_t i = 0; i < bytes.size() / 2; i += 100) bytes[i] = static_cast<char>(~bytes[i]);
    write_file(at.path(), bytes);
  }
  Driver driver(test::open_store(folder / "kv"));
  CHECK(test::fails_with(raft::Errc::corrupt, driver.store().get("1")));
  const auto scanned = driver.store().scan({}, [](BytesView, const ItemView&) { return true; });
  CHECK(test::fails_with(raft::Errc::corrupt, scanned));
  const auto capture = driver.store().machine().capture();
  CHECK(capture->read(1000));  // The header.
  CHECK(test::fails_with(raft::Errc::corrupt, capture->read(1000)));
  CHECK(driver.apply_bytes(encode(Put{"1", "x"}), {201}).empty());
  CHECK(driver.apply_bytes(encode(Put{"fresh", "x"}), {202}).empty());
  CHECK(test::fails_with(raft::Errc::corrupt, driver.durable().commit({202}, {})));
  CHECK(driver.durable().durable_index() == Index{200});
}

TEST_CASE("a store that is open cannot be opened again", "[kv][rocks]") {
  const TemporaryFolder folder;
  const auto store = test::open_store(folder / "kv");
  const auto second = open_rocks_store(folder / "kv");
  REQUIRE_FALSE(second);
  CHECK(test::fails_with(raft::Errc::invalid_argument, second));
}

TEST_CASE("a store whose parent folder is missing says so", "[kv][rocks]") {
  const TemporaryFolder folder;
  const auto opened = open_rocks_store(folder / "missing/kv");
  REQUIRE_FALSE(opened);
  CHECK(test::fails_with(raft::Errc::storage_failed, opened));
  CHECK(opened.error().detail.find("missing/kv") != std::string::npos);
}

TEST_CASE("the folder is for its owner only", "[kv][rocks][S07]") {
  const TemporaryFolder folder;
  const auto store = test::open_store(folder / "kv");
  struct stat status {};
  REQUIRE(::stat((folder / "kv").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
}

// Debian's RocksDB ends the process when a file of its messages finds no space, instead of writing
// none.
TEST_CASE("the database keeps no file of messages", "[kv][rocks]") {
  const TemporaryFolder folder;
  Written written(folder / "kv");
  written.write_run();
  std::vector<std::string> names;
  for (const auto& at : fs::recursive_directory_iterator(folder / "kv")) {
    names.push_back(at.path().filename());
  }
  CHECK(std::count(names.begin(), names.end(), "CURRENT") == 1);
  CHECK(std::count(names.begin(), names.end(), "LOG") == 0);
}

// Would catch a reader that meets the database in the middle of its replacement. Readers see whole
// commits: the two keys of one commit are equal in every scan.
TEST_CASE("reads on other threads see whole commits, also during a restore", "[kv][rocks]") {
  const TemporaryFolder folder;
  Driver driver(test::open_store(folder / "kv"));
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::atomic<std::uint64_t> scans{0};
  std::thread reader([&] {
    while (!stop) {
      std::vector<Bytes> values;
      const auto scanned = driver.store().scan({}, [&](BytesView, const ItemView& item) {
        values.emplace_back(item.value);
        return true;
      });
      if (!scanned || !driver.store().get("a")) ++torn;
      if (!values.empty() && (values.size() != 2 || values[0] != values[1])) ++torn;
      ++scans;
    }
  });
  Model model;
  for (std::uint64_t index = 1; index <= 400 || scans < 100; ++index) {
    const Bytes value = std::to_string(index);
    driver.apply(Put{"a", value}, {2 * index - 1});
    driver.apply(Put{"b", value}, {2 * index});
    driver.commit({2 * index});
    if (index % 100 != 0) continue;
    const auto snapshot = driver.store().machine().capture();
    if (!driver.restore(*snapshot, {2 * index})) ++torn;
  }
  stop = true;
  reader.join();
  CHECK(torn == 0);
}

}  // namespace
}  // namespace kv
