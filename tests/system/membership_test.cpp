// Nodes come, go, lose their disks and come back. Catches a cluster that loses its majority on the
// way, a wiped node that votes, and a removed one that does not notice.
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <thread>

#include "system/cluster.hpp"

namespace system_test {

namespace {

constexpr int identity_refused = 78;

// The number at a key of /v1/status; 0 when it is not there.
std::int64_t status_number(const Cluster& cluster, int id, const char* key) {
  const boost::json::value status = cluster.client(id).get("/v1/status").json();
  if (!status.is_object()) return 0;
  const auto* value = status.get_object().if_contains(key);
  boost::system::error_code error;
  return value == nullptr ? 0 : value->to_number<std::int64_t>(error);
}

// Writes until the leader has cut the beginning of its log off; gives the number of keys.
int write_until_compacted(Cluster& cluster, int leader) {
  HttpClient client = cluster.client(leader);
  const std::string value(1000, 'v');
  int count = 0;
  wait_for(
      "the leader has compacted its log",
      [&] {
        for (int batch = 0; batch < 500; ++batch, ++count) {
          const HttpReply reply = client.put("/v1/kv/key-" + std::to_string(count), value);
          REQUIRE(reply.status == 201);
        }
        return status_number(cluster, leader, "first_index") > 2;
      },
      12 * patience());
  return count;
}

void remove_member(Cluster& cluster, int id) {
  const int asked = id == 1 ? 2 : 1;
  wait_for("node " + std::to_string(id) + " is removed", [&] {
    const HttpReply reply =
        cluster.client(asked).erase("/v1/cluster/members/" + std::to_string(id));
    // A leader that removes itself may be gone before its answer: then the next try finds nobody.
    return reply.status == 200 || reply.status == 204 || reply.status == 404;
  });
  REQUIRE(cluster.role_of(id, asked).empty());
}

}  // namespace

TEST_CASE("a fourth node joins by a snapshot", "[system][membership]") {
  Cluster cluster(any_store(), {"--snapshot-log-bytes=64KiB"});
  cluster.found();
  const int leader = cluster.wait_leader();
  const int count = write_until_compacted(cluster, leader);

  cluster.start_new(4, "--join=" + cluster.http(leader));
  cluster.wait_voter(4);
  cluster.wait_ready(4);
  REQUIRE(status_number(cluster, 4, "first_index") > 2);
  HttpClient fourth = cluster.client(4);
  for (int key = 0; key < count; key += 97) {
    REQUIRE(fourth.get("/v1/kv/key-" + std::to_string(key)).body == std::string(1000, 'v'));
  }
  cluster.kill(4);
  cluster.restart(4);
  cluster.wait_ready(4);
  REQUIRE(cluster.client(4).get("/v1/kv/key-0").status == 200);
}

TEST_CASE("a removed node leaves with exit code 78 and stays away", "[system][membership]") {
  Cluster cluster(any_store());
  cluster.found();
  remove_member(cluster, 3);
  REQUIRE(cluster.wait_end(3) == Ended{identity_refused, 0});
  cluster.restart(3);
  REQUIRE(cluster.wait_end(3) == Ended{identity_refused, 0});
  REQUIRE(cluster.log(3).find("empty data/node-3 and start this node with --join") !=
          std::string::npos);
  REQUIRE(cluster.client(1).put("/v1/kv/after", "x").status == 201);
}

TEST_CASE("a removed leader leaves and the others go on", "[system][membership]") {
  Cluster cluster(any_store());
  cluster.found();
  const int leader = cluster.wait_leader();
  remove_member(cluster, leader);
  REQUIRE(cluster.wait_end(leader) == Ended{identity_refused, 0});
  const int next = cluster.wait_leader();
  REQUIRE(cluster.client(next).put("/v1/kv/after", "x").status == 201);
}

// A node that lost its disk has forgotten its votes and acknowledgements: as the same voter it
// could help to elect a leader that lacks acknowledged writes.
TEST_CASE("a wiped node is refused until it was removed", "[DU-07][bug-43][system][membership]") {
  Cluster cluster(any_store());
  cluster.found();
  REQUIRE(cluster.client(1).put("/v1/kv/before", "x").status == 201);
  const int wiped = cluster.some_follower();
  const int other = cluster.wait_leader();
  cluster.kill(wiped);
  cluster.forget_data(wiped);

  cluster.start_new(wiped, "--join=" + cluster.http(other));
  REQUIRE(cluster.wait_end(wiped) == Ended{identity_refused, 0});
  const std::string advice = "/v1/cluster/members/" + std::to_string(wiped);
  REQUIRE(cluster.log(wiped).find(advice) != std::string::npos);

  wait_for("the old member is removed", [&] {
    const HttpReply reply = cluster.client(other).erase(advice);
    return reply.status == 200 || reply.status == 204;
  });
  cluster.forget_data(wiped);
  cluster.start_new(wiped, "--join=" + cluster.http(other));
  cluster.wait_voter(wiped);
  cluster.wait_ready(wiped);
  REQUIRE(cluster.client(wiped).get("/v1/kv/before?consistency=stale").body == "x");
}

TEST_CASE("a waiting node is added by a call", "[system][membership]") {
  Cluster cluster(any_store());
  cluster.found();
  const int asked = cluster.some_follower();
  cluster.start_new(4, "--join=wait");
  const std::string member =
      R"({"id":4,"raft":")" + cluster.raft(4) + R"(","http":")" + cluster.http(4) + R"("})";
  wait_for("the call succeeds", [&] {
    return cluster.client(asked).post("/v1/cluster/members", member).status / 100 == 2;
  });
  cluster.wait_voter(4);
  cluster.wait_ready(4);
}

TEST_CASE("leadership moves to the node that is asked for", "[system][membership]") {
  Cluster cluster(any_store());
  cluster.found();
  const int target = cluster.some_follower();
  const HttpReply reply =
      cluster.client(target).post("/v1/cluster/leader", R"({"to":)" + std::to_string(target) + "}");
  INFO(reply.status << " " << reply.body);
  REQUIRE(reply.status / 100 == 2);
  wait_for("the target leads", [&] { return cluster.wait_leader() == target; });
}

TEST_CASE("a refused change of the membership says why", "[system][membership]") {
  Cluster cluster(any_store());
  cluster.found(1);
  const HttpReply last = cluster.client(1).erase("/v1/cluster/members/1");
  INFO(last.body);
  CHECK(last.status == 400);
  CHECK(last.body.find("no voter would be left") != std::string::npos);
  CHECK(cluster.client(1).erase("/v1/cluster/members/7").status == 404);
}

// The target is down, so that the transfer lasts: for as long writes are refused, and say why.
TEST_CASE("a write during a transfer of leadership is told to come again", "[system][membership]") {
  Cluster cluster(any_store());
  cluster.found();
  const int leader = cluster.wait_leader();
  const int target = cluster.some_follower();
  const int other = 6 - leader - target;
  cluster.kill(target);
  std::jthread asking([&] {
    cluster.client(leader).post("/v1/cluster/leader", R"({"to":)" + std::to_string(target) + "}");
  });
  HttpReply refused;
  wait_for("a write that was passed on is refused", [&] {
    refused = cluster.client(other).put("/v1/kv/during", "x");
    return refused.status != 200 && refused.status != 201;
  });
  INFO(refused.body);
  CHECK(refused.status == 503);
  CHECK(refused.body.find(R"("code":"no_leader")") != std::string::npos);
  CHECK(refused.body.find("leadership is being transferred") != std::string::npos);
  CHECK(refused.body.find(R"("applied":"no")") != std::string::npos);
  wait_for("writes go on once it is given up",
           [&] { return cluster.client(other).put("/v1/kv/after", "x").status == 201; });
}

}  // namespace system_test
