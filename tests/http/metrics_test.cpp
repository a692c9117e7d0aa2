// The Prometheus page. Catches samples without a family, histograms that do not add up, and labels
// whose number grows with what clients send.
#include "kvserver/metrics.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

namespace kv {
namespace {

Facts some_facts() {
  Facts facts;
  facts.status.id = {1};
  facts.status.role = raft::RoleNow::leader;
  facts.status.leader = {1};
  facts.status.term = {3};
  facts.status.last_index = {20};
  raft::PeerStatus peer;
  peer.id = {2};
  peer.match = {15};
  peer.round_trip = std::chrono::microseconds(250);
  facts.status.peers = {peer};
  facts.status.counters.proposals[0] = 11;
  facts.status.counters.absurd_terms = 4;
  facts.status.counters.proposals[static_cast<std::size_t>(raft::Errc::busy)] = 2;
  facts.status.counters.proposals[static_cast<std::size_t>(raft::Errc::transferring)] = 3;
  facts.status.counters.batch_entries.record(1);
  facts.status.counters.batch_entries.record(3);
  facts.status.counters.batch_entries.record(5000);
  facts.status.counters.sync_us.record(1023);
  facts.status.counters.sync_us.record(1024);
  return facts;
}

bool has_line(const std::string& page, const std::string& line) {
  return page.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the page shows the state of the node", "[http][metrics][O09]") {
  HttpCounters http;
  http.count(RouteClass::kv, 200);
  http.count(RouteClass::kv, 200);
  http.count(RouteClass::plain, 404);
  http.count(RouteClass::other, 999);
  const std::string page = metrics_text(some_facts(), http);
  for (const char* line :
       {"raft_term 3", "raft_role{role=\"leader\"} 1", "raft_role{role=\"follower\"} 0",
        "raft_last_index 20", "raft_peer_lag_entries{peer=\"2\"} 5",
        "raft_peer_round_trip_seconds{peer=\"2\"} 0.00025",
        "raft_proposals_total{result=\"applied\"} 11", "raft_proposals_total{result=\"busy\"} 2",
        "raft_proposals_total{result=\"transferring\"} 3", "raft_absurd_terms_total 4",
        "kv_http_requests_total{route=\"kv\",status=\"200\"} 2",
        "kv_http_requests_total{route=\"plain\",status=\"404\"} 1",
        "kv_http_requests_total{route=\"other\",status=\"other\"} 1"}) {
    INFO(line);
    CHECK(has_line(page, line));
  }
}

TEST_CASE("a full disk can be alarmed on", "[http][metrics][O06]") {
  Facts facts = some_facts();
  CHECK(has_line(metrics_text(facts, {}), "raft_storage_full 0"));
  facts.status.storage_full = true;
  CHECK(has_line(metrics_text(facts, {}), "raft_storage_full 1"));
  CHECK(has_line(metrics_text(facts, {}), "raft_failed 0"));
}

TEST_CASE("histograms are cumulative and end with everything", "[http][metrics]") {
  const std::string page = metrics_text(some_facts(), {});
  for (const char* line :
       {"raft_batch_entries_bucket{le=\"1\"} 1", "raft_batch_entries_bucket{le=\"3\"} 2",
        "raft_batch_entries_bucket{le=\"1023\"} 2", "raft_batch_entries_bucket{le=\"+Inf\"} 3",
        "raft_batch_entries_count 3", "raft_batch_entries_sum 5004",
        "raft_sync_seconds_bucket{le=\"0.001024\"} 1",
        "raft_sync_seconds_bucket{le=\"0.004096\"} 2"}) {
    INFO(line);
    CHECK(has_line(page, line));
  }
}

TEST_CASE("every sample belongs to a family with HELP and TYPE", "[http][metrics]") {
  std::istringstream page(metrics_text(some_facts(), {}));
  std::set<std::string> families;
  std::string family;
  std::size_t samples = 0;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(families.insert(family).second);
      REQUIRE(std::getline(page, line));
      CHECK(line.starts_with("# TYPE " + family + " "));
      continue;
    }
    INFO(line);
    CHECK(line.starts_with(family));
    CHECK(line.find(' ') != std::string::npos);
    ++samples;
  }
  CHECK(families.size() > 30);
  CHECK(samples > families.size());
}

}  // namespace kv
