// Which store a data directory belongs to. Catches a start that looks at the right data with the
// wrong store, and finds nothing or starts a second copy.
#include "kvserver/store_choice.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kvserver/data_folder.hpp"

namespace kv {
namespace {

using raft::Errc;

constexpr bool fresh = false;
constexpr bool begun = true;

class StoreChoice {
 public:
  StoreChoice() { REQUIRE(folder_); }

  std::string path() const { return (*folder_)->path(); }
  std::string file() const { return path() + "/store"; }
  StoreKind chosen(std::optional<StoreKind> asked, bool is_begun) const {
    const auto kind = choose_store(path(), asked, is_begun);
    REQUIRE(kind);
    return *kind;
  }
  std::string content() const {
    std::ifstream stream(file());
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  raft::Result<std::unique_ptr<TemporaryFolder>> folder_ = TemporaryFolder::make();
};

}  // namespace

TEST_CASE_METHOD(StoreChoice, "a new directory takes the store that is asked for, and keeps it",
                 "[http][data]") {
  const StoreKind kind = GENERATE(StoreKind::memory, StoreKind::rocksdb);
  CHECK(chosen(kind, fresh) == kind);
  CHECK(content() == std::string(to_string(kind)) + "\n");
  CHECK(chosen({}, fresh) == kind);
  CHECK(chosen({}, begun) == kind);
  CHECK(chosen(kind, begun) == kind);
}

TEST_CASE_METHOD(StoreChoice, "a new directory without a word keeps its keys in memory",
                 "[http][data]") {
  CHECK(chosen({}, fresh) == StoreKind::memory);
  CHECK(content() == "memory\n");
}

TEST_CASE_METHOD(StoreChoice, "another store than the recorded one is refused, with what to do",
                 "[http][data]") {
  REQUIRE(choose_store(path(), StoreKind::rocksdb, fresh));
  const auto other = choose_store(path(), StoreKind::memory, begun);
  CHECK(other.code() == Errc::invalid_argument);
  CHECK(other.error().detail.find("--store=memory") != std::string::npos);
  CHECK(other.error().detail.find("--store=rocksdb") != std::string::npos);
  CHECK(content() == "rocksdb\n");
}

TEST_CASE_METHOD(StoreChoice, "a directory from before the record is known by what is in it",
                 "[http][data]") {
  const bool has_keys = GENERATE(true, false);
  if (has_keys) std::filesystem::create_directory(path() + "/kv");
  const StoreKind present = has_keys ? StoreKind::rocksdb : StoreKind::memory;
  const StoreKind other = has_keys ? StoreKind::memory : StoreKind::rocksdb;
  CHECK(choose_store(path(), other, begun).code() == Errc::invalid_argument);
  CHECK(chosen({}, begun) == present);
  CHECK(content() == std::string(to_string(present)) + "\n");
}

TEST_CASE_METHOD(StoreChoice, "a record that names no store is refused, never guessed",
                 "[http][data]") {
  const std::string rot = GENERATE("", "memory", "memorz\n", "rocksdb\nmemory\n");
  std::ofstream(file()) << rot << std::flush;
  const auto chosen = choose_store(path(), StoreKind::memory, begun);
  CHECK(chosen.code() == Errc::corrupt);
  CHECK(chosen.error().detail.find(file()) != std::string::npos);
}

}  // namespace kv
