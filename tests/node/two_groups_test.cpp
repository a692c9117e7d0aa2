// Several groups on the same nodes: each has a membership, a beginning and an end of its own.
#include <boost/asio/executor_work_guard.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "node/group_nodes.hpp"

using raft::Errc;
using test::bootstrap;
using test::GroupNodes;
using test::join;

namespace {

/// Group 1 on the nodes 1, 2 and 3, and group 2 on 2 and 3, founded by node 2.
void form_two_groups(GroupNodes& nodes) {
  for (std::uint64_t id = 1; id <= 3; ++id) nodes.open(id);
  nodes.start(1, 1, bootstrap());
  nodes.start(2, 1, join(nodes.address(1)));
  nodes.start(3, 1, join(nodes.address(1)));
  nodes.run_until_voters(2, 1, {1, 2, 3});
  nodes.start(2, 2, bootstrap());
  nodes.start(3, 2, join(nodes.address(2)));
  nodes.run_until_voters(3, 2, {2, 3});
}

}  // namespace

// Catches messages, answers and log entries of one group that end up in another, and a second group
// that cannot begin where a first one runs.
TEST_CASE("two groups of different members share their nodes", "[node][cluster][groups]") {
  GroupNodes nodes;
  form_two_groups(nodes);
  nodes.propose(1, 1, "one");
  nodes.propose(3, 2, "two");
  nodes.propose(2, 2, "three");
  for (std::uint64_t id = 1; id <= 3; ++id) CHECK(nodes.read(id, 1) == 1);
  for (std::uint64_t id = 2; id <= 3; ++id) CHECK(nodes.read(id, 2) == 2);
  CHECK(nodes.words(3, 1) == std::vector<std::string>{"one"});
  CHECK(nodes.words(3, 2) == std::vector<std::string>{"two", "three"});
}

TEST_CASE("all groups of a node are there after a restart", "[node][cluster][groups]") {
  GroupNodes nodes;
  form_two_groups(nodes);
  nodes.propose(1, 1, "one");
  nodes.propose(3, 2, "two");
  for (std::uint64_t id = 1; id <= 3; ++id) nodes.stop(id);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    nodes.open(id);
    nodes.start(id, 1);
    if (id != 1) nodes.start(id, 2);
  }
  nodes.propose(2, 1, "more");
  nodes.propose(2, 2, "more");
  CHECK(nodes.read(3, 1) == 2);
  CHECK(nodes.read(3, 2) == 2);
}

// Catches a refusal that is taken for all groups: the node would lose its links, or stop both.
TEST_CASE("who is removed from one group goes on in the other", "[node][cluster][groups]") {
  GroupNodes nodes;
  form_two_groups(nodes);
  nodes.remove(1, 1, 3);
  nodes.run_until([&] { return nodes.failures(3).contains(1); });
  CHECK(nodes.failures(3).at(1) == Errc::removed);
  nodes.propose(3, 2, "still here");
  CHECK(nodes.read(3, 2) == 1);
  // Its links come up anew, with the removal in its log.
  nodes.stop(3);
  nodes.open(3);
  nodes.start(3, 1);
  nodes.start(3, 2);
  nodes.run_until([&] { return nodes.failures(3).contains(1); });
  nodes.propose(3, 2, "still here");
  CHECK(nodes.read(3, 2) == 2);
  CHECK(nodes.failures(3) == std::map<std::uint64_t, Errc>{{1, Errc::removed}});
  CHECK(nodes.failures(2).empty());
}

// Its log says nothing of a removal. Refused, it would lose the other group; welcome, it has to be
// told by a message, for nobody replicates to it any more.
TEST_CASE("who was removed from one group while it was away is told and goes on in the other",
          "[node][cluster][groups]") {
  GroupNodes nodes;
  form_two_groups(nodes);
  nodes.stop(3);
  nodes.remove(1, 1, 3);
  nodes.open(3);
  nodes.start(3, 1);
  nodes.start(3, 2);
  nodes.run_until([&] { return nodes.failures(3).contains(1); });
  CHECK(nodes.failures(3).at(1) == Errc::removed);
  nodes.propose(3, 2, "still here");
  CHECK(nodes.read(2, 2) == 1);
  CHECK(nodes.failures(3).size() == 1);
  nodes.propose(2, 1, "without it");
}

// A learner never campaigns, and so never hears what candidates are told.
TEST_CASE("a learner that was removed from one group while it was away is told",
          "[node][cluster][groups]") {
  GroupNodes nodes;
  form_two_groups(nodes);
  raft::Founding waiting;
  waiting.wait_to_be_added = true;
  nodes.start(1, 2, waiting);
  raft::Member learner;
  learner.id = {1};
  learner.address = nodes.address(1);
  std::optional<boost::system::error_code> added;
  nodes.group(3, 2).async_add_member(learner,
                                     [&](boost::system::error_code error) { added = error; });
  nodes.run_until([&] { return added && nodes.group(1, 2).status().is_member; });
  CHECK_FALSE(*added);
  nodes.propose(2, 2, "seen by all");
  nodes.run_until([&] { return nodes.words(1, 2).size() == 1; });
  nodes.stop(1);
  nodes.remove(2, 2, 1);
  nodes.open(1);
  nodes.start(1, 1);
  nodes.start(1, 2);
  nodes.run_until([&] { return nodes.failures(1).contains(2); });
  CHECK(nodes.failures(1).at(2) == Errc::removed);
  nodes.propose(1, 1, "still here");
}

// Catches a group that forgets, with its own joining, how another one joins: after a restart it
// would ask the operator how to begin.
TEST_CASE("the joining of one group outlives the joining of another, and a restart",
          "[node][cluster][groups][joining]") {
  GroupNodes nodes;
  for (std::uint64_t id = 1; id <= 2; ++id) nodes.open(id);
  nodes.start(1, 1, bootstrap());
  nodes.start(2, 2, join(nodes.address(1)));  // Where that group does not run yet.
  nodes.start(2, 1, join(nodes.address(1)));
  nodes.run_until_voters(2, 1, {1, 2});
  nodes.propose(2, 1, "joined");
  CHECK_FALSE(nodes.group(2, 2).status().is_member);
  nodes.stop(2);
  nodes.start(1, 2, bootstrap());
  nodes.open(2);
  nodes.start(2, 1);
  nodes.start(2, 2);
  nodes.run_until_voters(2, 2, {1, 2});
  nodes.propose(2, 2, "joined");
  CHECK(nodes.read(2, 1) == 1);
}

// The second group's founder finds that the others belong to a cluster already: to its own.
TEST_CASE("nodes started with the same list found both groups", "[node][cluster][groups]") {
  GroupNodes nodes;
  raft::Founding list;
  for (std::uint64_t id = 1; id <= 2; ++id) {
    nodes.open(id);
    list.initial_members.push_back({{id}, nodes.address(id), {}});
  }
  for (std::uint64_t group = 1; group <= 2; ++group) {
    for (std::uint64_t id = 1; id <= 2; ++id) nodes.start(id, group, list);
  }
  for (std::uint64_t group = 1; group <= 2; ++group) {
    nodes.run_until_voters(2, group, {1, 2});
    nodes.propose(2, group, "founded");
    CHECK(nodes.read(1, group) == 1);
  }
}

// Under ThreadSanitizer it catches a group that is put where the running ones are looked up.
TEST_CASE("groups are started, asked and stopped while two threads run the context",
          "[node][groups][threads]") {
  test::TemporaryFolder folder;
  boost::asio::io_context context(2);
  const auto work = boost::asio::make_work_guard(context);
  std::vector<std::thread> runners;
  for (int i = 0; i < 2; ++i) runners.emplace_back([&] { context.run(); });
  raft::NodeOptions options;
  options.id = {1};
  options.data_dir = folder.path() + "/data";
  options.listen = "127.0.0.1:0";
  auto node = raft::Node::open(context.get_executor(), options);
  REQUIRE(node);
  std::vector<std::unique_ptr<test::Words>> machines;
  std::vector<std::future<std::string>> replies;
  for (std::uint64_t number = 1; number <= 4; ++number) {
    machines.push_back(std::make_unique<test::Words>(number % 2 == 0));
    raft::GroupOptions group;
    group.group = {number};
    group.founding = bootstrap();
    const auto started = (*node)->start_group(group, *machines.back());
    REQUIRE(started);
    CHECK((*node)->start_group(group, *machines.back()).code() == Errc::invalid_argument);
    raft::Group* const handle = *started;
    const auto ask = [handle] {
      while (true) {
        std::promise<boost::system::error_code> told;
        std::string reply;
        handle->async_propose("w", [&](boost::system::error_code error, raft::Applied applied) {
          reply = std::move(applied.reply);
          told.set_value(error);
        });
        const auto error = told.get_future().get();
        if (error != Errc::no_leader) return error ? error.message() : reply;
      }
    };
    replies.push_back(std::async(std::launch::async, ask));
  }
  for (auto& reply : replies) CHECK(reply.get() == "1");
  std::promise<void> stopped;
  (*node)->async_stop(std::chrono::seconds(5),
                      [&](boost::system::error_code) { stopped.set_value(); });
  stopped.get_future().get();
  raft::GroupOptions late;
  late.group = {9};
  late.founding = bootstrap();
  CHECK((*node)->start_group(late, *machines.back()).code() == Errc::stopped);
  node->reset();
  context.stop();
  for (std::thread& runner : runners) runner.join();
}
