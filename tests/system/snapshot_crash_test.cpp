// Nodes die by kill -9 while snapshots are written, sent and installed and the log is cut. Catches
// a file that is believed although it is not whole, a log that was cut before its snapshot was
// safe, and an install that cannot be gone on with.
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <thread>

#include "system/cluster.hpp"
#include "system/write_load.hpp"

namespace system_test {

namespace {

constexpr int usage = 2;

std::int64_t first_index(const Cluster& cluster, int id) {
  const boost::json::value status = cluster.client(id).get("/v1/status").json();
  const auto* fields = status.if_object();
  const auto* value = fields == nullptr ? nullptr : fields->if_contains("first_index");
  boost::system::error_code error;
  return value == nullptr ? 0 : value->to_number<std::int64_t>(error);
}

std::vector<std::string> all_addresses(const Cluster& cluster) {
  return {cluster.http(1), cluster.http(2), cluster.http(3)};
}

// The leader has cut its log again since `before`.
void wait_cut(Cluster& cluster, std::int64_t before) {
  wait_for(
      "the log is cut", [&] { return first_index(cluster, cluster.wait_leader()) > before; },
      12 * patience());
}

// A node that was killed before it had written down that it joins has to be told again.
void start_joiner_again(Cluster& cluster, int id, const std::string& how) {
  cluster.restart(id);
  wait_for("node " + std::to_string(id) + " runs", [&] {
    return !cluster.is_running(id) || cluster.client(id).get("/livez").status == 200;
  });
  if (cluster.is_running(id)) return;
  REQUIRE(cluster.wait_end(id) == Ended{usage, 0});
  cluster.start_again(id, how);
}

}  // namespace

TEST_CASE("no acknowledged write is lost when nodes die between snapshots and cuts of the log",
          "[system][snapshot-crash]") {
  Cluster cluster(any_store(), {"--snapshot-log-bytes=64KiB"});
  cluster.found();
  WriteLoad load(all_addresses(cluster));
  const Churn churn(all_addresses(cluster));
  wait_cut(cluster, 1);

  for (int round = 0; round < 4; ++round) {
    const int leader = cluster.wait_leader();
    const int victim = round % 2 == 0 ? leader : cluster.some_follower();
    const std::int64_t before = first_index(cluster, leader);
    cluster.kill(victim);
    load.wait_more(50);
    cluster.restart(victim);
    cluster.wait_ready(victim);
    wait_cut(cluster, before);
  }

  const std::string how = cluster.join_flag();
  cluster.start_new(4, how);
  for (int round = 1; round <= 4; ++round) {
    std::this_thread::sleep_for(round * std::chrono::milliseconds(30));
    cluster.kill(4);
    start_joiner_again(cluster, 4, how);
  }
  cluster.wait_voter(4);
  cluster.wait_ready(4);
  REQUIRE(first_index(cluster, 4) > 1);  // It came by a snapshot.
  require_all_there(cluster, load.stop());
}

}  // namespace system_test
