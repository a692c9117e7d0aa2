#include "storage/disk_space.hpp"

#include <filesystem>
#include <fstream>

#include "temporary_folder.hpp"

namespace raft {
namespace {

using storage::DiskSpace;

constexpr std::uint64_t reserve_bytes = std::uint64_t{1} << 20;

}  // namespace

TEST_CASE("the reserve takes up space until it is given up", "[storage][space]") {
  TemporaryFolder folder;
  DiskSpace space(folder.path(), reserve_bytes);
  CHECK_FALSE(space.give_up_reserve());
  space.restore_reserve();
  CHECK(std::filesystem::file_size(folder / "reserve") == reserve_bytes);
  CHECK(space.give_up_reserve());
  CHECK_FALSE(std::filesystem::exists(folder / "reserve"));
  CHECK_FALSE(space.give_up_reserve());
  space.restore_reserve();
  CHECK(space.give_up_reserve());
}

// Would catch: a second reserve beside the first, or one that nobody gives up any more.
TEST_CASE("the next life takes over the reserve", "[storage][space]") {
  TemporaryFolder folder;
  DiskSpace(folder.path(), reserve_bytes).restore_reserve();
  CHECK(DiskSpace(folder.path(), reserve_bytes).give_up_reserve());
}

// Would catch: a node that a full disk has brought down and that finds no space to start again.
TEST_CASE("a start may give up what an earlier life has left", "[storage][space]") {
  TemporaryFolder folder;
  CHECK_FALSE(DiskSpace::give_up_reserve_of(folder.path()));
  DiskSpace(folder.path(), reserve_bytes).restore_reserve();
  CHECK(DiskSpace::give_up_reserve_of(folder.path()));
  CHECK_FALSE(std::filesystem::exists(folder / "reserve"));
  CHECK_FALSE(DiskSpace(folder.path(), reserve_bytes).give_up_reserve());
}

TEST_CASE("half a reserve is made anew", "[storage][space]") {
  TemporaryFolder folder;
  std::ofstream(folder / "reserve") << "half";
  DiskSpace space(folder.path(), reserve_bytes);
  CHECK_FALSE(std::filesystem::exists(folder / "reserve"));
  space.restore_reserve();
  CHECK(std::filesystem::file_size(folder / "reserve") == reserve_bytes);
}

TEST_CASE("no reserve is made where it would take the last space", "[storage][space]") {
  TemporaryFolder folder;
  DiskSpace space(folder.path(), 1);
  const std::uint64_t free = space.free_bytes();
  REQUIRE(free > reserve_bytes);
  DiskSpace large(folder.path(), free);
  large.restore_reserve();
  CHECK_FALSE(std::filesystem::exists(folder / "reserve"));
  DiskSpace none(folder.path(), 0);
  none.restore_reserve();
  CHECK_FALSE(std::filesystem::exists(folder / "reserve"));
}

}  // namespace raft
