// What only TCP can get wrong: addresses, ports, names, life and death of the object.
#include "net/tcp_transport.hpp"

#include <sys/resource.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/raw_client.hpp"
#include "net/tcp_node.hpp"
#include "net/worlds.hpp"

using namespace raft;
using namespace raft::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

constexpr NodeId one{1};
constexpr NodeId two{2};
constexpr GroupId group{5};

net::TcpOptions impatient() {
  net::TcpOptions options;
  options.connect_timeout = 500ms;
  options.handshake_timeout = 50ms;
  options.introduce_timeout = 50ms;
  options.farewell_timeout = 50ms;
  options.redial_first = 1ms;
  options.redial_max = 10ms;
  options.refused_redial_first = 10ms;
  options.refused_redial_max = 20ms;
  return options;
}

std::string port_of(const std::string& address) {
  return std::to_string(net::parse_address(address)->port);
}

/// Lowers the number of files that the process may open, for as long as it lives.
class FewFiles {
 public:
  explicit FewFiles(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{count, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

// Catches: "Address already in use" without saying which address, of the three that a node takes.
TEST_CASE("listening where another already does is an error that names the address", "[net]") {
  asio::io_context context;
  TcpNode first(context, one);
  Recorder recorder(two);
  net::TcpTransport second(context.get_executor(), two, {}, recorder, {});
  const Result<void> result = second.listen(first.address());
  REQUIRE_FALSE(result);
  CHECK(result.code() == Errc::invalid_argument);
  CHECK(result.error().detail.find(first.address()) != std::string::npos);
  CHECK(result.error().detail.find("in use") != std::string::npos);
  CHECK(second.local_address().empty());
  REQUIRE(second.listen("127.0.0.1:0"));
}

// Catches: a bad listen address that is only noticed by the others, who cannot reach the node.
TEST_CASE("addresses that cannot be listened on are errors that name them", "[net]") {
  asio::io_context context;
  Recorder recorder(one);
  net::TcpTransport transport(context.get_executor(), one, {}, recorder, {});
  for (const std::string address : {"nonsense", "192.0.2.1:7001", "no-such-host.invalid:1"}) {
    CAPTURE(address);
    const Result<void> result = transport.listen(address);
    REQUIRE_FALSE(result);
    CHECK(result.code() == Errc::invalid_argument);
    CHECK(result.error().detail.find(address) != std::string::npos);
  }
}

// Catches: names and IPv6 that work for listening and not for dialling, or the other way round.
TEST_CASE("nodes reach each other by name and by IPv6", "[net]") {
  asio::io_context context;
  TcpNode node1(context, one, {}, "localhost:0");
  CHECK(node1.address().rfind("localhost:", 0) == 0);
  RawClient by_number(context, "127.0.0.1:" + port_of(node1.address()));
  TcpNode node2(context, two);
  node2.transport.set_peers({{one, node1.address()}});
  CHECK(run_until(context, [&] { return node2.recorder.saw("connected 1"); }));

  Recorder recorder(NodeId{3});
  net::TcpTransport on_v6(context.get_executor(), NodeId{3}, {}, recorder, {});
  if (!on_v6.listen("[::1]:0")) {
    WARN("this machine has no IPv6 loopback");
    return;
  }
  CHECK(on_v6.local_address().rfind("[::1]:", 0) == 0);
  node2.transport.set_peers({{NodeId{3}, on_v6.local_address()}});
  CHECK(run_until(context, [&] { return recorder.saw("connected 2"); }));
}

// Catches: an operator who sees that a node is missing and not why.
TEST_CASE("status and log say why a peer cannot be reached", "[net]") {
  asio::io_context context;
  TcpNode node(context, one, impatient());
  const auto [address, why] = GENERATE(table<std::string, std::string>({
      {"127.0.0.1:1", "refused"},
      {"no-such-host.invalid:7001", "cannot resolve 'no-such-host.invalid'"},
      {"nonsense", "'nonsense' is not an address"},
  }));
  node.transport.set_peers({{two, address}});
  REQUIRE(run_until(context, [&] { return node.logged("cannot reach node 2"); }));
  const TransportStatus status = node.transport.status();
  REQUIRE(status.peers.size() == 1);
  CHECK(status.peers[0].id == two);
  CHECK(status.peers[0].address == address);
  CHECK_FALSE(status.peers[0].connected);
  CHECK(status.peers[0].last_error.find(why) != std::string::npos);
  CHECK(node.logged(why));
  CHECK(node.recorder.events.empty());
}

// Catches: counters that stand still, which hide a chatty or a mute connection.
TEST_CASE("status counts the bytes of both directions", "[net]") {
  asio::io_context context;
  TcpNode node1(context, one);
  TcpNode node2(context, two);
  node1.transport.set_peers({{two, node2.address()}});
  REQUIRE(run_until(context, [&] { return node1.transport.is_connected(two); }));
  node1.transport.send(group, append_of(one, two, 100'000));
  node1.transport.flush();
  REQUIRE(run_until(context, [&] { return !node2.recorder.messages.empty(); }));
  CHECK(node1.transport.status().bytes_sent > 100'000);
  CHECK(node1.transport.status().bytes_sent == node2.transport.status().bytes_received);
  CHECK(node2.transport.status().bytes_sent == node1.transport.status().bytes_received);
}

// Catches: handlers of a dead transport that touch it, and a destructor that needs the context.
TEST_CASE("a transport can be closed and destroyed in the middle of everything", "[net]") {
  auto context = std::make_unique<asio::io_context>();
  auto node2 = std::make_unique<TcpNode>(*context, two);
  auto node1 = std::make_unique<TcpNode>(*context, one);
  RawClient stranger(*context, node1->address());
  node1->transport.set_peers({{two, node2->address()}, {NodeId{3}, "localhost:1"}});
  const int turns = GENERATE(range(0, 30));
  for (int i = 0; i < turns; ++i) {
    context->run_one_for(100ms);
  }
  bool was_called = false;
  node1->transport.introduce(node2->address(), group, std::nullopt,
                             [&](const auto&) { was_called = true; });
  node1->transport.send_bulk(group, {one, two, ChunkRequest{}});
  node1->transport.send(group, append_of(one, two, std::size_t{7} << 20));
  node1->transport.flush();
  node1->transport.set_peers({});  // A loss to tell, if there was a link.
  const auto events = node1->recorder.events.size();
  node1->transport.close();

  SECTION("and the context goes on") {
    node1->recorder.is_quiet = true;
    REQUIRE(run_until(*context, [&] { return node2->recorder.connected_to.empty(); }));
    CHECK(node1->recorder.events.size() == events);
    node1.reset();
    context->poll();
  }
  SECTION("and the context runs only after its end") {
    node1.reset();
    context->poll();
  }
  SECTION("and the context never runs again") { node1.reset(); }
  CHECK_FALSE(was_called);
  node2.reset();
}

// Catches: a call after close() that dials again.
TEST_CASE("after close nothing happens any more", "[net]") {
  asio::io_context context;
  TcpNode node1(context, one);
  TcpNode node2(context, two);
  node1.transport.close();
  node1.transport.close();
  node1.transport.set_peers({{two, node2.address()}});
  node1.transport.send_bulk(group, {one, two, ChunkRequest{}});
  node1.transport.introduce(node2.address(), group, std::nullopt, [](const auto&) {});
  node2.transport.close();
  context.restart();
  context.run();  // Returns, since nothing is left to do.
  CHECK(node1.recorder.events.empty());
  CHECK(node2.recorder.events.empty());
  CHECK(node1.transport.local_address().empty());
}

// Catches: a deadline long without a purpose that keeps a stopped program from ending.
TEST_CASE("a closed transport leaves the context nothing to wait for", "[net]") {
  asio::io_context context;
  net::TcpOptions patient;
  patient.introduce_timeout = 1h;
  TcpNode node1(context, one, patient);
  TcpNode node2(context, two, patient);
  bool was_answered = false;
  node1.transport.introduce(node2.address(), group, std::nullopt,
                            [&](const auto& result) { was_answered = result.has_value(); });
  REQUIRE(run_until(context, [&] { return was_answered; }));
  node1.transport.close();
  node2.transport.close();
  context.restart();
  context.run_for(10s);
  CHECK(context.stopped());
}

// Catches: a handler that closes the transport while the transport works through its input.
TEST_CASE("the handler may close the transport and change peers from within its calls", "[net]") {
  asio::io_context context;
  TcpNode node1(context, one);
  TcpNode node2(context, two);
  node1.transport.set_peers({{two, node2.address()}});
  REQUIRE(run_until(context, [&] { return node1.transport.is_connected(two); }));
  REQUIRE(run_until(context, [&] { return node2.transport.is_connected(one); }));
  const bool closes = GENERATE(true, false);
  int received = 0;
  node2.recorder.on_service = [&](GroupId, const ServiceMessage&, auto) {
    ++received;
    // Re-entered with more messages of the same read still to come.
    if (closes) {
      return node2.transport.close();
    }
    node2.transport.set_peers({{one, node1.address()}});
    node2.transport.set_peers({});
  };
  for (int i = 0; i < 100; ++i) {
    node1.transport.send(group, ServiceMessage{one, two, ServiceReply{}});
  }
  node1.transport.flush();
  REQUIRE(run_until(context, [&] { return node1.recorder.saw("lost 2"); }));
  CHECK(received == 1);
}

// Catches: an accept loop that spins, or ends for ever, once files run out.
TEST_CASE("a node that runs out of files goes on when there are some again", "[net]") {
  asio::io_context context;
  TcpNode node(context, one);
  RawClient first(context, node.address());  // Opens all that a connection needs at this end.
  REQUIRE(run_until(context, [&] { return node.transport.status().bytes_received == 0; }));
  asio::ip::tcp::socket caller(context, asio::ip::tcp::v4());
  {
    // The lowest free number is the first that cannot be had any more.
    const int lowest_free = ::dup(caller.native_handle());
    ::close(lowest_free);
    const FewFiles few(static_cast<rlim_t>(lowest_free));
    caller.connect({asio::ip::address_v4::loopback(), net::parse_address(node.address())->port});
    REQUIRE(run_until(context, [&] { return node.logged("cannot accept a connection"); }));
  }
  TcpNode peer(context, two);
  peer.transport.set_peers({{one, node.address()}});
  CHECK(run_until(context, [&] { return peer.recorder.saw("connected 1"); }));
}

// Catches: a port that stays taken by the connection that the socket made with itself.
TEST_CASE("a dial never ends up connected with itself", "[net]") {
  asio::io_context context;
  TcpNode node(context, one, impatient());
  // A port of the range from which the system also takes the dialler's own: one that was just free.
  std::string free_port;
  {
    TcpNode gone(context, two);
    free_port = port_of(gone.address());
  }
  node.transport.set_peers({{two, "127.0.0.1:" + free_port}});
  REQUIRE(run_until(context, [&] { return node.logged("cannot reach node 2"); }));
  TcpNode back(context, two, {}, "127.0.0.1:" + free_port);
  CHECK(run_until(context, [&] { return back.recorder.saw("connected 1"); }));
}

// Catches: state touched off the strand (under a thread sanitizer), messages lost under load.
TEST_CASE("transports work on strands of a context that several threads run", "[net]") {
  constexpr std::uint64_t count = 20'000;
  struct Counter final : wire::TransportHandler {
    explicit Counter(NodeId id) : recorder(id) {}
    Hello hello(Purpose purpose, NodeId target) override { return recorder.hello(purpose, target); }
    std::optional<Refused> judge(const Hello& hello) override { return recorder.judge(hello); }
    void refused(NodeId, const std::string&, const Refused&) override {}
    void connected(NodeId, const Hello&) override { up.set_value(); }
    void lost(NodeId) override {}
    void received(GroupId, Message message) override {
      in_order = in_order && number_of(message) == ++last;
      if (last == count) {
        all.set_value();
      }
    }
    void received(GroupId, ServiceMessage, Reply) override {}
    Recorder recorder;
    std::promise<void> up;
    std::promise<void> all;
    std::uint64_t last = 0;
    bool in_order = true;
  };
  Counter handler1(one);
  Counter handler2(two);
  asio::thread_pool pool(3);
  const auto strand1 = asio::make_strand(pool);
  const auto strand2 = asio::make_strand(pool);
  auto node1 =
      std::make_unique<net::TcpTransport>(strand1, one, net::TcpOptions{}, handler1, util::Log{});
  auto node2 =
      std::make_unique<net::TcpTransport>(strand2, two, net::TcpOptions{}, handler2, util::Log{});
  const auto run_on = [](const auto& strand, auto function) {
    asio::post(strand, asio::use_future(std::move(function))).get();
  };
  std::string address;
  run_on(strand2, [&] {
    CHECK(node2->listen("127.0.0.1:0"));
    address = node2->local_address();
  });
  run_on(strand1, [&] { node1->set_peers({{two, address}}); });
  handler1.up.get_future().get();
  for (std::uint64_t number = 1; number <= count; ++number) {
    asio::post(strand1, [&, number] {
      node1->send(group, heartbeat_reply(one, two, number));
      node1->flush();
    });
  }
  handler2.all.get_future().get();
  run_on(strand1, [&] { node1.reset(); });
  run_on(strand2, [&] { node2.reset(); });
  pool.join();
  CHECK(handler2.in_order);
}
