// What may come to an open port: garbage, silence, crowds, and peers gone mad.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "net/raw_client.hpp"
#include "net/tcp_node.hpp"
#include "net/worlds.hpp"
#include "wire/connection_machine.hpp"

using namespace raft;
using namespace raft::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using wire::ConnectionMachine;

namespace {

constexpr NodeId one{1};
constexpr NodeId two{2};
constexpr GroupId group{5};

Bytes garbage(std::uint32_t seed, std::size_t size) {
  std::mt19937 random(seed);
  Bytes bytes(size, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(random() & 0xff);
  }
  return bytes;
}

/// What a dialler says first.
Bytes hello_of(Recorder& node, Purpose purpose) {
  ConnectionMachine machine(ConnectionMachine::Side::dialler, node.hello(purpose, one), {});
  return machine.take_output();
}

/// A peer made by hand: a machine on a raw socket.
class HandMadePeer {
 public:
  HandMadePeer(asio::io_context& context, const std::string& address, Recorder& node)
      : client(context, address),
        machine(ConnectionMachine::Side::dialler, node.hello(Purpose::control, one), {}) {
    client.write(machine.take_output());
  }
  bool is_established() {
    machine.received(BytesView(client.got()).substr(fed_));
    fed_ = client.got().size();
    for (const auto& event : machine.take_events()) {
      if (std::holds_alternative<wire::HelloReceived>(event)) {
        machine.accept();
      }
    }
    return machine.is_established();
  }

  RawClient client;
  ConnectionMachine machine;

 private:
  std::size_t fed_ = 0;
};

}  // namespace

// P01. Catches: garbage that is waited for, read on, or believed to announce a frame.
TEST_CASE("random bytes close the connection before 65 of them are read", "[net][hostile]") {
  asio::io_context context;
  TcpNode node(context, one);
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const TransportStatus before = node.transport.status();
    RawClient client(context, node.address());
    client.write(garbage(seed, 1000));
    REQUIRE(run_until(context, [&] { return client.is_closed_by_peer(); }));
    const TransportStatus after = node.transport.status();
    CHECK(after.bytes_received - before.bytes_received <= 64);
    CHECK(after.frames_rejected == before.frames_rejected + 1);
    CHECK(client.got().empty());
  }
  // Said once, and then held back.
  CHECK(node.logged("ended: bad frame"));
  CHECK(node.lines.size() < 10);
  CHECK(node.recorder.events.empty());
}

// P02. Catches: memory given for a claim, and a connection kept open in wait for 4 GiB.
TEST_CASE("a first frame that claims to be huge closes the connection", "[net][hostile]") {
  asio::io_context context;
  TcpNode node(context, one);
  Recorder mad(two);
  // Sixteen bytes of 0xff somewhere behind the magic cover the length wherever it stands.
  Bytes hello = hello_of(mad, Purpose::control);
  hello.replace(4, 16, Bytes(16, '\xff'));
  RawClient client(context, node.address());
  client.write(hello);
  REQUIRE(run_until(context, [&] { return client.is_closed_by_peer(); }));
  CHECK(node.transport.status().frames_rejected == 1);
}

// P04. Catches: connections that cost a place for ever by never finishing their hello.
TEST_CASE("half a hello and then silence is closed at the deadline", "[net][hostile]") {
  asio::io_context context;
  net::TcpOptions options;
  options.handshake_timeout = 50ms;
  TcpNode node(context, one, options);
  Recorder slow(two);
  const Bytes hello = hello_of(slow, Purpose::control);
  const std::size_t said = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{20});
  RawClient client(context, node.address());
  client.write(BytesView(hello).substr(0, said));
  REQUIRE(run_until(context, [&] { return client.is_closed_by_peer(); }));
  CHECK(node.recorder.events.empty());
}

// P13. Catches: a crowd of silent strangers that keeps the peers out.
TEST_CASE("a storm of strangers is bounded and peers still get in", "[net][hostile]") {
  asio::io_context context;
  net::TcpOptions options;
  options.newcomers_max = 8;
  TcpNode node(context, one, options);
  std::list<RawClient> strangers;
  for (int i = 0; i < 50; ++i) {
    strangers.emplace_back(context, node.address());
  }
  const auto closed = [&] {
    return std::count_if(strangers.begin(), strangers.end(),
                         [](const RawClient& client) { return client.is_closed_by_peer(); });
  };
  REQUIRE(run_until(context, [&] { return closed() == 42; }));
  CHECK(strangers.front().is_closed_by_peer());
  CHECK_FALSE(strangers.back().is_closed_by_peer());
  TcpNode peer(context, two);
  peer.transport.set_peers({{one, node.address()}});
  CHECK(run_until(context, [&] { return peer.recorder.saw("connected 1"); }));
  CHECK(run_until(context, [&] { return node.recorder.saw("connected 2"); }));
}

// P13. Catches: links of one peer that pile up, or an old one that is kept instead of the new.
TEST_CASE("of many connections from one dialler the newest wins", "[net][hostile]") {
  asio::io_context context;
  TcpNode node(context, two);
  // From the node with the smaller id; its hello names the right target.
  Recorder peer(one);
  std::list<RawClient> dials;
  Hello hello = peer.hello(Purpose::control, two);
  for (std::size_t i = 1; i <= 10; ++i) {
    ConnectionMachine machine(ConnectionMachine::Side::dialler, hello, {});
    dials.emplace_back(context, node.address());
    dials.back().write(machine.take_output());
    REQUIRE(run_until(context, [&] { return node.recorder.count("connected 1") == i; }));
  }
  dials.pop_back();
  REQUIRE(run_until(context, [&] { return node.recorder.saw("lost 1"); }));
  CHECK(std::all_of(dials.begin(), dials.end(),
                    [](const RawClient& dial) { return dial.is_closed_by_peer(); }));
}

// Catches: a peer locked out by a link that is dead at its end only, and that the rule for crossing
// dials would keep. While the link is young the dials may have crossed, and the rule decides.
TEST_CASE("a peer that dials long after its link was made is believed", "[net][hostile]") {
  asio::io_context context;
  net::TcpOptions options;
  options.connect_timeout = 500ms;
  options.handshake_timeout = 500ms;
  TcpNode node(context, one, options);
  TcpNode peer(context, two);
  TcpRelay relay(context, [&]() -> asio::ip::tcp::endpoint {
    return {asio::ip::address_v4::loopback(), net::parse_address(peer.address())->port};
  });
  node.transport.set_peers({{two, relay.address()}});
  REQUIRE(run_until(context, [&] { return node.recorder.saw("connected 2"); }));
  relay.freeze();
  int sent_away = 0;
  for (bool is_believed = false; !is_believed;) {
    HandMadePeer again(context, node.address(), peer.recorder);
    REQUIRE(run_until(context, [&] {
      is_believed = again.is_established();
      return is_believed || again.client.is_closed_by_peer();
    }));
    sent_away += is_believed ? 0 : 1;
    REQUIRE(node.recorder.count("lost 2") == 0);
  }
  CHECK(sent_away > 0);
  CHECK(node.recorder.count("connected 2") == 2);
}

// Catches: any node id being good for a connection and its memory.
TEST_CASE("nodes that nobody named are bounded in number", "[net][hostile]") {
  asio::io_context context;
  net::TcpOptions options;
  options.strangers_max = 3;
  TcpNode node(context, one, options);
  std::list<Recorder> strangers;
  std::list<HandMadePeer> peers;
  for (std::uint64_t id = 2; id < 5; ++id) {
    strangers.emplace_back(NodeId{id});
    peers.emplace_back(context, node.address(), strangers.back());
    REQUIRE(run_until(context, [&] { return peers.back().is_established(); }));
  }
  Recorder recorder(NodeId{9});
  net::TcpTransport one_more(context.get_executor(), NodeId{9}, {}, recorder, {});
  one_more.set_peers({{one, node.address()}});
  REQUIRE(run_until(context, [&] { return !recorder.events.empty(); }));
  CHECK(recorder.events.front() == "refused by 1: too many");
  node.transport.set_peers({{NodeId{9}, "127.0.0.1:1"}});  // Now it is named.
  CHECK(run_until(context, [&] { return recorder.saw("connected 1"); }));
}

// P03, P09. Catches: a connection that goes on after what cannot be trusted.
TEST_CASE("garbage after the handshake costs the connection", "[net][hostile]") {
  asio::io_context context;
  TcpNode node(context, one);
  Recorder mad(two);
  HandMadePeer peer(context, node.address(), mad);
  REQUIRE(run_until(context, [&] { return peer.is_established(); }));
  REQUIRE(run_until(context, [&] { return node.recorder.saw("connected 2"); }));
  SECTION("random bytes") { peer.client.write(garbage(7, 300)); }
  SECTION("a flipped bit") {
    peer.machine.send(group, heartbeat_reply(two, one, 1));
    Bytes frame = peer.machine.take_output();
    frame.back() = static_cast<char>(frame.back() ^ 1);
    peer.client.write(frame);
  }
  SECTION("a message in the name of another node") {
    peer.machine.send(group, heartbeat_reply(NodeId{3}, one, 1));
    peer.client.write(peer.machine.take_output());
  }
  REQUIRE(run_until(context, [&] { return node.recorder.saw("lost 2"); }));
  CHECK(node.recorder.messages.empty());
  CHECK(node.transport.status().frames_rejected == 1);
  CHECK(run_until(context, [&] { return peer.client.is_closed_by_peer(); }));
}

// Catches: a reset in the middle of a frame taken for a message, or for nothing.
TEST_CASE("a connection that ends within a frame is lost and the frame with it", "[net][hostile]") {
  asio::io_context context;
  TcpNode node(context, one);
  Recorder cut(two);
  {
    HandMadePeer peer(context, node.address(), cut);
    REQUIRE(run_until(context, [&] { return peer.is_established(); }));
    peer.machine.send(group, heartbeat_reply(two, one, 1));
    peer.machine.send(group, heartbeat_reply(two, one, 2));
    const Bytes frames = peer.machine.take_output();
    peer.client.write(BytesView(frames).substr(0, frames.size() - 1));
    REQUIRE(run_until(context, [&] { return !node.recorder.messages.empty(); }));
  }
  REQUIRE(run_until(context, [&] { return node.recorder.saw("lost 2"); }));
  REQUIRE(node.recorder.messages.size() == 1);
  CHECK(number_of(node.recorder.messages.front().second) == 1);
}

// Catches: a length that was damaged upwards, behind which all that follows is swallowed unheard.
TEST_CASE("a frame that never comes to its end costs the connection", "[net][hostile]") {
  asio::io_context context;
  net::TcpOptions options;
  options.idle_timeout = 1s;
  TcpNode node(context, one, options);
  Recorder cut(two);
  HandMadePeer peer(context, node.address(), cut);
  REQUIRE(run_until(context, [&] { return peer.is_established(); }));
  peer.machine.send(group, heartbeat_reply(two, one, 1));
  const Bytes frame = peer.machine.take_output();
  peer.client.write(BytesView(frame).substr(0, frame.size() - 1));
  REQUIRE(run_until(context, [&] { return node.recorder.saw("lost 2"); }));
  CHECK(node.recorder.messages.empty());
  CHECK(node.transport.status().frames_rejected == 1);
}

// Catches: a second question, with which one introduction becomes a free connection.
TEST_CASE("an introduction is one question and no more", "[net][hostile]") {
  asio::io_context context;
  TcpNode node(context, one);
  Recorder curious(two);
  ConnectionMachine machine(ConnectionMachine::Side::dialler,
                            curious.hello(Purpose::introduce, NodeId{}), {});
  RawClient client(context, node.address());
  client.write(machine.take_output());
  REQUIRE(run_until(context, [&] { return !client.got().empty(); }));
  machine.received(client.got());
  machine.take_events();
  machine.accept();
  machine.send(group, ServiceMessage{two, one, JoinRequest{}});
  machine.send(group, ServiceMessage{two, one, JoinRequest{}});
  client.write(machine.take_output());
  REQUIRE(run_until(context, [&] { return client.is_closed_by_peer(); }));
  CHECK(node.recorder.services.size() == 1);
}

// Catches: an introduction that stays open for ever, or holds its caller for longer than it said.
TEST_CASE("introductions end at their deadline on both sides", "[net][hostile]") {
  asio::io_context context;
  net::TcpOptions options;
  options.introduce_timeout = 50ms;
  TcpNode node(context, one, options);
  TcpNode asker(context, two, options);
  node.recorder.on_service = [](GroupId, const ServiceMessage&, auto) {};  // Never answers.
  std::optional<Result<Introduction>> result;
  asker.transport.introduce(node.address(), group, JoinRequest{},
                            [&](auto came) { result = std::move(came); });
  REQUIRE(run_until(context, [&] { return result.has_value(); }));
  REQUIRE_FALSE(*result);
  CHECK(result->code() == Errc::timed_out);

  ConnectionMachine machine(ConnectionMachine::Side::dialler,
                            asker.recorder.hello(Purpose::introduce, NodeId{}), {});
  RawClient idle(context, node.address());
  idle.write(machine.take_output());
  CHECK(run_until(context, [&] { return idle.is_closed_by_peer(); }));
}

// Catches: a bulk connection that nobody uses and nobody closes.
TEST_CASE("an idle bulk connection is closed, and made anew when it is needed", "[net][hostile]") {
  asio::io_context context;
  net::TcpOptions options;
  options.bulk_idle_timeout = 20ms;
  TcpNode node1(context, one, options);
  TcpNode node2(context, two, options);
  node2.transport.set_peers({{one, node1.address()}});
  for (int i = 0; i < 2; ++i) {
    node1.lines.clear();
    node2.lines.clear();
    node1.recorder.services.clear();
    node2.transport.send_bulk(group, {two, one, ChunkRequest{}});
    node2.transport.flush();
    REQUIRE(run_until(context, [&] { return node1.recorder.services.size() == 1; }));
    REQUIRE(run_until(context, [&] { return node2.logged("bulk connection with node 1 closed"); }));
  }
  CHECK(node2.transport.is_connected(one));
}

// Catches: a server of another kind at a peer's address, which answers with its own greeting.
TEST_CASE("a peer's address that answers with garbage is retried and told in the status",
          "[net][hostile]") {
  asio::io_context context;
  asio::ip::tcp::acceptor impostor(context, {asio::ip::address_v4::loopback(), 0});
  TcpNode node(context, one);
  node.transport.set_peers(
      {{two, "127.0.0.1:" + std::to_string(impostor.local_endpoint().port())}});
  for (int i = 0; i < 3; ++i) {
    bool is_accepted = false;
    asio::ip::tcp::socket socket(context);
    impostor.async_accept(socket, [&](const auto& error) { is_accepted = !error; });
    REQUIRE(run_until(context, [&] { return is_accepted; }));
    asio::write(socket, asio::buffer(std::string("220 mail.example.org ready\r\n")));
    REQUIRE(run_until(context, [&] {
      return node.transport.status().frames_rejected == static_cast<std::uint64_t>(i) + 1;
    }));
  }
  const TransportStatus status = node.transport.status();
  CHECK(status.peers.at(0).last_error.find("bad frame") != std::string::npos);
  CHECK(node.recorder.events.empty());
}
