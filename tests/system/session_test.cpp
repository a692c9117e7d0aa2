// The first thing that anybody does with kvserver, typed as in the documents. Catches whatever
// makes the promise of the first screen untrue.
#include <catch2/catch.hpp>
#include <cstdio>

#include "system/cluster.hpp"

namespace system_test {

namespace {

// The HTTP port alone, for URLs with "localhost" in them.
std::string port_of(const Cluster& cluster, int id) {
  const std::string address = cluster.http(id);
  return address.substr(address.rfind(':') + 1);
}

// What the real curl prints, with the status after it.
std::string curl(const std::string& url) {
  const std::string command = "curl -s -m 10 -w '%{http_code}' '" + url + "'";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string printed;
  char buffer[4096];
  while (const std::size_t size = fread(buffer, 1, sizeof buffer, pipe)) {
    printed.append(buffer, size);
  }
  pclose(pipe);
  return printed;
}

void require_both_keys(Cluster& cluster) {
  for (const int id : {1, 2, 3}) {
    const std::string base = "http://localhost:" + port_of(cluster, id);
    REQUIRE(curl(base + "/get?key=test1") == "writetoleader\n200");
    REQUIRE(curl(base + "/get?key=test2") == "fromfollower\n200");
  }
}

void wait_all_ready(Cluster& cluster) {
  for (const int id : {1, 2, 3}) cluster.wait_ready(id);
}

}  // namespace

TEST_CASE("the session of the documents works to the letter", "[system][session]") {
  Cluster cluster(any_store());
  cluster.start_new(1, "--bootstrap=true");
  cluster.start_new(2, "--join=" + cluster.http(1));
  cluster.start_new(3, "--join=" + cluster.http(1));
  wait_all_ready(cluster);
  for (const int id : {2, 3}) cluster.wait_voter(id);

  const std::string second = "http://localhost:" + port_of(cluster, 2);
  const std::string third = "http://localhost:" + port_of(cluster, 3);
  REQUIRE(curl("http://localhost:" + port_of(cluster, 1) + "/set?key=test1&value=writetoleader") ==
          "ok\n200");
  REQUIRE(curl(second + "/get?key=test1") == "writetoleader\n200");
  REQUIRE(curl(third + "/set?key=test2&value=fromfollower") == "ok\n200");
  const std::string missing = curl(second + "/get?key=absent");
  REQUIRE(missing.ends_with("\n404"));

  SECTION("all stopped and started again with three flags: everything is there") {
    const bool by_terminal = GENERATE(true, false);
    for (const int id : {1, 2, 3}) {
      REQUIRE((by_terminal ? cluster.interrupt(id) : cluster.stop(id)) == Ended{0, 0});
    }
    for (const int id : {1, 2, 3}) cluster.restart(id);
    wait_all_ready(cluster);
    require_both_keys(cluster);
  }
  SECTION("all killed at once and started again: everything is there") {
    for (const int id : {1, 2, 3}) cluster.kill(id);
    for (const int id : {1, 2, 3}) cluster.restart(id);
    wait_all_ready(cluster);
    require_both_keys(cluster);
  }
  SECTION("the leader killed: the others go on, and it comes back as a follower") {
    const int old_leader = cluster.wait_leader();
    cluster.kill(old_leader);
    const int new_leader = cluster.wait_leader();
    REQUIRE(new_leader != old_leader);
    REQUIRE(cluster.client(new_leader).get("/set?key=later&value=x").status == 200);
    cluster.restart(old_leader);
    cluster.wait_ready(old_leader);
    REQUIRE(cluster.wait_leader() == new_leader);
    REQUIRE(cluster.client(old_leader).get("/get?key=later").body == "x\n");
    require_both_keys(cluster);
  }
  SECTION("a follower killed: the leader stays, and it catches up") {
    const int leader = cluster.wait_leader();
    const int follower = cluster.some_follower();
    cluster.kill(follower);
    REQUIRE(cluster.client(leader).get("/set?key=later&value=x").status == 200);
    REQUIRE(cluster.wait_leader() == leader);
    cluster.restart(follower);
    cluster.wait_ready(follower);
    wait_for("the follower has caught up", [&] {
      return cluster.client(follower).get("/get?key=later&consistency=stale").body == "x\n";
    });
    REQUIRE(cluster.wait_leader() == leader);
    require_both_keys(cluster);
  }
}

}  // namespace system_test
