// A durable machine behind real nodes: it keeps its own state, and the log brings it up to date.
#include <catch2/catch.hpp>
#include <optional>

#include "node/durable_words.hpp"
#include "node/nodes.hpp"

using boost::system::error_code;
using raft::Errc;
using test::DurableDisk;
using test::DurableWords;

namespace {

/// One node with a durable machine. A new life begins with what its disks hold.
class Host {
 public:
  Host(test::Nodes& nodes, std::uint64_t id) : nodes_(nodes), id_(id) {}

  void start(raft::Founding how = {}) {
    machines_.push_back(std::make_unique<DurableWords>(disk));
    raft::NodeOptions options;
    options.id = {id_};
    options.data_dir = folder_.path() + "/data";
    options.listen = "127.0.0.1:0";
    auto opened = raft::Node::open(nodes_.context().get_executor(), options);
    REQUIRE(opened);
    node = *std::move(opened);
    raft::GroupOptions settings;
    settings.founding = std::move(how);
    settings.retention.snapshot_log_entries = 20;
    settings.retention.trailing_entries = 5;
    const auto started = node->start_group(settings, machine());
    if (!started) FAIL(started.error().detail);
    group = *started;
  }

  DurableWords& machine() { return *machines_.back(); }

  std::string propose(const std::string& word, raft::Session session = {}) {
    nodes_.run_until([&] { return group->status().role == raft::RoleNow::leader; });
    std::optional<std::string> reply;
    raft::ProposeOptions options;
    options.session = std::move(session);
    group->async_propose(word, options, [&](error_code error, raft::Applied applied) {
      reply = error ? error.message() : applied.reply;
    });
    nodes_.run_until([&] { return reply.has_value(); });
    return *reply;
  }

  DurableDisk disk;
  std::unique_ptr<raft::Node> node;
  raft::Group* group = nullptr;

 private:
  test::Nodes& nodes_;
  const std::uint64_t id_;
  test::TemporaryFolder folder_;
  std::vector<std::unique_ptr<DurableWords>> machines_;
};

}  // namespace

// Catches a replay that begins too early (words twice) or too late (a hole), and sessions that are
// not at the same index as the words.
TEST_CASE("a durable machine is brought up to date from its durable index", "[node][durable]") {
  test::Nodes nodes;
  Host host(nodes, 1);
  host.start(test::bootstrap());
  CHECK(host.propose("one") == "1");
  CHECK(host.propose("two", {"client", 1}) == "2");
  std::optional<error_code> flushed;
  host.group->async_take_snapshot([&](error_code error) { flushed = error; });
  nodes.run_until([&] { return flushed.has_value(); });
  CHECK(*flushed == error_code());
  const raft::Index durable = host.disk.applied();
  CHECK(host.disk.read().words.size() == 2);
  CHECK(host.propose("three", {"client", 2}) == "3");
  CHECK(host.propose("four") == "4");
  CHECK(host.disk.applied() == durable);

  host.node.reset();  // What was not flushed is gone with the machine.
  host.start();
  CHECK(host.propose("again", {"client", 1}) == "2");
  CHECK(host.propose("again", {"client", 2}) == "3");
  CHECK(host.propose("five") == "5");
  CHECK(host.machine().words() == std::vector<std::string>{"one", "two", "three", "four", "five"});
  CHECK(host.machine().first_applied() > durable);
  CHECK(host.group->status().counters.snapshots_installed == 0);
}

// Catches a log that is cut above the durable index, after which no restart finds its way.
TEST_CASE("the log of a durable machine is shortened behind its flushes only", "[node][durable]") {
  test::Nodes nodes;
  Host host(nodes, 1);
  host.start(test::bootstrap());
  for (int i = 1; i <= 60; ++i) REQUIRE(host.propose("w") == std::to_string(i));
  nodes.run_until([&] { return host.group->status().first_index.value > 1; });
  CHECK(host.group->status().first_index <= host.disk.applied().next());
  host.node.reset();
  host.start();
  CHECK(host.propose("w") == "61");
}

// A node that lags behind a shortened log gets what the leader's machine captured.
TEST_CASE("a newcomer's durable machine is restored from a snapshot", "[node][durable]") {
  test::Nodes nodes;
  Host first(nodes, 1);
  Host second(nodes, 2);
  first.start(test::bootstrap());
  for (int i = 1; i <= 60; ++i) REQUIRE(first.propose("w") == std::to_string(i));
  nodes.run_until([&] { return first.group->status().first_index.value > 20; });
  second.start(test::join(first.node->address()));
  nodes.run_until([&] { return second.group->status().counters.snapshots_installed == 1; });
  nodes.run_until([&] { return second.machine().words().size() == 60; });
  CHECK(second.disk.read().words.size() >= 20);
  nodes.run_until([&] { return second.group->status().membership.membership->is_voter({2}); });
  second.node.reset();
  second.start();
  nodes.run_until([&] { return second.machine().words().size() == 60; });
  CHECK(second.machine().words() == first.machine().words());
}
