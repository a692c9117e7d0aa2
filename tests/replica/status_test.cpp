// What a replica says about itself when something is wrong.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "replica/hand_group.hpp"

namespace raft::replica {
namespace {

using namespace raft::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A replica whose log lines are kept.
struct Heard {
  NoWitness witness;
  HandNode node{NodeId{2}, std::make_unique<VolatileRegister>(witness, MachineTraits{false, 0})};
  std::vector<std::string> errors;

  Heard() {
    GroupOptions options;
    options.group = history_group;
    auto recovered = node.storage.store.recover();
    REQUIRE(recovered);
    const util::Log log(
        [this](LogLevel level, std::string_view, std::string_view line) {
          if (level == LogLevel::error) errors.emplace_back(line);
        },
        LogLevel::info);
    auto opened = Replica::open(
        {node.id, node.instance, BootNumber{1}, 1}, options, *std::move(recovered), *node.machine,
        {node.outbox, node.storage, node.worker, node.driver, node.files, log});
    REQUIRE(opened);
    node.replica = *std::move(opened);
  }
};

}  // namespace

// P10: thousands of them come from one broken peer. The log must not fill the disk with them, and
// none may be believed.
TEST_CASE("messages with absurd terms are counted, and logged now and then",
          "[P10][replica][status]") {
  Heard heard;
  const Message absurd{NodeId{1}, NodeId{2}, Term{(std::uint64_t{1} << 32) + 1}, Heartbeat{}};
  for (int i = 0; i < 1'000; ++i) {
    heard.node.replica->receive(absurd);
    heard.node.driver.time += milliseconds(5);
  }
  CHECK(heard.errors.size() == 1);
  CHECK(heard.node.replica->status().counters.absurd_terms == 1'000);
  CHECK(heard.node.replica->status().term == Term{0});
  heard.node.driver.time += seconds(10);
  heard.node.replica->receive(absurd);
  REQUIRE(heard.errors.size() == 2);
  CHECK_THAT(heard.errors.back(), Catch::Contains("1001"));
  Message possible = absurd;
  possible.term = Term{std::uint64_t{1} << 32};
  heard.node.replica->receive(possible);
  CHECK(heard.node.replica->status().term == possible.term);
  CHECK(heard.node.replica->status().counters.absurd_terms == 1'001);
}

// Without this an operator sees refused writes, and no reason.
TEST_CASE("the status says that the log waits for space", "[replica][status][space]") {
  HandGroup group(1);
  CHECK_FALSE(group.replica(NodeId{1}).status().storage_full);
  group.node(NodeId{1}).storage.full = true;
  CHECK(group.replica(NodeId{1}).status().storage_full);
  group.node(NodeId{1}).storage.full = false;
  CHECK_FALSE(group.replica(NodeId{1}).status().storage_full);
}

TEST_CASE("the status says that the machine waits for space", "[replica][status][space]") {
  NoWitness witness;
  RegisterStore store;
  HandGroup group(1, {}, [&](NodeId) {
    return std::make_unique<DurableRegister>(witness, MachineTraits{}, store);
  });
  Replica& replica = group.replica(group.leader());
  store.set_full(true);
  replica.propose({{}, 0, encode(Operation{1, "k", "v"})}, never, [](const Result<Applied>&) {});
  group.settle();
  CHECK(replica.status().storage_full);
  store.set_full(false);
  group.run_for(seconds(1));
  CHECK_FALSE(replica.status().storage_full);
}

}  // namespace raft::replica
