// What a node shows of itself while it is no member yet, and what a start leaves on the disk.
// Catches a node that looks dead while it searches, and files that others may read.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "system/cluster.hpp"
#include "system/ports.hpp"

namespace system_test {

TEST_CASE("a node that still looks for its cluster is alive and not ready", "[system][start]") {
  Cluster cluster(any_store(), {"--join-timeout=60s"});
  cluster.start_new(1, "--join=" + free_address());
  wait_for("the node is alive", [&] { return cluster.client(1).get("/livez").status == 200; });
  const HttpReply ready = cluster.client(1).get("/readyz");
  CHECK(ready.status == 503);
  CHECK(ready.body.find("[-]member not yet a member") != std::string::npos);
  for (const char* target : {"/v1/kv/k", "/v1/kv/k?consistency=stale", "/v1/cluster/leader"}) {
    const HttpReply refused = cluster.client(1).get(target);
    INFO(target << " " << refused.body);
    CHECK(refused.status == 503);
    CHECK(refused.body.find("no_leader") != std::string::npos);
  }
  const HttpReply refused = cluster.client(1).put("/v1/kv/k", "v");
  CHECK(refused.status == 503);
  CHECK(refused.body.find("\"applied\":\"no\"") != std::string::npos);
  CHECK(cluster.stop(1) == Ended{0, 0});
}

TEST_CASE("a start that has nothing to begin with leaves nothing behind", "[system][start]") {
  const TemporaryFolder folder;
  const Run run =
      run_server(folder, {"--http=" + free_address(), "--raft=" + free_address(), "--node=1"});
  constexpr int usage = 2;
  CHECK(run.ended == Ended{usage, 0});
  CHECK_FALSE(std::filesystem::exists(folder.path() / "data"));
}

TEST_CASE("all of a data directory is for its owner only", "[system][start]") {
  Cluster cluster(any_store());
  cluster.found(1);
  REQUIRE(cluster.stop(1) == Ended{0, 0});
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cluster.data(1))) {
    struct stat facts {};
    REQUIRE(::stat(entry.path().c_str(), &facts) == 0);
    INFO(entry.path());
    CHECK((facts.st_mode & 0077) == 0);
  }
}

}  // namespace system_test
