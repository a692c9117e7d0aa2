// No room on one node's disk, for a while. Catches a node that ends instead of waiting, forgets
// what it has acknowledged, tells its clients something else than that there is no room, or needs a
// restart afterwards.
#include <algorithm>
#include <catch2/catch.hpp>

#include "system/cluster.hpp"
#include "system/write_load.hpp"

namespace system_test {

namespace {

constexpr std::size_t some_writes = 100;

int times(const std::string& log, const std::string& words) {
  int count = 0;
  for (auto at = log.find(words); at != log.npos; at = log.find(words, at + 1)) ++count;
  return count;
}

// The error of the documents, once the node has noticed.
void wait_refusal(Cluster& cluster, int id) {
  HttpReply refused;
  wait_for("a write is refused for want of room", [&] {
    refused = cluster.client(id).put("/v1/kv/refused?timeout=1s", "x");
    return refused.status == 507;
  });
  INFO(refused.body);
  CHECK(refused.body.find(R"("code":"storage_full")") != std::string::npos);
  CHECK(refused.body.find(R"("applied":"no")") != std::string::npos);
  CHECK(cluster.client(id).get("/livez").status == 200);
  CHECK(cluster.client(id).get("/readyz").status == 503);
  CHECK(cluster.client(id).get("/v1/status").body.find(R"("writes_paused":true)") !=
        std::string::npos);
}

void wait_log(Cluster& cluster, int id, const std::string& words) {
  wait_for("node " + std::to_string(id) + " says: " + words,
           [&] { return cluster.log(id).find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("a leader whose disk is full waits for room and loses nothing",
          "[DU-14][system][disk-full]") {
  Cluster cluster(any_store());
  cluster.use_sync_shim();
  cluster.found();
  REQUIRE(cluster.client(1).put("/v1/kv/before", "x").status == 201);
  WriteLoad load({cluster.http(1), cluster.http(2), cluster.http(3)});
  load.wait_more(some_writes);
  const int full = cluster.wait_leader();

  cluster.switch_disk(full, "full", true);
  wait_refusal(cluster, full);
  wait_log(cluster, full, "writes are refused until there is more");
  // The others have room, and are a majority. Here nothing new can be applied meanwhile.
  load.wait_more(some_writes);
  CHECK(cluster.client(full).get("/v1/kv/before?consistency=stale").body == "x");
  CHECK(cluster.client(full).get("/v1/kv/before?timeout=500ms").status == 507);
  for (const int id : cluster.running()) {
    if (id != full) CHECK(cluster.client(id).get("/v1/kv/before").body == "x");
  }
  REQUIRE(cluster.running().size() == 3);

  cluster.switch_disk(full, "full", false);
  cluster.wait_ready(full);
  REQUIRE(cluster.client(full).put("/v1/kv/after", "x").status == 201);
  load.wait_more(some_writes);
  const Written written = load.stop();
  wait_log(cluster, full, "writes go on");
  CHECK(times(cluster.log(full), "writes are refused until there is more") == 1);
  CHECK(times(cluster.log(full), "writes go on") == 1);
  CHECK(times(cluster.log(full), "DB::Open() failed") <= 1);
  require_all_there(cluster, written);

  // What it has said is on its disk.
  cluster.kill(full);
  cluster.restart(full);
  cluster.wait_ready(full);
  require_all_there(cluster, written);
}

// The room ends in the middle of whatever is being written: logs, snapshots, the store's own files.
TEST_CASE("disks that are full now and then lose nothing and need no restart",
          "[DU-14][system][disk-full]") {
  Cluster cluster(any_store(), {"--snapshot-log-bytes=64KiB"});
  cluster.use_sync_shim();
  cluster.found();
  const std::vector<std::string> all{cluster.http(1), cluster.http(2), cluster.http(3)};
  WriteLoad load(all);
  const Churn churn(all);
  for (int round = 0; round < 2; ++round) {
    load.wait_more(some_writes);
    const int full = cluster.wait_leader();
    cluster.switch_disk(full, "full", true);
    wait_refusal(cluster, full);
    load.wait_more(some_writes);
    cluster.switch_disk(full, "full", false);
    cluster.wait_ready(full);
    REQUIRE(cluster.running().size() == 3);
  }
  require_all_there(cluster, load.stop());
}

// Nobody else can acknowledge anything meanwhile.
TEST_CASE("a cluster of one whose disk is full answers reads and goes on", "[system][disk-full]") {
  Cluster cluster(any_store());
  cluster.use_sync_shim();
  cluster.found(1);
  REQUIRE(cluster.client(1).put("/v1/kv/before", "x").status == 201);
  cluster.switch_disk(1, "full", true);
  wait_refusal(cluster, 1);
  CHECK(cluster.client(1).get("/v1/kv/before").body == "x");
  cluster.switch_disk(1, "full", false);
  cluster.wait_ready(1);
  CHECK(cluster.client(1).put("/v1/kv/after", "x").status == 201);
  CHECK(cluster.client(1).get("/v1/kv/before").body == "x");
}

}  // namespace system_test
