// Three nodes over loopback in one process: joining, forwarding, membership, failover.
#include <catch2/catch.hpp>

#include "node/nodes.hpp"

using boost::system::error_code;
using raft::Errc;
using test::Nodes;

// Catches requests that work on the leader only, with machines on either kind of thread.
TEST_CASE("every node takes proposals and linearizable reads", "[node][cluster]") {
  const bool blocks = GENERATE(false, true);
  Nodes nodes;
  nodes.form_cluster(3, blocks);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    const auto [error, applied] = nodes.propose(id, "from" + std::to_string(id));
    CHECK_FALSE(error);
    CHECK(applied.reply == std::to_string(id));
  }
  for (std::uint64_t id = 1; id <= 3; ++id) {
    std::optional<std::size_t> size;
    nodes[id].group->async_read(
        raft::ReadLevel::linearizable, [&, id] { return nodes[id].words.words().size(); },
        [&](error_code failed, std::size_t value) {
          CHECK_FALSE(failed);
          size = value;
        });
    nodes.run_until([&] { return size.has_value(); });
    CHECK(size == 3u);
  }
}

// Catches a cluster that needs its first leader.
TEST_CASE("when the leader goes the others elect another and go on", "[node][cluster]") {
  Nodes nodes;
  nodes.form_cluster(3);
  REQUIRE_FALSE(nodes.propose(2, "before").first);
  const auto told = [&](std::uint64_t id) { return nodes[id].leaders.back(); };
  const raft::Term before = nodes[2].group->status().term;
  for (const std::uint64_t id : {1, 2, 3}) CHECK(told(id) == std::pair(raft::NodeId{1}, before));
  nodes.stop(1);
  nodes.run_until([&] { return nodes.leader() != 0; });
  REQUIRE_FALSE(nodes.propose(2, "after").first);
  REQUIRE_FALSE(nodes.propose(3, "after too").first);
  const raft::NodeId leader{nodes.leader()};
  for (const std::uint64_t id : {2, 3}) {
    nodes.run_until([&] { return told(id).first == leader; });
    CHECK(told(id).second > before);
  }
}

// Catches lost log prefixes: what the newcomer needs was compacted away long ago.
TEST_CASE("a newcomer behind a compacted log gets a snapshot and becomes a voter",
          "[node][cluster][snapshot]") {
  const bool blocks = GENERATE(false, true);
  Nodes nodes;
  nodes.form_cluster(2, blocks);
  for (int i = 0; i < 150; ++i) REQUIRE_FALSE(nodes.propose(1, std::to_string(i)).first);
  nodes.run_until([&] { return nodes[1].group->status().first_index.value > 50; });
  nodes.start(3, test::join(nodes[2].node->address()), blocks);
  nodes.run_until([&] {
    return nodes[3].group->status().membership.membership->is_voter({3}) &&
           nodes[3].words.words().size() == 150;
  });
  CHECK(nodes[3].group->status().counters.snapshots_installed == 1);
  CHECK(nodes[3].words.words() == nodes[1].words.words());
}

TEST_CASE("leadership is transferred on request, asked of any node", "[node][cluster]") {
  Nodes nodes;
  nodes.form_cluster(3);
  std::optional<error_code> done;
  nodes[2].group->async_transfer_leadership({3}, [&](error_code error) { done = error; });
  nodes.run_until([&] { return done.has_value(); });
  CHECK_FALSE(*done);
  nodes.run_until([&] { return nodes.leader() == 3; });
  CHECK_FALSE(nodes.propose(1, "still works").first);
}

// Catches a removed node that goes on as if nothing had happened, or disturbs the others.
TEST_CASE("a removed node is told and the others go on", "[node][cluster][membership]") {
  Nodes nodes;
  nodes.form_cluster(3);
  raft::MembershipChange change;
  change.remove = {{3}};
  std::optional<error_code> done;
  nodes[2].group->async_change_membership(change, [&](error_code error) { done = error; });
  nodes.run_until([&] { return done && !nodes[3].failures.empty(); });
  CHECK_FALSE(*done);
  CHECK(nodes[3].failures.front().code == Errc::removed);
  CHECK_FALSE(nodes.propose(2, "two are enough").first);
}

// Catches a refusal of which a person learns no more than that it is one, here or passed on.
TEST_CASE("a refused change says why, asked of any node", "[node][cluster][membership]") {
  Nodes nodes;
  nodes.form_cluster(3);
  raft::MembershipChange change;
  change.promote = {{9}};
  nodes.run_until([&] {  // The last one that joined is promoted first.
    const std::uint64_t leader = nodes.leader();
    if (leader == 0) return false;
    const raft::Status status = nodes[leader].group->status();
    const raft::Membership& membership = *status.membership.membership;
    return !membership.is_joint() && membership.voters().size() == 3 &&
           status.commit >= status.membership.index;
  });
  for (const std::uint64_t asked : {1u, 2u, 3u}) {
    std::string why = "left over";
    std::optional<error_code> refused;
    nodes[asked].group->async_change_membership(change, why,
                                                [&](error_code error) { refused = error; });
    nodes.run_until([&] { return refused.has_value(); });
    CHECK(*refused == Errc::invalid_argument);
    CHECK(why == "node 9 is not a member");
  }
  std::string why = "left over";
  std::optional<error_code> done;
  nodes[1].group->async_transfer_leadership({2}, why, [&](error_code error) { done = error; });
  nodes.run_until([&] { return done.has_value(); });
  CHECK_FALSE(*done);
  CHECK(why.empty());
}

TEST_CASE("a node that waits to be added is asked who it is and promoted",
          "[node][cluster][membership]") {
  Nodes nodes;
  nodes.form_cluster(2);
  raft::Founding waiting;
  waiting.wait_to_be_added = true;
  nodes.start(3, waiting);
  raft::Member newcomer;
  newcomer.id = {3};
  newcomer.address = nodes[3].node->address();
  newcomer.promote = true;

  raft::Member wrong = newcomer;
  wrong.id = {4};
  std::optional<error_code> refused;
  std::string why;
  nodes[1].group->async_add_member(wrong, why, [&](error_code error) { refused = error; });
  nodes.run_until([&] { return refused.has_value(); });
  CHECK(*refused == Errc::conflict);
  CHECK_THAT(why, Catch::StartsWith("node 3 answers at "));

  std::optional<error_code> added;
  nodes[2].group->async_add_member(newcomer, [&](error_code error) { added = error; });
  nodes.run_until([&] { return added.has_value(); });
  CHECK_FALSE(*added);
  nodes.run_until([&] { return nodes[3].group->status().membership.membership->is_voter({3}); });
  CHECK(nodes[3].node->identity().cluster == nodes[1].node->identity().cluster);
}

// Catches the accident of two clusters with half the nodes each.
TEST_CASE("nodes started with the same list become one cluster", "[node][cluster][founding]") {
  Nodes nodes;
  raft::Founding waiting;
  waiting.wait_to_be_added = true;
  nodes.start(2, waiting);
  raft::Founding list;
  list.initial_members = {{{1}, "127.0.0.1:1", {}}, {{2}, nodes[2].node->address(), {}}};
  nodes.start(1, list);
  nodes.run_until([&] { return nodes.leader() == 1; });
  CHECK(nodes[1].node->identity().cluster);
  CHECK_FALSE(nodes.propose(1, "founded").first);
}

// Catches a joiner that is left without an answer while the founder still gathers the others.
TEST_CASE("who asks a node that has not begun hears so", "[node][cluster][founding]") {
  Nodes nodes;
  raft::Founding list;
  list.initial_members = {{{1}, "127.0.0.1:2", {}}, {{3}, "127.0.0.1:1", {}}};
  nodes.start(1, list);
  raft::Founding impatient = test::join(nodes[1].node->address());
  impatient.join_timeout = std::chrono::milliseconds(300);
  nodes.start(2, impatient);
  nodes.run_until([&] { return !nodes[2].failures.empty(); });
  CHECK(nodes[2].failures[0].code == Errc::timed_out);
  CHECK_THAT(nodes[2].failures[0].detail, Catch::EndsWith("node 1 has not begun yet"));
}
