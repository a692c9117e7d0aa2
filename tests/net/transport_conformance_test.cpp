// What every transport promises, with one body for TCP on the loopback and for the simulated
// network: were the two to differ, the simulator would prove nothing.
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "net/worlds.hpp"

using namespace raft;
using namespace raft::test;

namespace {

constexpr NodeId one{1};
constexpr NodeId two{2};
constexpr NodeId three{3};
constexpr GroupId group{5};

using Introduced = std::optional<Result<Introduction>>;

/// Two nodes; each knows the other once meet() was called.
template <class World>
struct Pair {
  explicit Pair(const wire::ConnectionMachine::Limits& limits = {})
      : transport1(world.start(node1, limits)), transport2(world.start(node2, limits)) {}

  void meet() {
    transport1.set_peers({{one, "ignored:1"}, {two, world.address(one, two)}});
    transport2.set_peers({{one, world.address(two, one)}, {two, "ignored:1"}});
    REQUIRE(world.run_until(
        [&] { return is_connected() && world.connections_between(one, two) == 1; }));
  }
  bool is_connected() const { return transport1.is_connected(two) && transport2.is_connected(one); }
  /// A message each way arrives, over whatever connection there is.
  bool can_talk() {
    const std::uint64_t number = ++last_number;
    return world.run_until([&] {
      transport1.send(group, heartbeat_reply(one, two, number));
      transport1.flush();
      transport2.send(group, heartbeat_reply(two, one, number));
      transport2.flush();
      const auto has_arrived = [&](const Recorder& node) {
        return !node.messages.empty() && number_of(node.messages.back().second) == number;
      };
      return has_arrived(node1) && has_arrived(node2);
    });
  }

  Recorder node1{one};
  Recorder node2{two};
  World world;
  wire::Transport& transport1;
  wire::Transport& transport2;
  std::uint64_t last_number = 0;
};

/// Introduces node 1 to whoever is at the address.
template <class World>
Result<Introduction> introduce(World& world, wire::Transport& transport, Recorder& node,
                               const std::string& address, std::optional<ServiceBody> request) {
  Introduced result;
  {
    const Quiet quiet(node);
    transport.introduce(address, group, std::move(request), [&](Result<Introduction> came) {
      CHECK_FALSE(node.is_quiet);
      CHECK_FALSE(result);
      result = std::move(came);
    });
    CHECK_FALSE(result);
  }
  REQUIRE(world.run_until([&] { return result.has_value(); }));
  return *std::move(result);
}

}  // namespace

// Catches: both dials kept, each end keeping another one, an own address dialled.
TEMPLATE_TEST_CASE("two nodes that both dial keep one connection and talk", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  REQUIRE(pair.can_talk());
  CHECK(pair.world.connections_between(one, two) == 1);
  CHECK(pair.node1.connected_to == std::set{two});
  CHECK(pair.node2.connected_to == std::set{one});
}

// Catches: a node that waits to be dialled by a peer that does not know it.
TEMPLATE_TEST_CASE("one side that dials is enough", "[net][transport]", TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.transport1.set_peers({{two, pair.world.address(one, two)}});
  REQUIRE(pair.world.run_until([&] { return pair.is_connected(); }));
  REQUIRE(pair.can_talk());
}

// Catches: messages reordered between flushes, doubled, or of the wrong group.
TEMPLATE_TEST_CASE("messages arrive once, in order and with their group", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  constexpr std::uint64_t count = 2000;
  for (std::uint64_t number = 1; number <= count; ++number) {
    pair.transport1.send(GroupId{number}, heartbeat_reply(one, two, number));
    if (number % 7 == 0) {
      pair.transport1.flush();
    }
  }
  pair.transport1.flush();
  REQUIRE(pair.world.run_until([&] { return pair.node2.messages.size() >= count; }));
  REQUIRE(pair.node2.messages.size() == count);
  for (std::uint64_t number = 1; number <= count; ++number) {
    const auto& [in_group, message] = pair.node2.messages[number - 1];
    REQUIRE(in_group == GroupId{number});
    REQUIRE(number_of(message) == number);
  }
}

// Catches: messages that leave before the turn ends, which would make many small writes.
TEMPLATE_TEST_CASE("nothing leaves before flush", "[net][transport]", TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  pair.transport1.send(group, heartbeat_reply(one, two, 1));
  pair.transport2.send(group, heartbeat_reply(two, one, 2));
  pair.transport2.flush();
  REQUIRE(pair.world.run_until([&] { return !pair.node1.messages.empty(); }));
  CHECK(pair.node2.messages.empty());
  pair.transport1.flush();
  CHECK(pair.world.run_until([&] { return !pair.node2.messages.empty(); }));
}

// Catches: a frame that spans many reads and partial writes put together wrongly.
TEMPLATE_TEST_CASE("large messages arrive whole", "[net][transport]", TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  constexpr std::size_t bytes = std::size_t{7} << 20;
  for (int i = 0; i < 3; ++i) {
    pair.transport1.send(group, append_of(one, two, bytes));
    pair.transport1.flush();
  }
  pair.transport1.send(group, heartbeat_reply(one, two, 9));
  pair.transport1.flush();
  REQUIRE(pair.world.run_until([&] { return pair.node2.messages.size() == 4; }));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& append = std::get<AppendRequest>(pair.node2.messages[i].second.body);
    REQUIRE(append.entries.size() == 1);
    CHECK(append.entries.front()->command()->bytes == Bytes(bytes, 'x'));
  }
  CHECK(number_of(pair.node2.messages.back().second) == 9);
}

// Catches: a loss told on one side only, twice, or never; no redial; a dead connection used again.
TEMPLATE_TEST_CASE("a cut is told to both and made good", "[net][transport]", TcpWorld,
                   SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  for (std::size_t round = 1; round <= 3; ++round) {
    const std::size_t losses1 = pair.node1.count("lost 2");
    const std::size_t losses2 = pair.node2.count("lost 1");
    pair.world.cut(one, two);
    REQUIRE(pair.world.run_until([&] {
      return pair.node1.count("lost 2") > losses1 && pair.node2.count("lost 1") > losses2;
    }));
    REQUIRE(pair.world.run_until(
        [&] { return pair.is_connected() && pair.world.connections_between(one, two) == 1; }));
    REQUIRE(pair.can_talk());
  }
}

// Catches: a peer that was down at the start, for a while, never being found.
TEMPLATE_TEST_CASE("a peer that starts later is found", "[net][transport]", TcpWorld,
                   SimulatedWorld) {
  Recorder node1{one};
  Recorder node2{two};
  TestType world;
  wire::Transport& transport1 = world.start(node1);
  const std::string address = world.address(one, two);
  bool waited = false;
  transport1.set_peers({{two, address}});
  // Nobody is there until an introduction has failed as well.
  transport1.introduce(address, group, std::nullopt, [&](const auto& result) {
    CHECK_FALSE(result);
    waited = true;
  });
  REQUIRE(world.run_until([&] { return waited; }));
  CHECK(node1.events.empty());
  world.start(node2);
  REQUIRE(world.run_until([&] { return node1.saw("connected 2"); }));
  CHECK(world.run_until([&] { return node2.saw("connected 1"); }));
}

// Catches: a stranger's term looked at before its cluster; a refusal that the dialler never learns.
TEMPLATE_TEST_CASE("a node of another cluster is refused and told so", "[net][transport]", TcpWorld,
                   SimulatedWorld) {
  Pair<TestType> pair;
  pair.node1.own.cluster = {9, 9};
  pair.transport1.set_peers({{two, pair.world.address(one, two)}});
  REQUIRE(pair.world.run_until([&] { return !pair.node1.events.empty(); }));
  CHECK(pair.node1.events.front() == "refused by 2: wrong cluster");
  CHECK(pair.node2.events.empty());
  CHECK_FALSE(pair.transport1.is_connected(two));
}

// Catches: a refusal by the side that dialled, after which the other believes to be connected.
TEMPLATE_TEST_CASE("a dialler can refuse whom it reached", "[net][transport]", TcpWorld,
                   SimulatedWorld) {
  Pair<TestType> pair;
  pair.node1.refuses_all = Refused{Refusal::id_taken, {}, {}, "another instance has this id"};
  pair.transport1.set_peers({{two, pair.world.address(one, two)}});
  REQUIRE(pair.world.run_until([&] { return pair.node2.saw("refused by 1: id taken"); }));
  CHECK(pair.node2.connected_to.empty());
  CHECK(pair.node1.events.empty());
  CHECK(pair.world.run_until([&] { return pair.world.connections_between(one, two) == 0; }));
}

// Catches: talking to whoever took over an address, as if it were the peer that had it before.
TEMPLATE_TEST_CASE("another node at a peer's address is not taken for the peer", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.transport1.set_peers({{three, pair.world.address(one, two)}});
  REQUIRE(pair.world.run_until([&] { return !pair.node1.events.empty(); }));
  CHECK(pair.node1.events.front() == "refused by 3: wrong node");
  CHECK(pair.node2.events.empty());
}

// Catches: a queue without bound, or messages dropped from the middle of a stream in silence.
TEMPLATE_TEST_CASE("what a peer does not take in time costs the connection", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  wire::ConnectionMachine::Limits limits;
  limits.send_queue_bytes_max = std::size_t{1} << 20;
  Pair<TestType> pair(limits);
  pair.meet();
  pair.node1.events.clear();  // Of two dials that crossed one may have been lost.
  pair.world.freeze(one, two);
  ProposeRequest large;
  large.command.bytes.assign(std::size_t{64} << 10, 'x');
  {
    const Quiet quiet(pair.node1);
    for (int i = 0; i < 2000 && pair.transport1.is_connected(two); ++i) {
      pair.transport1.send(group, ServiceMessage{one, two, large});
      pair.transport1.flush();
    }
    CHECK_FALSE(pair.transport1.is_connected(two));
    CHECK_FALSE(pair.node1.saw("lost 2"));
    pair.transport1.send(group, heartbeat_reply(one, two, 1));  // Falls on the floor, as told.
    pair.transport1.flush();
  }
  REQUIRE(pair.world.run_until([&] { return pair.node1.saw("lost 2"); }));
  CHECK(pair.node1.count("lost 2") == 1);
}

// Catches: a peer that is kept, redialled, or let go without a word.
TEMPLATE_TEST_CASE("a peer no longer named is let go", "[net][transport]", TcpWorld,
                   SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  pair.transport2.set_peers({});
  REQUIRE(pair.world.run_until([&] { return pair.node1.saw("lost 2"); }));
  REQUIRE(pair.world.run_until([&] { return pair.is_connected(); }));  // Node 1 still wants it.
  {
    const Quiet quiet(pair.node1);
    pair.transport1.set_peers({});
    CHECK_FALSE(pair.transport1.is_connected(two));
  }
  REQUIRE(pair.world.run_until(
      [&] { return pair.node1.connected_to.empty() && pair.node2.connected_to.empty(); }));
  REQUIRE(pair.world.run_until([&] { return pair.world.connections_between(one, two) == 0; }));
}

// Catches: lost() of the old link told after connected() of the new one.
TEMPLATE_TEST_CASE("a peer let go and named again in one turn is lost, then connected",
                   "[net][transport]", TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  pair.node1.events.clear();
  const std::string address = pair.world.address(one, two);
  {
    const Quiet quiet(pair.node1);
    pair.transport1.set_peers({});
    pair.transport1.set_peers({{two, address}});
  }
  REQUIRE(pair.world.run_until([&] { return pair.node1.saw("connected 2"); }));
  REQUIRE(pair.node1.events.size() >= 2);
  CHECK(pair.node1.events[0] == "lost 2");
  CHECK(pair.node1.events[1] == "connected 2");
  CHECK(pair.can_talk());
}

// Catches: a restarted node locked out by the connection of its former life, whose other end
// never learnt that it is dead.
TEMPLATE_TEST_CASE("a new life of a peer replaces the link to the old one", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  pair.world.freeze(one, two);
  pair.world.stop(two);
  Recorder reborn{two};
  reborn.own.boot = {2};
  wire::Transport& transport = pair.world.start(reborn);
  transport.set_peers({{one, pair.world.address(two, one)}});
  pair.node1.events.clear();
  REQUIRE(pair.world.run_until([&] { return reborn.saw("connected 1"); }));
  REQUIRE(pair.world.run_until([&] { return pair.node1.saw("connected 2"); }));
  pair.transport1.send(group, heartbeat_reply(one, two, 4));
  pair.transport1.flush();
  REQUIRE(pair.world.run_until([&] { return !reborn.messages.empty(); }));
}

// Catches: answers on the wrong connection, questions lost while the connection is being made.
TEMPLATE_TEST_CASE("chunks come back on the connection that asked for them", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  const bool by_reply = GENERATE(false, true);
  pair.node1.on_service = [&](GroupId in, const ServiceMessage& message, auto reply) {
    const auto& asked = std::get<ChunkRequest>(message.body);
    const ServiceMessage answer{one, two, Chunk{asked.transfer, asked.offset, Bytes(1000, 'c')}};
    if (by_reply) {
      return reply(in, answer);
    }
    pair.transport1.send_bulk(in, answer);
    pair.transport1.flush();
  };
  for (std::uint64_t offset = 0; offset < 5000; offset += 1000) {
    pair.transport2.send_bulk(group, {two, one, ChunkRequest{{}, offset, 1000}});
  }
  pair.transport2.flush();
  REQUIRE(pair.world.run_until([&] { return pair.node2.services.size() == 5; }));
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto& chunk = std::get<Chunk>(pair.node2.services[i].body);
    CHECK(chunk.offset == i * 1000);
    CHECK(chunk.bytes == Bytes(1000, 'c'));
  }
  CHECK(pair.world.connections_between(one, two) == 2);
}

// Catches: snapshot bytes in front of a heartbeat, after which a healthy leader is voted out.
TEMPLATE_TEST_CASE("bulk data does not delay control messages", "[net][transport]", TcpWorld,
                   SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  constexpr std::size_t chunks = 10;
  constexpr std::size_t bytes = std::size_t{4} << 20;
  pair.node1.on_service = [&](GroupId in, const ServiceMessage& message, auto) {
    const auto& asked = std::get<ChunkRequest>(message.body);
    for (std::size_t i = 0; i < chunks; ++i) {
      pair.transport1.send_bulk(in, {one, two, Chunk{asked.transfer, i, Bytes(bytes, 'c')}});
    }
    pair.transport1.send(in, heartbeat_reply(one, two, 1));
    pair.transport1.flush();
  };
  pair.transport2.send_bulk(group, {two, one, ChunkRequest{{}, 0, 1}});
  REQUIRE(pair.world.run_until([&] { return !pair.node2.messages.empty(); }));
  CHECK(pair.node2.services.size() < chunks);
  REQUIRE(pair.world.run_until([&] { return pair.node2.services.size() == chunks; }));
}

// Catches: the two sides' own bulk connections taken for one.
TEMPLATE_TEST_CASE("two nodes can ask each other for chunks at the same time", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  const auto answer_with = [](wire::Transport& transport, NodeId from, NodeId to,
                              std::vector<Bytes>& got) {
    return [&, from, to](GroupId in, const ServiceMessage& message, auto) {
      if (const auto* chunk = std::get_if<Chunk>(&message.body)) {
        return got.push_back(chunk->bytes);
      }
      transport.send_bulk(in, {from, to, Chunk{{}, 0, "of " + to_string(from)}});
      transport.flush();
    };
  };
  std::vector<Bytes> got1;
  std::vector<Bytes> got2;
  pair.node1.on_service = answer_with(pair.transport1, one, two, got1);
  pair.node2.on_service = answer_with(pair.transport2, two, one, got2);
  pair.transport1.send_bulk(group, {one, two, ChunkRequest{}});
  pair.transport2.send_bulk(group, {two, one, ChunkRequest{}});
  REQUIRE(pair.world.run_until([&] { return !got1.empty() && !got2.empty(); }));
  CHECK(got1.front() == "of 2");
  CHECK(got2.front() == "of 1");
}

// Catches: forwarded requests that cannot travel beside Raft's own messages.
TEMPLATE_TEST_CASE("service messages travel on the control connection", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  pair.meet();
  pair.transport1.send(group, ServiceMessage{one, two, ProposeRequest{{}, {"c", 1, "put"}}});
  pair.transport1.flush();
  REQUIRE(pair.world.run_until([&] { return !pair.node2.services.empty(); }));
  CHECK(std::get<ProposeRequest>(pair.node2.services.front().body).command.bytes == "put");
}

// Catches: an introduction that makes its asker a peer, or needs it to be one.
TEMPLATE_TEST_CASE("an introduction tells who is at an address", "[net][transport]", TcpWorld,
                   SimulatedWorld) {
  Pair<TestType> pair;
  const auto result = introduce(pair.world, pair.transport1, pair.node1,
                                pair.world.address(one, two), std::nullopt);
  REQUIRE(result);
  CHECK(result->peer.node == two);
  CHECK(result->peer.instance == pair.node2.own.instance);
  CHECK_FALSE(result->reply);
  CHECK(pair.node1.events.empty());
  CHECK(pair.node2.events.empty());
  CHECK(pair.world.run_until([&] { return pair.world.connections_between(one, two) == 0; }));
}

// Catches: a reply given later, when the call that brought the question is long over.
TEMPLATE_TEST_CASE("an introduction carries one request and its reply", "[net][transport]",
                   TcpWorld, SimulatedWorld) {
  Pair<TestType> pair;
  wire::TransportHandler::Reply kept;
  pair.node2.on_service = [&](GroupId, const ServiceMessage& message, auto reply) {
    CHECK(std::get<JoinRequest>(message.body).member.address == "here:1");
    kept = std::move(reply);
  };
  Introduced result;
  JoinRequest join;
  join.member.id = one;
  join.member.address = "here:1";
  pair.transport1.introduce(pair.world.address(one, two), group, join,
                            [&](auto came) { result = std::move(came); });
  REQUIRE(pair.world.run_until([&] { return static_cast<bool>(kept); }));
  CHECK_FALSE(result);
  ServiceReply reply;
  reply.leader_address = "there:2";
  kept(group, {two, one, reply});
  REQUIRE(pair.world.run_until([&] { return result.has_value(); }));
  REQUIRE(*result);
  REQUIRE((*result)->reply);
  CHECK((*result)->reply->leader_address == "there:2");
  // The asker has closed; a second answer finds nobody and harms nobody.
  REQUIRE(pair.world.run_until([&] { return pair.world.connections_between(one, two) == 0; }));
  kept(group, {two, one, reply});
}

// Catches: "nobody there" and "does not want you" mixed up, of which only the first is retried.
TEMPLATE_TEST_CASE("an introduction says why it failed", "[net][transport]", TcpWorld,
                   SimulatedWorld) {
  Pair<TestType> pair;
  SECTION("nobody is there") {
    const auto result =
        introduce(pair.world, pair.transport1, pair.node1, pair.world.nobody(), std::nullopt);
    REQUIRE_FALSE(result);
    CHECK(result.code() == Errc::timed_out);
    CHECK(result.error().detail.find(pair.world.nobody()) != std::string::npos);
  }
  SECTION("it is refused") {
    pair.node1.own.cluster = {9, 9};
    const auto result = introduce(pair.world, pair.transport1, pair.node1,
                                  pair.world.address(one, two), std::nullopt);
    REQUIRE_FALSE(result);
    CHECK(result.code() == Errc::conflict);
    CHECK(result.error().detail.find("another cluster") != std::string::npos);
  }
}
