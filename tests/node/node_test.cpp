// One node with one group: the public interface's promises to its callers.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "node/nodes.hpp"

using boost::system::error_code;
using raft::Errc;
using test::Nodes;

namespace {

raft::NodeOptions first_node_in(const test::TemporaryFolder& folder) {
  raft::NodeOptions options;
  options.id = {1};
  options.data_dir = folder.path() + "/data";
  options.listen = "127.0.0.1:0";
  return options;
}

}  // namespace

// Catches a founder that waits for others, loses replies, or answers within the call.
TEST_CASE("a group of one elects itself and answers proposals and reads", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  const auto [error, applied] = nodes.propose(1, "first");
  CHECK_FALSE(error);
  CHECK(applied.reply == "1");
  CHECK(applied.id.term == nodes[1].group->status().term);

  std::optional<std::size_t> size;
  nodes[1].group->async_read(
      raft::ReadLevel::linearizable, [&] { return nodes[1].words.words().size(); },
      [&](error_code failed, std::size_t value) {
        CHECK_FALSE(failed);
        size = value;
      });
  nodes.run_until([&] { return size.has_value(); });
  CHECK(size == 1u);
}

// Catches state that lives in memory only, and a boot that forgets who it is.
TEST_CASE("a node that starts again has everything, from the log and from a snapshot", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  for (int i = 0; i < 120; ++i) {
    REQUIRE_FALSE(nodes.propose(1, "word" + std::to_string(i)).first);
  }
  nodes.run_until([&] { return nodes[1].group->status().first_index.value > 1; });
  const raft::NodeIdentity before = nodes[1].node->identity();
  nodes.stop(1);
  nodes.start(1, {});
  nodes.run_until([&] { return nodes[1].words.words().size() == 120; });
  CHECK(nodes[1].words.words().back() == "word119");
  CHECK(nodes[1].node->identity().instance == before.instance);
  CHECK(nodes[1].node->identity().cluster == before.cluster);
  CHECK(nodes[1].node->identity().boot.value == before.boot.value + 1);
}

// Catches exactly-once that is only at-least-once.
TEST_CASE("a repeated request of a session is executed once and answered alike", "[bug-47][node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  raft::ProposeOptions once;
  once.session = {"client", 1};
  CHECK(nodes.propose(1, "w", once).second.reply == "1");
  CHECK(nodes.propose(1, "w", once).second.reply == "1");
  CHECK(nodes[1].words.words().size() == 1);
  once.session = {"stranger", 7};
  CHECK(nodes.propose(1, "w", once).first == Errc::session_expired);
}

TEST_CASE("a directory without a member and without a way to begin is refused", "[node]") {
  test::TemporaryFolder folder;
  boost::asio::io_context context;
  raft::NodeOptions options = first_node_in(folder);
  const auto node = raft::Node::open(context.get_executor(), options);
  REQUIRE(node);
  test::Words words;
  const auto group = (*node)->start_group({}, words);
  REQUIRE_FALSE(group);
  CHECK(group.code() == Errc::invalid_argument);

  // Nor may a second process, or another node, take the directory.
  CHECK(raft::Node::open(context.get_executor(), options).code() == Errc::busy);
}

TEST_CASE("another node's directory is refused by name", "[DU-09][node]") {
  test::TemporaryFolder folder;
  boost::asio::io_context context;
  raft::NodeOptions options = first_node_in(folder);
  REQUIRE(raft::Node::open(context.get_executor(), options));
  options.id = {2};
  const auto other = raft::Node::open(context.get_executor(), options);
  REQUIRE_FALSE(other);
  CHECK(other.code() == Errc::id_taken);
  CHECK(other.error().detail.find("belongs to node 1") != std::string::npos);
}

// Catches a disk that is not mounted being taken for a fresh start: the same instance would vote a
// second time in terms in which it has voted, or found a second history of the same cluster.
TEST_CASE("a member whose log is gone is refused, whatever it is told to begin with", "[node]") {
  test::TemporaryFolder folder;
  boost::asio::io_context context;
  raft::NodeOptions options = first_node_in(folder);
  test::Words words;
  {
    const auto node = raft::Node::open(context.get_executor(), options);
    REQUIRE(node);
    raft::GroupOptions group;
    group.founding = test::bootstrap();
    REQUIRE((*node)->start_group(group, words));
  }
  const std::string log = options.data_dir + "/log";
  std::filesystem::rename(log, folder.path() + "/elsewhere");
  std::filesystem::create_directory(log);  // The mount point.
  const auto without = raft::Node::open(context.get_executor(), options);
  REQUIRE_FALSE(without);
  CHECK(without.code() == Errc::data_missing);
  CHECK(without.error().detail.find("is missing beside the identity") != std::string::npos);

  std::filesystem::remove_all(log);
  std::filesystem::rename(folder.path() + "/elsewhere", log);
  const auto node = raft::Node::open(context.get_executor(), options);
  REQUIRE(node);
  CHECK((*node)->start_group({}, words));
}

// RocksDB itself takes a database without its newest write-ahead log for one that ends earlier: the
// member would have forgotten its vote and what it acknowledged, or found its cluster once more.
TEST_CASE("a member whose newest log file is gone or empty is refused", "[node][DU-08]") {
  const bool is_emptied = GENERATE(false, true);
  const int lives = GENERATE(1, 2);
  test::TemporaryFolder folder;
  boost::asio::io_context context;
  raft::NodeOptions options = first_node_in(folder);
  test::Words words;
  for (int life = 0; life < lives; ++life) {
    const auto node = raft::Node::open(context.get_executor(), options);
    REQUIRE(node);
    raft::GroupOptions group;
    group.founding = test::bootstrap();
    REQUIRE((*node)->start_group(group, words));
  }
  for (const auto& file : std::filesystem::directory_iterator(options.data_dir + "/log")) {
    if (file.path().extension() != ".log") continue;
    if (is_emptied) {
      std::filesystem::resize_file(file.path(), 0);
    } else {
      std::filesystem::remove(file.path());
    }
  }
  const auto without = raft::Node::open(context.get_executor(), options);
  REQUIRE_FALSE(without);
  CHECK(without.code() == Errc::data_missing);
  CHECK(without.error().detail.find("the log has lost its end") != std::string::npos);
}

TEST_CASE("a node that nobody could dial is refused", "[node]") {
  test::TemporaryFolder folder;
  boost::asio::io_context context;
  raft::NodeOptions options = first_node_in(folder);
  for (const char* listen : {"0.0.0.0:0", "[::]:0"}) {
    options.listen = listen;
    const auto refused = raft::Node::open(context.get_executor(), options);
    REQUIRE_FALSE(refused);
    CHECK(refused.code() == Errc::invalid_argument);
  }
  options.listen = "0.0.0.0:0";
  options.advertise = "127.0.0.1:7001";
  CHECK(raft::Node::open(context.get_executor(), options));
}

// Two clusters under one id could take each other's nodes for their own.
TEST_CASE("a node on its way into a cluster does not found one", "[node]") {
  test::TemporaryFolder folder;
  boost::asio::io_context context;
  raft::NodeOptions options = first_node_in(folder);
  test::Words words;
  raft::GroupOptions joiner;
  joiner.founding = test::join("127.0.0.1:1");
  joiner.founding.cluster = {1, 2};
  {
    const auto node = raft::Node::open(context.get_executor(), options);
    REQUIRE(node);
    REQUIRE((*node)->start_group(joiner, words));
  }
  const auto node = raft::Node::open(context.get_executor(), options);
  REQUIRE(node);
  CHECK((*node)->identity().joining);
  CHECK((*node)->identity().cluster == raft::ClusterId{1, 2});
  raft::GroupOptions founder;
  founder.founding = test::bootstrap();
  const auto group = (*node)->start_group(founder, words);
  REQUIRE(group);
  CHECK((*group)->status().last_index == raft::Index{0});
}

// Catches completions that are lost, run twice, or need the executor while the node goes.
TEST_CASE("what is pending when the node goes is completed, once", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  std::vector<error_code> answers;
  for (int i = 0; i < 10; ++i) {
    nodes[1].group->async_propose(
        "w", [&](error_code error, raft::Applied) { answers.push_back(error); });
  }
  nodes.stop(1);
  nodes.run_until([&] { return answers.size() == 10; });
  for (const error_code& answer : answers) {
    const bool is_known = !answer || answer == Errc::stopped || answer == Errc::unknown_outcome;
    CHECK(is_known);
  }
}

TEST_CASE("async_stop finishes what is in flight and lets the context end", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  bool proposed = false;
  bool stopped = false;
  nodes[1].group->async_propose("w", [&](error_code error, raft::Applied) {
    CHECK_FALSE(error);
    proposed = true;
  });
  nodes[1].node->async_stop(std::chrono::seconds(5), [&](error_code error) {
    CHECK_FALSE(error);
    stopped = true;
  });
  nodes.context().restart();
  nodes.context().run();  // Returns only because no timer or work is left.
  CHECK(proposed);
  CHECK(stopped);
}

// A majority is needed, so the proposal hangs: only cancellation or its deadline can end it.
TEST_CASE("a proposal that cannot commit ends by deadline or cancellation", "[node]") {
  Nodes nodes;
  nodes.form_cluster(3);
  nodes.stop(2);
  nodes.stop(3);
  std::optional<error_code> late;
  std::optional<error_code> cancelled;
  raft::ProposeOptions options;
  options.deadline = std::chrono::milliseconds(100);
  nodes[1].group->async_propose("late", options,
                                [&](error_code error, raft::Applied) { late = error; });
  boost::asio::cancellation_signal signal;
  nodes[1].group->async_propose(
      "cancelled", boost::asio::bind_cancellation_slot(
                       signal.slot(), [&](error_code error, raft::Applied) { cancelled = error; }));
  signal.emit(boost::asio::cancellation_type::total);
  nodes.run_until([&] { return late && cancelled; });
  CHECK(late == Errc::unknown_outcome);
  CHECK(cancelled == Errc::unknown_outcome);
}

// The context runs on another thread: futures, and callers off the strand.
TEST_CASE("calls from other threads work, with futures too", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap(), true);
  nodes.run_until([&] { return nodes.leader() == 1; });
  nodes.context().restart();
  std::thread runner([&] { nodes.context().run(); });
  for (int i = 1; i <= 50; ++i) {
    auto future = nodes[1].group->async_propose("w", boost::asio::use_future);
    CHECK(future.get().reply == std::to_string(i));
    CHECK(nodes[1].group->status().id == raft::NodeId{1});
  }
  auto stopped = nodes[1].node->async_stop(std::chrono::seconds(5), boost::asio::use_future);
  stopped.get();
  runner.join();
}

TEST_CASE("coroutines await what the group completes", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  std::string reply;
  boost::asio::co_spawn(
      nodes.context(),
      [&]() -> boost::asio::awaitable<void> {
        const raft::Applied applied =
            co_await nodes[1].group->async_propose("w", boost::asio::use_awaitable);
        co_await nodes[1].group->async_read_barrier(
            raft::ReadLevel::linearizable, std::chrono::seconds(5), boost::asio::use_awaitable);
        co_await nodes[1].group->async_take_snapshot(boost::asio::use_awaitable);
        reply = applied.reply;
      },
      boost::asio::detached);
  nodes.run_until([&] { return !reply.empty(); });
  CHECK(reply == "1");
}
