// Whether an answer waits for the disk, which kill -9 cannot show: the kernel keeps what was
// written. A shim makes syncs slow or fail. Catches an acknowledgement before its sync, and a
// write that counts although its sync failed.
#include <catch2/catch.hpp>

#include "system/cluster.hpp"

namespace system_test {

namespace {

constexpr std::chrono::milliseconds sync_delay{30};
constexpr int disk_error = 74;

// Of the first write that succeeds. One that is refused has promised nothing: when the real disk
// below stands still for half a second, other tests being busy, the leader hands over.
std::chrono::nanoseconds time_of_write(HttpClient& client, const std::string& key) {
  std::chrono::nanoseconds took{};
  wait_for("a write that succeeds", [&] {
    const auto start = std::chrono::steady_clock::now();
    const int status = client.put("/v1/kv/" + key, "x").status;
    took = std::chrono::steady_clock::now() - start;
    REQUIRE((status / 100 == 2 || status == 503));
    return status != 503;
  });
  return took;
}

}  // namespace

TEST_CASE("no write is answered before a majority has synced it", "[system][sync]") {
  Cluster cluster(any_store());
  cluster.use_sync_shim();
  cluster.found();
  for (const int id : {1, 2, 3}) cluster.switch_disk(id, "slow", true);
  for (const int id : {1, 2, 3}) {
    HttpClient client = cluster.client(id);
    for (int count = 0; count < 10; ++count) {
      const std::string key = std::to_string(id) + "-" + std::to_string(count);
      REQUIRE(time_of_write(client, key) >= sync_delay);
    }
  }
}

// Two of three slow disks are a majority of slow disks, whoever leads.
TEST_CASE("one quick disk is not enough for an answer", "[system][sync]") {
  Cluster cluster(any_store());
  cluster.use_sync_shim();
  cluster.found();
  const int quick = GENERATE(1, 2, 3);
  for (const int id : {1, 2, 3}) cluster.switch_disk(id, "slow", id != quick);
  HttpClient client = cluster.client(quick);
  for (int count = 0; count < 10; ++count) {
    REQUIRE(time_of_write(client, std::to_string(count)) >= sync_delay);
  }
}

TEST_CASE("a group of one syncs before it answers", "[CM-06][bug-9][system][sync]") {
  Cluster cluster(any_store());
  cluster.use_sync_shim();
  cluster.found(1);
  cluster.switch_disk(1, "slow", true);
  HttpClient client = cluster.client(1);
  for (int count = 0; count < 10; ++count) {
    REQUIRE(time_of_write(client, std::to_string(count)) >= sync_delay);
  }
}

TEST_CASE("with two of three disks failing nothing is acknowledged", "[DU-04][system][sync]") {
  Cluster cluster(any_store());
  cluster.use_sync_shim();
  cluster.found();
  const int leader = cluster.wait_leader();
  const int first = cluster.some_follower();
  const int second = 6 - leader - first;
  const bool leader_fails = GENERATE(false, true);
  const int other = leader_fails ? leader : second;
  const int healthy = leader_fails ? second : leader;

  for (const int id : {first, other}) cluster.switch_disk(id, "fail", true);
  for (int count = 0; count < 5; ++count) {
    const auto reply =
        cluster.client(healthy).put("/v1/kv/" + std::to_string(count) + "?timeout=500ms", "x");
    REQUIRE(reply.status >= 500);
  }
  // A failed sync is final: what the disk holds is not known any more.
  for (const int id : {first, other}) REQUIRE(cluster.wait_end(id) == Ended{disk_error, 0});

  for (const int id : {first, other}) {
    cluster.switch_disk(id, "fail", false);
    cluster.restart(id);
    cluster.wait_ready(id);
  }
  REQUIRE(cluster.client(healthy).put("/v1/kv/after", "x").status == 201);
}

}  // namespace system_test
