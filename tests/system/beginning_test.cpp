// How nodes come into a cluster when something comes between: a crash at any step, a restart while
// waiting, flags that mean another cluster. Catches nodes that can never start again, second
// clusters under the id of the first, and flags that are obeyed when they must not be.
#include <catch2/catch.hpp>
#include <thread>

#include "system/cluster.hpp"
#include "system/ports.hpp"

namespace system_test {

namespace {

constexpr int usage = 2;
constexpr int identity = 78;

// Elections of one node, again and again: let them be quick.
const Words quick = {"--election-timeout=100ms", "--heartbeat=20ms"};

// False: the node died before.
bool becomes_ready(Cluster& cluster, int id) {
  bool is_ready = false;
  wait_for("node " + std::to_string(id) + " is ready or dies", [&] {
    is_ready = cluster.client(id).get("/readyz").status == 200;
    return is_ready || !cluster.is_running(id);
  });
  return is_ready;
}

// The last line of the log with these words.
std::string line_with(const std::string& words, const std::string& log) {
  const std::size_t found = log.rfind(words);
  if (found == log.npos) return {};
  const std::size_t begin = log.rfind('\n', found) + 1;
  return log.substr(begin, log.find('\n', found) - begin);
}

// As an operator would: without flags, and only where the node says that it has not begun yet with
// the one that it was first started with.
void start_after_crash(Cluster& cluster, int id, const std::string& how) {
  cluster.restart(id);
  if (becomes_ready(cluster, id)) return;
  REQUIRE(cluster.wait_end(id) == Ended{usage, 0});
  const std::string advice = line_with(" error ", cluster.log(id));
  INFO(advice);
  CHECK(advice.find("data/node-" + std::to_string(id)) != std::string::npos);
  CHECK(advice.find("add " + how.substr(0, how.find('='))) != std::string::npos);
  cluster.start_again(id, how);
  cluster.wait_ready(id);
}

void remove_and_forget(Cluster& cluster, int id) {
  wait_for("node " + std::to_string(id) + " is removed", [&] {
    const int status = cluster.client(1).erase("/v1/cluster/members/" + std::to_string(id)).status;
    return status == 204 || status == 404;
  });
  REQUIRE(cluster.wait_end(id) == Ended{identity, 0});
  cluster.forget_data(id);
}

std::string member_document(const Cluster& cluster, int id) {
  return R"({"id":)" + std::to_string(id) + R"(,"raft":")" + cluster.raft(id) + R"(","http":")" +
         cluster.http(id) + R"("})";
}

}  // namespace

// The founder's log is on the disk before the cluster's id: between the two there is a log, and yet
// no cluster.
TEST_CASE("a founder that dies at any step founds when it is started again",
          "[system][beginning]") {
  Cluster cluster(any_store(), quick);
  cluster.use_sync_shim();
  for (int sync = 1;; ++sync) {
    INFO("died in place of sync " << sync);
    cluster.die_at_sync(1, sync);
    cluster.start_new(1, "--bootstrap");
    const bool survived = becomes_ready(cluster, 1);
    cluster.die_at_sync(1, 0);
    if (survived) {
      REQUIRE(sync > 5);  // Else the shim counts nothing.
      break;
    }
    start_after_crash(cluster, 1, "--bootstrap");
    cluster.wait_ready(1);
    REQUIRE(cluster.client(1).put("/v1/kv/first", "x").status == 201);
    cluster.kill(1);
    cluster.restart(1);
    cluster.wait_ready(1);
    REQUIRE(cluster.client(1).get("/v1/kv/first").body == "x");
    cluster.kill(1);
    cluster.forget_data(1);
  }
}

TEST_CASE("a joining node that dies at any step joins when it is started again",
          "[system][beginning]") {
  Cluster cluster(any_store(), quick);
  cluster.use_sync_shim();
  cluster.found(1);
  REQUIRE(cluster.client(1).put("/v1/kv/first", "x").status == 201);
  const std::string how = "--join=" + cluster.http(1);
  for (int sync = 1;; sync += 2) {
    INFO("died in place of sync " << sync);
    cluster.die_at_sync(2, sync);
    cluster.start_new(2, how);
    const bool survived = becomes_ready(cluster, 2);
    cluster.die_at_sync(2, 0);
    if (survived) break;
    start_after_crash(cluster, 2, how);
    cluster.wait_voter(2);
    REQUIRE(cluster.client(2).get("/v1/kv/first").body == "x");
    remove_and_forget(cluster, 2);
  }
}

TEST_CASE("a node that waits to be added goes on waiting after a restart", "[system][beginning]") {
  Cluster cluster(any_store());
  cluster.found(1);
  cluster.start_new(2, "--join=wait");
  wait_for("node 2 waits", [&] { return cluster.client(2).get("/livez").status == 200; });
  const bool by_crash = GENERATE(false, true);
  if (by_crash) cluster.kill(2);
  if (!by_crash) REQUIRE(cluster.stop(2) == Ended{0, 0});
  cluster.restart(2);
  wait_for("node 2 waits again", [&] {
    if (!cluster.is_running(2)) FAIL("node 2 ended: " << cluster.wait_end(2));
    return cluster.client(2).get("/livez").status == 200;
  });
  REQUIRE(cluster.client(1).post("/v1/cluster/members", member_document(cluster, 2)).status == 201);
  cluster.wait_voter(2);
  cluster.wait_ready(2);
}

// Whoever types the address of another cluster has mixed something up: the data would stay where
// it is, and the writes meant for one cluster would go to the other.
TEST_CASE("joining with the data of another cluster is refused", "[system][beginning]") {
  Cluster own(any_store());
  own.found(1);
  REQUIRE(own.stop(1) == Ended{0, 0});
  Cluster other(any_store());
  other.found(1);
  own.start_again(1, "--join=" + other.http(1));
  REQUIRE(own.wait_end(1) == Ended{identity, 0});
  CHECK(own.log(1).find("belongs to a node of cluster") != std::string::npos);
  CHECK(own.log(1).find("--data") != std::string::npos);
  own.restart(1);
  own.wait_ready(1);
}

TEST_CASE("a member does not wait for the target of a --join that it ignores",
          "[system][beginning]") {
  Cluster cluster(any_store());
  cluster.found(1);
  REQUIRE(cluster.stop(1) == Ended{0, 0});
  const OccupiedPort silent;  // Whoever dials it is neither refused nor answered.
  cluster.start_again(1, "--join=" + silent.address());
  cluster.wait_ready(1);
  wait_for("the flag is ignored with a word",
           [&] { return cluster.log(1).find("--join is ignored") != std::string::npos; });
  CHECK(cluster.client(1).get("/readyz").status == 200);
}

TEST_CASE("a node that cannot be asked is not added, and nobody waits for it",
          "[system][beginning][O11]") {
  Cluster cluster(any_store());
  cluster.found(1);
  const OccupiedPort silent;
  const std::string nobody = free_address();
  const auto add = [&](const std::string& raft) {
    return cluster.client(1).post("/v1/cluster/members",
                                  R"({"id":2,"raft":")" + raft + R"(","http":"127.0.0.1:1"})");
  };
  const HttpReply refused = add(nobody);
  CHECK(refused.status == 409);
  CHECK(refused.body.find(nobody) != std::string::npos);

  HttpReply unanswered;
  std::jthread asking([&] { unanswered = add(silent.address()); });
  for (int count = 0; count < 20; ++count) {
    const std::string key = "/v1/kv/" + std::to_string(count);
    CHECK(cluster.client(1).put(key, "x").status == 201);
    CHECK(cluster.client(1).get("/livez").status == 200);
  }
  asking.join();
  CHECK(unanswered.status == 409);
  CHECK(cluster.role_of(2, 1).empty());
}

TEST_CASE("a node with another id than the announced one is not added", "[system][beginning]") {
  Cluster cluster(any_store());
  cluster.found(1);
  cluster.start_new(3, "--join=wait");
  wait_for("node 3 waits", [&] { return cluster.client(3).get("/livez").status == 200; });
  std::string document = member_document(cluster, 3);
  document.replace(document.find(":3"), 2, ":2");
  const HttpReply reply = cluster.client(1).post("/v1/cluster/members", document);
  CHECK(reply.status == 409);
  CHECK(reply.body.find("conflict") != std::string::npos);
  CHECK(reply.body.find("node 3 answers at") != std::string::npos);
}

}  // namespace system_test
