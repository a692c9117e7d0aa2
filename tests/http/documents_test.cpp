// The documents about a node and its cluster, and the lines of health.
#include "kvserver/documents.hpp"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "kvserver/caretaker.hpp"
#include "kvserver/find_cluster.hpp"

namespace kv {
namespace {

raft::Member member(std::uint64_t id, raft::Role role = raft::Role::voter) {
  raft::Member member;
  member.id = {id};
  member.instance = {id, id};
  member.address = "127.0.0.1:700" + std::to_string(id);
  member.attributes = "127.0.0.1:600" + std::to_string(id);
  member.role = role;
  return member;
}

// Node 1 leads 2 and the learner 3.
Facts facts_of_leader() {
  auto membership = std::make_shared<raft::Membership>();
  membership->members = {member(1), member(2), member(3, raft::Role::learner)};
  Facts facts;
  facts.status.id = {1};
  facts.status.role = raft::RoleNow::leader;
  facts.status.term = {7};
  facts.status.leader = {1};
  facts.status.commit = {90};
  facts.status.applied = {89};
  facts.status.last_index = {100};
  facts.status.membership = {{5}, membership};
  facts.status.is_member = true;
  raft::PeerStatus peer;
  peer.id = {2};
  peer.match = {97};
  peer.since_contact = std::chrono::milliseconds(12);
  facts.status.peers = {peer};
  facts.identity = {{1}, {1, 1}, {0xabc, 0xdef}, {4}};
  return facts;
}

boost::json::value json(const Response& response) {
  return boost::json::parse({response.body.data(), response.body.size()});
}

}  // namespace

TEST_CASE("the status document says where a node stands", "[http][documents]") {
  const Response response = status_document(facts_of_leader());
  CHECK(response.status == 200);
  CHECK(response.content_type == "application/json");
  const auto body = json(response);
  CHECK(body.at("id") == 1);
  CHECK(body.at("role") == "leader");
  CHECK(body.at("term") == 7);
  CHECK(body.at("leader") == 1);
  CHECK(body.at("commit") == 90);
  CHECK(body.at("applied") == 89);
  CHECK(body.at("last_index") == 100);
  CHECK(body.at("peers").at(0).at("lag") == 3);
  CHECK(body.at("peers").at(0).at("last_contact_ms") == 12);
  CHECK(body.at("cluster") == "0000000000000abc0000000000000def");
}

TEST_CASE("the cluster document names all members and their roles", "[http][documents]") {
  const auto body = json(cluster_document(facts_of_leader()));
  const auto& members = body.at("members").as_array();
  REQUIRE(members.size() == 3);
  CHECK(members[0].at("role") == "leader");
  CHECK(members[1].at("role") == "voter");
  CHECK(members[1].at("match") == 97);
  CHECK(members[1].at("raft") == "127.0.0.1:7002");
  CHECK(members[1].at("http") == "127.0.0.1:6002");
  CHECK(members[2].at("role") == "learner");
  CHECK(body.at("membership_index") == 5);
  CHECK(body.as_object().if_contains("joint") == nullptr);
}

TEST_CASE("both halves are shown while the membership is joint", "[http][documents]") {
  Facts facts = facts_of_leader();
  auto joint = std::make_shared<raft::Membership>(*facts.status.membership.membership);
  joint->outgoing = {{1}};
  facts.status.membership.membership = joint;
  const auto body = json(cluster_document(facts));
  CHECK(body.at("joint").at("incoming") == boost::json::parse("[1,2]"));
  CHECK(body.at("joint").at("outgoing") == boost::json::parse("[1]"));
}

TEST_CASE("the leader is named, or the lack of one", "[http][documents]") {
  Facts facts = facts_of_leader();
  facts.status.leader = {2};
  CHECK(leader_document(facts).body == "{\"id\":2,\"http\":\"127.0.0.1:6002\"}\n");
  facts.status.leader = {};
  CHECK(leader_document(facts).status == 503);
}

TEST_CASE("who wants to join reads what the join document writes", "[http][documents]") {
  Facts facts = facts_of_leader();
  facts.status.leader = {2};
  const auto target = parse_join_target(join_document(facts).body);
  REQUIRE(target);
  CHECK(target->cluster == raft::ClusterId{0xabc, 0xdef});
  // The leader first.
  CHECK(target->raft ==
        std::vector<std::string>{"127.0.0.1:7002", "127.0.0.1:7001", "127.0.0.1:7003"});
  facts.identity.cluster = {};
  CHECK(join_document(facts).status == 503);
  for (const char* bad : {"", "{}", "[]", R"({"cluster":"x","raft":["h:1"]})",
                          R"({"cluster":"00000000000000000000000000000000","raft":["h:1"]})",
                          R"({"cluster":"0000000000000abc0000000000000def","raft":[]})",
                          R"({"cluster":"0000000000000abc0000000000000def","raft":[1]})"}) {
    CHECK_FALSE(parse_join_target(bad));
  }
}

TEST_CASE("a ready node has a leader, is a member, keeps up and serves", "[http][documents][O08]") {
  const Facts good = facts_of_leader();
  CHECK(ready_document(good).status == 200);
  CHECK(ready_document(good).body ==
        "[+]leader ok\n[+]member ok\n[+]applied ok\n[+]storage ok\n[+]serving ok\n");
  Facts facts = good;
  facts.status.leader = {};
  CHECK(ready_document(facts).status == 503);
  CHECK(ready_document(facts).body.starts_with("[-]leader no leader is known\n"));
  facts = good;
  facts.status.is_member = false;
  CHECK(ready_document(facts).status == 503);
  facts = good;
  facts.status.commit = {100'000};
  CHECK(ready_document(facts).status == 503);
  facts = good;
  facts.draining = true;
  CHECK(ready_document(facts).status == 503);
  facts = good;
  facts.status.failure = raft::Error{raft::Errc::storage_failed, "/secret/path"};
  CHECK(ready_document(facts).status == 503);
  // Paths are for the log.
  CHECK(health_document(facts).body.find("/secret") == std::string::npos);
  CHECK(status_document(facts).body.find("/secret") == std::string::npos);
}

// A full disk is neither well nor the end: balancers and people must see it while it lasts.
TEST_CASE("a full disk is shown as long as it is full", "[http][documents][O06]") {
  Facts facts = facts_of_leader();
  CHECK(status_document(facts).body.find(R"("storage":"ok")") != std::string::npos);
  facts.status.storage_full = true;
  CHECK(ready_document(facts).status == 503);
  CHECK(ready_document(facts).body.find("[-]storage storage_full\n") != std::string::npos);
  CHECK(live_document(facts).status == 200);
  CHECK(status_document(facts).body.find(R"("storage":"storage_full")") != std::string::npos);
  facts.status.failure = raft::Error{raft::Errc::storage_failed, {}};
  CHECK(status_document(facts).body.find(R"("storage":"storage_failed")") != std::string::npos);
}

TEST_CASE("the status document tells how much room the disk has", "[http][documents]") {
  Facts facts = facts_of_leader();
  CHECK(json(status_document(facts)).at("disk") ==
        boost::json::parse(R"({"writes_paused":false})"));
  facts.free_bytes = 5'000'000'000;
  facts.status.storage_full = true;
  CHECK(json(status_document(facts)).at("disk") ==
        boost::json::parse(R"({"free_bytes":5000000000,"writes_paused":true})"));
}

// A liveness probe that fails without a quorum makes the supervisor kill the last good nodes.
TEST_CASE("a node without a quorum is alive", "[http][documents][O08]") {
  Facts facts = facts_of_leader();
  facts.status.leader = {};
  facts.status.is_member = false;
  CHECK(live_document(facts).status == 200);
  CHECK(health_document(facts).status == 503);
}

TEST_CASE("the line about a missing leader names who cannot be reached", "[http][caretaker]") {
  raft::TransportStatus transport;
  transport.peers = {{{2}, "127.0.0.1:7002", true, ""},
                     {{3}, "127.0.0.1:7003", false, "Connection refused"}};
  CHECK(leaderless_line(transport) ==
        "no leader: 1 of 2 other nodes are connected; cannot reach node 3 at 127.0.0.1:7003 "
        "(Connection refused)");
}

// A line per second would drown all others, and around the limit there would be one per look.
TEST_CASE("space is spoken of when it gets short and when it stays enough", "[http][caretaker]") {
  using News = SpaceWatch::News;
  SpaceWatch watch;
  for (int look = 0; look < 10; ++look) CHECK(watch.look(false) == News::none);
  CHECK(watch.look(true) == News::short_of_space);
  for (int look = 0; look < 10; ++look) CHECK(watch.look(true) == News::none);
  for (int look = 0; look < 4; ++look) CHECK(watch.look(false) == News::none);
  CHECK(watch.look(true) == News::none);
  for (int look = 0; look < 4; ++look) CHECK(watch.look(false) == News::none);
  CHECK(watch.look(false) == News::recovered);
  CHECK(watch.look(false) == News::none);
  CHECK(watch.look(true) == News::short_of_space);
}

TEST_CASE("a member with new addresses corrects them once", "[http][caretaker]") {
  raft::Status status = facts_of_leader().status;
  CHECK_FALSE(correct_addresses(status, "127.0.0.1:7001", "127.0.0.1:6001"));
  const auto change = correct_addresses(status, "127.0.0.1:8001", "127.0.0.1:6001");
  REQUIRE(change);
  REQUIRE(change->update.size() == 1);
  CHECK(change->update[0].address == "127.0.0.1:8001");
  status.is_member = false;
  CHECK_FALSE(correct_addresses(status, "127.0.0.1:8001", "127.0.0.1:6001"));
}

}  // namespace kv
