// Strangers on the Raft port: a browser, a scanner, noise. Catches a node that crashes, hangs, or
// believes anything before the handshake.
#include <catch2/catch.hpp>
#include <random>

#include "system/cluster.hpp"
#include "system/ports.hpp"

namespace system_test {

namespace {

// What /metrics says of frames that were no frames; -1 while it does not answer.
std::int64_t frames_rejected(const Cluster& cluster, int id) {
  const std::string page = cluster.client(id).get("/metrics").body;
  const std::string name = "\nraft_frames_rejected_total ";
  const auto at = page.find(name);
  return at == std::string::npos ? -1 : std::stoll(page.substr(at + name.size()));
}

}  // namespace

TEST_CASE("garbage on the Raft port is closed and counted, and harms nobody",
          "[system][raft-port][P01]") {
  Cluster cluster(any_store());
  cluster.found();
  const int leader = cluster.wait_leader();
  std::mt19937 random(1);
  std::string noise(4096, '\0');
  for (char& byte : noise) byte = static_cast<char>(random() & 0xff);

  for (const int id : cluster.running()) {
    REQUIRE(frames_rejected(cluster, id) == 0);
    REQUIRE(closes_after(cluster.raft(id), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    REQUIRE(closes_after(cluster.raft(id), noise));
    REQUIRE(closes_after(cluster.raft(id), std::string(64, '\xff')));
    REQUIRE(closes_after(cluster.raft(id), std::string(64, '\0')));
    wait_for("all four are counted", [&] { return frames_rejected(cluster, id) == 4; });
    REQUIRE(cluster.is_running(id));
  }
  REQUIRE(cluster.wait_leader() == leader);
  REQUIRE(cluster.client(leader).put("/v1/kv/still", "well").status == 201);
}

}  // namespace system_test
