// The store of a data directory over restarts. Catches data that is intact but looked at with the
// store that the flags happen to name.
#include <catch2/catch.hpp>

#include "system/cluster.hpp"

namespace system_test {

// So little log is kept that a store which does not know the keys cannot get them from there.
TEST_CASE("a start with three flags finds the keys, whichever store they are in",
          "[system][start]") {
  Cluster cluster(any_store(), {"--snapshot-log-bytes=4KiB"});
  cluster.found(1);
  const std::string value(1000, 'v');
  for (int i = 0; i < 40; ++i) {
    REQUIRE(cluster.client(1).put("/v1/kv/k" + std::to_string(i), value).status == 201);
  }
  for (const bool gently : {true, false}) {
    if (gently) REQUIRE(cluster.stop(1) == Ended{0, 0});
    if (!gently) cluster.kill(1);
    cluster.restart(1);
    cluster.wait_ready(1);
    CHECK(cluster.client(1).get("/v1/kv/k0").body == value);
    CHECK(cluster.client(1).get("/v1/kv/k39").body == value);
  }
}

TEST_CASE("another store than the directory's is refused with exit code 2", "[system][start]") {
  const std::string store = any_store();
  const std::string other = store == "memory" ? "rocksdb" : "memory";
  Cluster cluster(store);
  cluster.found(1);
  REQUIRE(cluster.client(1).put("/v1/kv/kept", "x").status == 201);
  REQUIRE(cluster.stop(1) == Ended{0, 0});
  cluster.start_again(1, "--store=" + other);
  constexpr int usage = 2;
  CHECK(cluster.wait_end(1) == Ended{usage, 0});
  CHECK(cluster.log(1).find("was begun with --store=" + store) != std::string::npos);
  cluster.start_again(1, "--store=" + store);
  cluster.wait_ready(1);
  CHECK(cluster.client(1).get("/v1/kv/kept").body == "x");
}

}  // namespace system_test
