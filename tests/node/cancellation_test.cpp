// Giving up: every operation ends at once, once, with what its documentation says.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "node/nodes.hpp"

using boost::asio::bind_cancellation_slot;
using boost::asio::cancellation_slot;
using boost::system::error_code;
using raft::Errc;
using test::Nodes;

namespace {

using Tell = std::function<void(error_code)>;

/// How an operation is begun, and what it comes to when it is given up.
struct Operation {
  std::string name;
  std::function<void(raft::Group&, cancellation_slot, Tell)> start;
  Errc expected;
};

std::vector<Operation> operations(const raft::Member& mute) {
  raft::MembershipChange change;
  change.remove = {{3}};
  return {
      {"propose",
       [](raft::Group& group, cancellation_slot slot, Tell tell) {
         group.async_propose(
             "w", bind_cancellation_slot(
                      slot, [tell](error_code error, const raft::Applied&) { tell(error); }));
       },
       Errc::unknown_outcome},
      {"read barrier",
       [](raft::Group& group, cancellation_slot slot, Tell tell) {
         group.async_read_barrier(raft::ReadLevel::linearizable, std::chrono::seconds(0),
                                  bind_cancellation_slot(slot, tell));
       },
       Errc::timed_out},
      {"read",
       [](raft::Group& group, cancellation_slot slot, Tell tell) {
         group.async_read(
             raft::ReadLevel::linearizable, [] { return 1; },
             bind_cancellation_slot(slot, [tell](error_code error, int) { tell(error); }));
       },
       Errc::timed_out},
      {"change membership",
       [change](raft::Group& group, cancellation_slot slot, Tell tell) {
         group.async_change_membership(change, bind_cancellation_slot(slot, tell));
       },
       Errc::unknown_outcome},
      {"add member",
       [mute](raft::Group& group, cancellation_slot slot, Tell tell) {
         group.async_add_member(mute, bind_cancellation_slot(slot, tell));
       },
       Errc::unknown_outcome},
      {"transfer leadership",
       [](raft::Group& group, cancellation_slot slot, Tell tell) {
         group.async_transfer_leadership({2}, bind_cancellation_slot(slot, tell));
       },
       Errc::unknown_outcome},
      {"take snapshot",
       [](raft::Group& group, cancellation_slot slot, Tell tell) {
         group.async_take_snapshot(bind_cancellation_slot(slot, tell));
       },
       Errc::timed_out},
  };
}

}  // namespace

// Two of three voters are gone, and the node that is to be added never answers: only giving up can
// end the waiting. Catches operations that hand out no ticket, or one that nobody knows.
TEST_CASE("every operation can be cancelled", "[node][cancellation]") {
  Nodes nodes;
  nodes.form_cluster(3);
  nodes.stop(2);
  nodes.stop(3);
  const boost::asio::ip::tcp::acceptor acceptor(nodes.context(),
                                                {boost::asio::ip::make_address("127.0.0.1"), 0});
  raft::Member mute;
  mute.id = {9};
  mute.address = "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  for (const Operation& operation : operations(mute)) {
    INFO(operation.name);
    boost::asio::cancellation_signal signal;
    std::vector<error_code> told;
    operation.start(*nodes[1].group, signal.slot(),
                    [&](error_code error) { told.push_back(error); });
    signal.emit(boost::asio::cancellation_type::total);
    nodes.run_until([&] { return !told.empty(); });
    signal.emit(boost::asio::cancellation_type::total);  // Too late, and of no harm.
    nodes.context().restart();
    nodes.context().poll();
    CHECK(told == std::vector<error_code>{operation.expected});
  }
}

// A node that can be reached is asked, and the change that follows waits for its commit.
TEST_CASE("adding a member can be cancelled after the node has answered", "[node][cancellation]") {
  Nodes nodes;
  nodes.form_cluster(3);
  raft::Founding waiting;
  waiting.wait_to_be_added = true;
  nodes.start(4, waiting);
  nodes.stop(2);
  nodes.stop(3);
  raft::Member newcomer;
  newcomer.id = {4};
  newcomer.address = nodes[4].node->address();
  boost::asio::cancellation_signal signal;
  std::optional<error_code> told;
  nodes[1].group->async_add_member(
      newcomer, bind_cancellation_slot(signal.slot(), [&](error_code error) { told = error; }));
  nodes.run_until(
      [&] { return nodes[1].group->status().membership.membership->find({4}) != nullptr || told; });
  REQUIRE_FALSE(told);
  signal.emit(boost::asio::cancellation_type::terminal);
  nodes.run_until([&] { return told.has_value(); });
  CHECK(*told == Errc::unknown_outcome);
}

TEST_CASE("a read ends at its deadline", "[node][cancellation]") {
  Nodes nodes;
  nodes.form_cluster(3);
  nodes.stop(2);
  nodes.stop(3);
  std::optional<error_code> told;
  nodes[1].group->async_read(
      raft::ReadLevel::linearizable, std::chrono::milliseconds(50), [] { return std::string("x"); },
      [&](error_code error, const std::string& value) {
        told = error;
        CHECK(value.empty());
      });
  nodes.run_until([&] { return told.has_value(); });
  CHECK(*told == Errc::timed_out);
}
