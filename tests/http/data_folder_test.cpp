// The data directory before anything is in it.
#include "kvserver/data_folder.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "kvserver/exit_code.hpp"

namespace kv {

namespace fs = std::filesystem;

TEST_CASE("a data directory is made with all above it, for its owner only", "[http][data]") {
  const auto temporary = TemporaryFolder::make();
  REQUIRE(temporary);
  const std::string path = (*temporary)->path() + "/a/b/";
  CHECK_FALSE(prepare_data_folder(path));
  CHECK_FALSE(prepare_data_folder(path));
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0700);
}

TEST_CASE("a directory is empty when nothing is in it, or nothing there", "[http][data]") {
  const auto temporary = TemporaryFolder::make();
  REQUIRE(temporary);
  const std::string path = (*temporary)->path();
  CHECK(is_empty_folder(path));
  CHECK(is_empty_folder(path + "/absent/below"));
  std::ofstream(path + "/file") << "x";
  CHECK_FALSE(is_empty_folder(path));
  CHECK_FALSE(is_empty_folder(path + "/file"));
}

TEST_CASE("a file in the way is named", "[http][data]") {
  const auto temporary = TemporaryFolder::make();
  REQUIRE(temporary);
  const std::string file = (*temporary)->path() + "/file";
  std::ofstream(file) << "x";
  for (const std::string& path : {file, file + "/data"}) {
    const Failure failure = prepare_data_folder(path);
    CHECK(failure.exit_code == exit_code::cannot_create);
    CHECK(failure.text.find(file) != std::string::npos);
  }
}

TEST_CASE("a directory that everybody may write to is refused", "[http][data][S07]") {
  const auto temporary = TemporaryFolder::make();
  REQUIRE(temporary);
  REQUIRE(::chmod((*temporary)->path().c_str(), 0777) == 0);
  CHECK(prepare_data_folder((*temporary)->path()).exit_code == exit_code::permission);
}

TEST_CASE("the space around a directory is told where there is one", "[http][data]") {
  const auto temporary = TemporaryFolder::make();
  REQUIRE(temporary);
  CHECK(free_bytes((*temporary)->path()));
  CHECK_FALSE(free_bytes((*temporary)->path() + "/absent"));
}

TEST_CASE("a temporary directory leaves nothing behind", "[http][data]") {
  std::string path;
  {
    const auto temporary = TemporaryFolder::make();
    REQUIRE(temporary);
    path = (*temporary)->path();
    std::ofstream(path + "/file") << "x";
    REQUIRE(fs::exists(path));
  }
  CHECK_FALSE(fs::exists(path));
}

}  // namespace kv
