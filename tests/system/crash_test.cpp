// Nodes die by kill -9 under a write load, again and again. Catches acknowledged writes that are
// lost, refused writes that are applied all the same, and leaders that change without need.
#include <catch2/catch.hpp>

#include "system/cluster.hpp"
#include "system/write_load.hpp"

namespace system_test {

namespace {

constexpr std::size_t some_writes = 100;

std::vector<std::string> all_addresses(const Cluster& cluster) {
  return {cluster.http(1), cluster.http(2), cluster.http(3)};
}

}  // namespace

TEST_CASE("no acknowledged write is lost when leaders are killed", "[system][crash]") {
  Cluster cluster(any_store());
  cluster.found();
  WriteLoad load(all_addresses(cluster));
  for (int round = 0; round < 3; ++round) {
    load.wait_more(some_writes);
    const int leader = cluster.wait_leader();
    cluster.kill(leader);
    load.wait_more(some_writes);
    cluster.restart(leader);
    cluster.wait_ready(leader);
  }
  require_all_there(cluster, load.stop());
}

// A test that kills only leaders would not see a follower that acknowledges and then forgets.
TEST_CASE("no acknowledged write is lost when followers are killed", "[system][crash]") {
  Cluster cluster(any_store());
  cluster.found();
  WriteLoad load(all_addresses(cluster));
  for (int round = 0; round < 3; ++round) {
    load.wait_more(some_writes);
    const int leader = cluster.wait_leader();
    const int follower = cluster.some_follower();
    cluster.kill(follower);
    load.wait_more(some_writes);
    REQUIRE(cluster.wait_leader() == leader);
    cluster.restart(follower);
    cluster.wait_ready(follower);
  }
  require_all_there(cluster, load.stop());
}

TEST_CASE("no acknowledged write is lost when all are killed at once", "[DU-03][system][crash]") {
  Cluster cluster(any_store());
  cluster.found();
  WriteLoad load(all_addresses(cluster));
  for (int round = 0; round < 2; ++round) {
    load.wait_more(some_writes);
    for (const int id : {1, 2, 3}) cluster.kill(id);
    for (const int id : {1, 2, 3}) cluster.restart(id);
    for (const int id : {1, 2, 3}) cluster.wait_ready(id);
  }
  load.wait_more(some_writes);
  require_all_there(cluster, load.stop());
}

TEST_CASE("without a majority nothing is acknowledged and stale reads go on", "[system][crash]") {
  Cluster cluster(any_store());
  cluster.found();
  REQUIRE(cluster.client(1).put("/v1/kv/before", "x").status == 201);
  wait_for("node 1 has applied it",
           [&] { return cluster.client(1).get("/v1/kv/before?consistency=stale").status == 200; });
  cluster.kill(2);
  cluster.kill(3);
  const HttpReply write = cluster.client(1).put("/v1/kv/after?timeout=1s", "x");
  REQUIRE(write.status >= 500);
  REQUIRE(cluster.client(1).get("/v1/kv/before?timeout=1s").status >= 500);
  REQUIRE(cluster.client(1).get("/v1/kv/before?consistency=stale").body == "x");
  REQUIRE(cluster.client(1).get("/livez").status == 200);
  wait_for("node 1 is not ready", [&] { return cluster.client(1).get("/readyz").status == 503; });
}

TEST_CASE("on SIGTERM a leader hands over and leaves with exit code 0", "[system][crash]") {
  Cluster cluster(any_store());
  cluster.found();
  WriteLoad load(all_addresses(cluster));
  load.wait_more(some_writes);
  const int leader = cluster.wait_leader();
  REQUIRE(cluster.stop(leader) == Ended{0, 0});
  REQUIRE(cluster.wait_leader() != leader);
  load.wait_more(some_writes);
  cluster.restart(leader);
  cluster.wait_ready(leader);
  require_all_there(cluster, load.stop());
}

}  // namespace system_test
