// How a node ends: every handler is called, exactly once, whoever is in the middle of what.
#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "node/nodes.hpp"

using boost::system::error_code;
using raft::Errc;
using test::Nodes;

namespace {

constexpr auto long_grace = std::chrono::seconds(10);

/// Accepts connections, as the system does for it, and never answers.
class Mute {
 public:
  explicit Mute(boost::asio::io_context& context)
      : acceptor_(context, {boost::asio::ip::make_address("127.0.0.1"), 0}) {}

  raft::Member as_member() const {
    raft::Member member;
    member.id = {9};
    member.address = "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    return member;
  }

 private:
  boost::asio::ip::tcp::acceptor acceptor_;
};

/// Two of three voters gone: nothing is committed any more.
void form_stuck_cluster(Nodes& nodes) {
  nodes.form_cluster(3);
  nodes.stop(2);
  nodes.stop(3);
}

error_code failure_of(std::future<std::size_t> read) {
  try {
    read.get();
  } catch (const boost::system::system_error& failure) {
    return failure.code();
  }
  return {};
}

}  // namespace

// Catches reads that are dropped with the queue of the workers, and a caller who is told while the
// function still uses what belongs to it. Nobody runs the context here.
TEST_CASE("reads on their way through the workers are completed when the node goes", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap(), true);
  nodes.run_until([&] { return nodes.leader() == 1; });
  std::promise<void> begun;
  std::promise<void> gate;
  std::atomic<bool> ran = false;
  auto running = nodes[1].group->async_read(
      raft::ReadLevel::stale,
      [&] {
        begun.set_value();
        gate.get_future().wait();
        ran = true;
        return std::size_t{1};
      },
      boost::asio::use_future);
  std::atomic<bool> second_ran = false;
  auto queued = nodes[1].group->async_read(
      raft::ReadLevel::stale,
      [&] {
        second_ran = true;
        return std::size_t{2};
      },
      boost::asio::use_future);
  auto has_begun = begun.get_future();
  nodes.run_until(
      [&] { return has_begun.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  std::thread end([&] { nodes.stop(1); });
  CHECK(failure_of(std::move(queued)) == Errc::stopped);
  CHECK(running.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  gate.set_value();
  CHECK(failure_of(std::move(running)) == Errc::stopped);
  CHECK(ran);
  CHECK_FALSE(second_ran);
  end.join();
}

// Whoever asked to add a node waits for an answer from outside that never comes.
TEST_CASE("a node that is asked who it is holds nobody back when the asker goes", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  const Mute mute(nodes.context());
  std::vector<error_code> told;
  nodes[1].group->async_add_member(mute.as_member(),
                                   [&](error_code error) { told.push_back(error); });
  boost::asio::post(nodes[1].node->executor(), [&] { nodes.stop(1); });
  nodes.run_until([&] { return !told.empty(); });
  nodes.context().restart();
  nodes.context().run();
  CHECK(told == std::vector<error_code>{Errc::stopped});
}

// A caller that tries again when it is told of the end, in the very handler.
TEST_CASE("who asks again while the node goes is told as well", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  const Mute mute(nodes.context());
  std::vector<error_code> first;
  std::vector<error_code> again;
  raft::Group* const group = nodes[1].group;
  const auto ask_again = [&, group](error_code error) {
    first.push_back(error);
    const auto note = [&](error_code second) { again.push_back(second); };
    group->async_propose("again",
                         [note](error_code failed, const raft::Applied&) { note(failed); });
    group->async_read_barrier(raft::ReadLevel::stale, std::chrono::seconds(0), note);
    group->async_add_member(mute.as_member(), note);
    group->async_take_snapshot(note);
  };
  group->async_add_member(mute.as_member(), ask_again);
  bool stops = false;
  SECTION("by its destructor") {
    boost::asio::post(nodes[1].node->executor(), [&] { nodes.stop(1); });
  }
  SECTION("by async_stop") {
    stops = true;
    nodes[1].node->async_stop(std::chrono::milliseconds(50), [](error_code) {});
  }
  nodes.run_until([&] { return again.size() == 4; });
  CHECK(first == std::vector<error_code>{Errc::stopped});
  CHECK(again == std::vector<error_code>(4, Errc::stopped));
  if (stops) nodes.stop(1);
  nodes.context().restart();
  nodes.context().run();
  CHECK(again.size() == 4);
}

// The future has no use for the node's strand, which never runs again.
TEST_CASE("a node that goes while it is stopping completes the stop", "[node]") {
  Nodes nodes;
  form_stuck_cluster(nodes);
  auto proposed = nodes[1].group->async_propose("stuck", boost::asio::use_future);
  auto stopped = nodes[1].node->async_stop(long_grace, boost::asio::use_future);
  nodes.context().poll();
  nodes.stop(1);
  CHECK_NOTHROW(stopped.get());
  CHECK_THROWS(proposed.get());
}

TEST_CASE("a grace that runs out ends the waiting", "[node][cluster]") {
  Nodes nodes;
  form_stuck_cluster(nodes);
  std::optional<error_code> proposed;
  std::optional<error_code> read;
  std::optional<error_code> stopped;
  nodes[1].group->async_propose("stuck",
                                [&](error_code error, const raft::Applied&) { proposed = error; });
  nodes[1].group->async_read_barrier(raft::ReadLevel::linearizable, std::chrono::seconds(0),
                                     [&](error_code error) { read = error; });
  nodes[1].node->async_stop(std::chrono::milliseconds(100),
                            [&](error_code error) { stopped = error; });
  nodes.run_until([&] { return stopped.has_value(); });
  CHECK(*stopped == error_code());
  REQUIRE(proposed);
  CHECK(*proposed == Errc::unknown_outcome);
  REQUIRE(read);
  CHECK(*read == Errc::stopped);
}

// A server that is never quiet would use all of its grace at each restart.
TEST_CASE("a node that stops takes nothing new, and so ends long before its grace is over",
          "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap());
  nodes.run_until([&] { return nodes.leader() == 1; });
  std::vector<error_code> answers;
  std::function<void()> ask = [&] {
    nodes[1].group->async_propose("w", [&](error_code error, const raft::Applied&) {
      answers.push_back(error);
      if (error != Errc::stopped) ask();
    });
  };
  ask();
  nodes.run_until([&] { return answers.size() > 5; });
  std::optional<error_code> stopped;
  const auto begun = std::chrono::steady_clock::now();
  nodes[1].node->async_stop(long_grace, [&](error_code error) { stopped = error; });
  std::optional<error_code> second;
  nodes[1].node->async_stop(long_grace, [&](error_code error) { second = error; });
  nodes.run_until([&] { return stopped.has_value(); });
  CHECK(std::chrono::steady_clock::now() - begun < long_grace / 2);
  CHECK(*stopped == error_code());
  REQUIRE(second);
  CHECK(*second == Errc::stopped);
  CHECK(answers.back() == Errc::stopped);
  CHECK(std::count(answers.begin(), answers.end(), error_code(Errc::stopped)) == 1);
  std::optional<error_code> third;
  nodes[1].node->async_stop(long_grace, [&](error_code error) { third = error; });
  nodes.run_until([&] { return third.has_value(); });
  CHECK(*third == Errc::stopped);
}

// Otherwise the others would have to notice first that their leader is gone.
TEST_CASE("a leader that stops hands over", "[node][cluster]") {
  Nodes nodes;
  nodes.form_cluster(3);
  REQUIRE(nodes.leader() == 1);
  const raft::Term before = nodes[1].group->status().term;
  std::optional<error_code> stopped;
  nodes[1].node->async_stop(long_grace, [&](error_code error) { stopped = error; });
  nodes.run_until([&] { return stopped.has_value(); });
  nodes.stop(1);
  nodes.run_until([&] { return nodes.leader() != 0; });
  CHECK(nodes[nodes.leader()].group->status().term == before.next());
  CHECK_FALSE(nodes.propose(2, "goes on").first);
}

// What a membership change or a snapshot comes to is worth waiting for, like a proposal.
TEST_CASE("a node that stops waits for snapshots and membership changes", "[node][cluster]") {
  Nodes nodes;
  nodes.form_cluster(3);
  REQUIRE_FALSE(nodes.propose(2, "w").first);
  raft::MembershipChange change;
  change.remove = {{3}};
  std::optional<error_code> changed;
  std::optional<error_code> taken;
  std::optional<error_code> stopped;
  nodes[2].group->async_change_membership(change, [&](error_code error) { changed = error; });
  nodes[2].group->async_take_snapshot([&](error_code error) { taken = error; });
  nodes[2].node->async_stop(long_grace, [&](error_code error) { stopped = error; });
  nodes.run_until([&] { return stopped.has_value(); });
  REQUIRE(changed);
  CHECK(*changed == error_code());
  REQUIRE(taken);
  CHECK(*taken == error_code());
}

// The strand must go on while a worker is held, and the stop must not wait for it.
TEST_CASE("a machine that blocks delays the stop for no longer than its grace", "[node]") {
  Nodes nodes;
  nodes.start(1, test::bootstrap(), true);
  nodes.run_until([&] { return nodes.leader() == 1; });
  std::promise<void> gate;
  auto open = gate.get_future().share();
  std::optional<error_code> read;
  std::optional<error_code> stopped;
  nodes[1].group->async_read(
      raft::ReadLevel::stale,
      [open] {
        open.wait();
        return 1;
      },
      [&](error_code error, int) { read = error; });
  nodes[1].node->async_stop(std::chrono::milliseconds(100),
                            [&](error_code error) { stopped = error; });
  nodes.run_until([&] { return stopped.has_value(); });
  CHECK_FALSE(read);
  gate.set_value();
  nodes.run_until([&] { return read.has_value(); });  // Without the destructor's help.
  CHECK(*read == Errc::stopped);
}

// Catches an initiating call, or a stop, that looks at a node which another thread is ending.
TEST_CASE("callers on other threads while the node stops are all answered", "[node][threads]") {
  Nodes nodes(2);
  nodes.start(1, test::bootstrap(), true);
  nodes.run_until([&] { return nodes.leader() == 1; });
  nodes.context().restart();
  auto work = boost::asio::make_work_guard(nodes.context());
  std::vector<std::thread> runners;
  for (int i = 0; i < 2; ++i) runners.emplace_back([&] { nodes.context().run(); });
  std::atomic<int> asked = 0;
  std::atomic<int> answered = 0;
  std::atomic<bool> is_over = false;
  std::thread caller([&] {
    while (!is_over) {
      asked += 2;
      nodes[1].group->async_propose("w", [&](error_code, const raft::Applied&) { ++answered; });
      nodes[1].group->async_read(
          raft::ReadLevel::stale, [] { return 1; }, [&](error_code, int) { ++answered; });
      static_cast<void>(nodes[1].group->status());
      static_cast<void>(nodes[1].node->identity());
      static_cast<void>(nodes[1].node->transport_status());
      std::this_thread::yield();
    }
  });
  auto first = nodes[1].node->async_stop(long_grace, boost::asio::use_future);
  auto second = nodes[1].node->async_stop(long_grace, boost::asio::use_future);
  CHECK_NOTHROW(first.get());
  CHECK_THROWS(second.get());
  is_over = true;
  caller.join();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (answered < asked && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  work.reset();
  for (std::thread& runner : runners) runner.join();
  CHECK(asked == answered);
}
