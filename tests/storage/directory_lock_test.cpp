#include "storage/directory_lock.hpp"

#include <filesystem>
#include <optional>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log_samples.hpp"
#include "temporary_folder.hpp"

namespace raft {
namespace {

using storage::DirectoryLock;

// What another process sees: the code of the error, or 0.
int try_in_another_process(const std::string& folder) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const Result<DirectoryLock> lock = DirectoryLock::acquire(folder);
    ::_exit(lock ? 0 : static_cast<int>(lock.code()));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

// Would catch: two nodes writing one log (DU-10), and a lock that a crash leaves behind (S07).
TEST_CASE("a data directory belongs to one process at a time", "[storage][lock][DU-10][S07]") {
  TemporaryFolder folder;
  std::optional<DirectoryLock> lock = value_of(DirectoryLock::acquire(folder / "data"));
  CHECK(try_in_another_process(folder / "data") == static_cast<int>(Errc::busy));
  lock.reset();
  // The child ends without letting go.
  CHECK(try_in_another_process(folder / "data") == 0);
  CHECK(DirectoryLock::acquire(folder / "data").has_value());
}

TEST_CASE("a refusal names the directory and the process that holds it", "[storage][lock][DU-10]") {
  TemporaryFolder folder;
  const DirectoryLock lock = value_of(DirectoryLock::acquire(folder / "data"));
  const Result<DirectoryLock> second = DirectoryLock::acquire(folder / "data");
  REQUIRE_FALSE(second.has_value());
  CHECK(second.code() == Errc::busy);
  CHECK(second.error().detail == "data directory " + (folder / "data") + " is in use by process " +
                                     std::to_string(::getpid()));
}

TEST_CASE("a missing data directory is made private", "[storage][lock][S07]") {
  TemporaryFolder folder;
  const DirectoryLock lock = value_of(DirectoryLock::acquire(folder / "data/node-1"));
  struct stat status {};
  REQUIRE(::stat((folder / "data/node-1").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  REQUIRE(::stat((folder / "data/node-1/LOCK").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

// Would catch: a directory in which anyone may replace the identity file.
TEST_CASE("a directory that everyone may write to is refused", "[storage][lock][S07]") {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "open");
  REQUIRE(::chmod((folder / "open").c_str(), 0777) == 0);
  const Result<DirectoryLock> lock = DirectoryLock::acquire(folder / "open");
  REQUIRE_FALSE(lock.has_value());
  CHECK(lock.code() == Errc::invalid_argument);
  CHECK_THAT(lock.error().detail, Catch::Contains("chmod 700 " + (folder / "open")));
  CHECK_FALSE(std::filesystem::exists(folder / "open/LOCK"));
}

}  // namespace raft
