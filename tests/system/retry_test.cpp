// Writes that are sent again because nobody knows what came of them. Catches a write that is
// executed twice, or whose second answer differs from its first, on the way from one node to
// another.
#include <atomic>
#include <catch2/catch.hpp>
#include <stop_token>
#include <thread>

#include "system/cluster.hpp"

namespace system_test {

namespace {

HttpReply put_once(const Cluster& cluster, int id, const std::string& value, int sequence) {
  return cluster.client(id).put("/v1/kv/once?timeout=2s", value,
                                {{"Idempotency-Key", "writer:" + std::to_string(sequence)}});
}

// Sends it to one node after the other until one knows the answer.
HttpReply put_until_known(Cluster& cluster, const std::string& value, int sequence) {
  HttpReply reply;
  int id = sequence;
  wait_for("write " + std::to_string(sequence) + " is answered", [&] {
    id = id % 3 + 1;
    reply = put_once(cluster, id, value, sequence);
    return reply.status == 200 || reply.status == 201;
  });
  return reply;
}

}  // namespace

TEST_CASE("a write that is repeated on another node after the leader died is executed once",
          "[bug-47][system][retry]") {
  Cluster cluster(any_store());
  cluster.found();
  const int leader = cluster.wait_leader();
  const HttpReply first = put_once(cluster, leader, "mine", 1);
  REQUIRE(first.status == 201);
  REQUIRE(cluster.client(leader).put("/v1/kv/once", "another's").status == 200);
  cluster.kill(leader);
  for (const int id : cluster.running()) {
    HttpReply again;
    wait_for("the repetition is answered", [&] {
      again = put_once(cluster, id, "mine", 1);
      return again.status < 500 && again.status != 0;
    });
    CHECK(again.status == first.status);
    CHECK(again.headers.at("etag") == first.headers.at("etag"));
    CHECK(cluster.client(id).get("/v1/kv/once").body == "another's");
  }
  CHECK(put_until_known(cluster, "mine again", 2).status == 200);
  CHECK(cluster.client(cluster.wait_leader()).get("/v1/kv/once").headers.at("x-kv-version") == "3");
}

// The version of a key counts its changes: it tells how often each write was executed in all.
TEST_CASE("writes that are repeated until they are answered are executed once each",
          "[bug-47][system][retry]") {
  Cluster cluster(any_store());
  cluster.found();
  std::atomic<int> written{0};
  std::jthread writer([&](const std::stop_token& stop) {
    for (int id = 1; !stop.stop_requested();) {
      const int sequence = written + 1;
      const HttpReply reply = put_once(cluster, id, std::to_string(sequence), sequence);
      if (reply.status == 200 || reply.status == 201) written = sequence;
      id = id % 3 + 1;
    }
  });
  for (int round = 0; round < 3; ++round) {
    const int before = written;
    wait_for("writes go on", [&] { return written >= before + 50; });
    const int leader = cluster.wait_leader();
    cluster.kill(leader);
    cluster.restart(leader);
    cluster.wait_ready(leader);
  }
  writer.request_stop();
  writer.join();
  const int next = written + 1;  // It may have been sent, but not answered.
  put_until_known(cluster, std::to_string(next), next);
  const HttpReply last = cluster.client(cluster.wait_leader()).get("/v1/kv/once");
  CHECK(last.body == std::to_string(next));
  CHECK(last.headers.at("x-kv-version") == std::to_string(next));
}

}  // namespace system_test
