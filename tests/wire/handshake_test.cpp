#include <catch2/catch.hpp>

#include "wire/machines.hpp"

namespace raft::wire {
namespace {

Hello speaking(Hello hello, std::uint16_t min, std::uint16_t max) {
  hello.version_min = min;
  hello.version_max = max;
  return hello;
}

// What a listener, node 2, makes of a dialler's hello.
Closed refused_hello(const Hello& hello) {
  ConnectionMachine listener(Side::listener, hello_of({2}), {});
  listener.received(hello_frame(hello));
  return closed(listener);
}

}  // namespace

TEST_CASE("two nodes learn of each other before any message flows", "[wire][handshake]") {
  for (const std::size_t portion : {0u, 1u, 7u}) {
    Pair pair;
    pair.establish(portion);
    CHECK(pair.dialler.is_established());
    CHECK(pair.listener.is_established());
    CHECK(pair.dialler.peer()->node == NodeId{2});
    CHECK(pair.listener.peer()->node == NodeId{1});
  }
}

// Catches a listener that tells who it is to whoever connects.
TEST_CASE("a listener says nothing before it has accepted", "[wire][handshake]") {
  Pair pair;
  CHECK(pair.listener.take_output().empty());
  feed(pair.listener, pair.dialler.take_output());
  CHECK(pair.listener.take_output().empty());
  CHECK_FALSE(pair.listener.is_established());
  CHECK_FALSE(pair.listener.send({}, Message{{2}, {1}, {1}, TimeoutNow{}}));
  CHECK_FALSE(pair.listener.is_closed());
  CHECK(only_event<HelloReceived>(pair.listener).hello == hello_of({1}, {2}));
}

TEST_CASE("a listener answers for the dialler's purpose", "[wire][handshake]") {
  for (const Purpose purpose : {Purpose::control, Purpose::bulk, Purpose::introduce}) {
    Pair pair = established(purpose);
    CHECK(pair.listener.purpose() == purpose);
    CHECK(pair.dialler.peer()->purpose == purpose);
    CHECK(pair.dialler.peer()->target == NodeId{1});
  }
}

TEST_CASE("a refusal reaches the dialler with its reason", "[wire][handshake]") {
  Pair pair;
  feed(pair.listener, pair.dialler.take_output());
  only_event<HelloReceived>(pair.listener);
  const Refused refused{Refusal::wrong_cluster, {}, {}, "cluster 1, not cluster 2"};
  pair.listener.refuse(refused);
  const Closed ours = closed(pair.listener);
  CHECK(ours.cause == Cause::refused_by_us);
  CHECK(ours.refused == refused);

  feed(pair.dialler, pair.listener.take_output(), 1);
  const Closed theirs = closed(pair.dialler);
  CHECK(theirs.cause == Cause::refused_by_peer);
  CHECK(theirs.refused == refused);
  CHECK(theirs.detail == refused.detail);
}

TEST_CASE("a listener may refuse before it has heard anything", "[wire][handshake]") {
  Pair pair;
  pair.listener.refuse({Refusal::too_many, {}, {}, "no room"});
  feed(pair.dialler, pair.listener.take_output());
  CHECK(closed(pair.dialler).refused->reason == Refusal::too_many);
}

// The listener is established as soon as it has answered; the dialler may still say no.
TEST_CASE("a dialler's refusal reaches the listener", "[wire][handshake]") {
  Pair pair;
  feed(pair.listener, pair.dialler.take_output());
  pair.listener.accept();
  pair.listener.take_events();
  feed(pair.dialler, pair.listener.take_output());
  pair.dialler.refuse({Refusal::rolled_back, {}, {}, "seen with more"});
  feed(pair.listener, pair.dialler.take_output(), 1);
  const Closed end = only_event<Closed>(pair.listener);
  CHECK(end.cause == Cause::refused_by_peer);
  CHECK(end.refused->reason == Refusal::rolled_back);
}

// P05.
TEST_CASE("the highest common version is spoken", "[wire][handshake]") {
  const struct {
    std::uint16_t dialler_min, dialler_max, listener_min, listener_max, agreed;
  } rows[] = {{1, 1, 1, 1, 1}, {1, 3, 2, 5, 3}, {2, 9, 1, 4, 4}, {3, 3, 1, 255, 3}};
  for (const auto& row : rows) {
    ConnectionMachine dialler(Side::dialler,
                              speaking(hello_of({1}, {2}), row.dialler_min, row.dialler_max), {});
    ConnectionMachine listener(Side::listener,
                               speaking(hello_of({2}), row.listener_min, row.listener_max), {});
    feed(listener, dialler.take_output());
    listener.take_events();
    listener.accept();
    CHECK(only_event<Established>(listener).version == row.agreed);
    feed(dialler, listener.take_output());
    dialler.take_events();
    dialler.accept();
    CHECK(only_event<Established>(dialler).version == row.agreed);

    REQUIRE(dialler.send({}, Message{{1}, {2}, {1}, TimeoutNow{}}));
    const Bytes output = dialler.take_output();
    CHECK(output[2] == static_cast<char>(row.agreed));
    feed(listener, output);
    only_event<MessageReceived>(listener);
  }
}

// P05: both ends can tell a person what to do.
TEST_CASE("without a common version both ends learn both ranges", "[wire][handshake]") {
  ConnectionMachine dialler(Side::dialler, speaking(hello_of({1}, {2}), 1, 2), {});
  ConnectionMachine listener(Side::listener, speaking(hello_of({2}), 3, 4), {});
  feed(listener, dialler.take_output(), 1);
  const Closed ours = only_event<Closed>(listener);
  CHECK(ours.cause == Cause::refused_by_us);
  feed(dialler, listener.take_output(), 1);
  const Closed theirs = only_event<Closed>(dialler);
  CHECK(theirs.cause == Cause::refused_by_peer);
  CHECK(theirs.refused->reason == Refusal::version);
  for (const Closed& end : {ours, theirs}) {
    CHECK(end.detail.find("3 to 4") != std::string::npos);
    CHECK(end.detail.find("1 to 2") != std::string::npos);
  }
}

// A version of the far future is told apart even if the rest of its hello has changed.
TEST_CASE("an unreadable hello of another version is refused for its version",
          "[wire][handshake]") {
  const Bytes range("\x07\x00\x09\x00", 4);
  Bytes out;
  const std::size_t start = begin_frame(out, handshake_version, FrameType::hello, {});
  out += range + "whatever";
  end_frame(out, start);
  ConnectionMachine listener(Side::listener, hello_of({2}), {});
  feed(listener, out);
  CHECK(closed(listener).refused->reason == Refusal::version);
}

// P07: another node has taken the port.
TEST_CASE("the wrong node is refused on both sides", "[bug-36][wire][handshake]") {
  const Closed end = refused_hello(hello_of({1}, {3}));
  CHECK(end.cause == Cause::refused_by_us);
  CHECK(end.refused->reason == Refusal::wrong_node);
  CHECK(end.detail == "this is node 2, not node 3");

  ConnectionMachine dialler(Side::dialler, hello_of({1}, {3}), {});
  dialler.take_output();
  feed(dialler, hello_frame(hello_of({2}, {1})), 1);
  CHECK(only_event<Closed>(dialler).refused->reason == Refusal::wrong_node);
  CHECK_FALSE(dialler.take_output().empty());
}

TEST_CASE("a dialler that does not know whom it dials takes whoever answers", "[wire][handshake]") {
  ConnectionMachine dialler(Side::dialler, hello_of({1}), {});
  ConnectionMachine listener(Side::listener, hello_of({2}), {});
  feed(listener, dialler.take_output());
  listener.accept();
  feed(dialler, listener.take_output());
  dialler.accept();
  CHECK(dialler.is_established());
  CHECK(dialler.peer()->node == NodeId{2});
}

TEST_CASE("a node that dials itself is told so", "[wire][handshake]") {
  CHECK(refused_hello(hello_of({2})).refused->reason == Refusal::self);
}

// A second machine under the same id is judged by who knows the membership.
TEST_CASE("the same id with another instance is left to be judged", "[wire][handshake]") {
  Hello other = hello_of({2});
  other.instance = {9, 9};
  ConnectionMachine listener(Side::listener, hello_of({2}), {});
  listener.received(hello_frame(other));
  only_event<HelloReceived>(listener);
}

// What is out of order closes the connection, with a reason and without an answer.
TEST_CASE("the order of the handshake is kept", "[wire][handshake]") {
  const Bytes hello = hello_frame(hello_of({1}, {2}));
  const Bytes message = frame_of(0, FrameType::message, {}, Message{{1}, {2}, {1}, TimeoutNow{}});
  const Bytes service =
      frame_of(0, FrameType::service, {}, ServiceMessage{{1}, {2}, TransferRequest{}});
  const Bytes refusal = frame_of(0, FrameType::refused, {}, Refused{});
  for (const Bytes& stream : {message, service, refusal, hello + hello, hello + message}) {
    for (const std::size_t portion : {0u, 1u}) {
      ConnectionMachine listener(Side::listener, hello_of({2}), {});
      feed(listener, stream, portion);
      CHECK(closed(listener).cause == Cause::bad_frame);
      CHECK(listener.take_output().empty());
      listener.accept();  // Too late, and harmless.
      CHECK(listener.take_output().empty());
    }
  }
}

TEST_CASE("a second hello closes the connection", "[wire][handshake]") {
  Pair pair = established();
  feed(pair.listener, hello_frame(hello_of({1}, {2})), 1);
  CHECK(only_event<Closed>(pair.listener).cause == Cause::bad_frame);
}

TEST_CASE("an answer for another purpose closes the connection", "[wire][handshake]") {
  ConnectionMachine dialler(Side::dialler, hello_of({1}, {2}, Purpose::bulk), {});
  feed(dialler, hello_frame(hello_of({2}, {1}, Purpose::control)));
  CHECK(closed(dialler).cause == Cause::bad_frame);
}

// Catches messages that are read before their sender was judged: a term would get through.
TEST_CASE("what follows a hello waits until the hello was judged", "[wire][handshake]") {
  for (const std::size_t portion : {0u, 1u}) {
    Pair pair;
    feed(pair.listener, pair.dialler.take_output());
    pair.listener.accept();
    REQUIRE(pair.listener.send({5}, Message{{2}, {1}, {9}, TimeoutNow{}}));
    feed(pair.dialler, pair.listener.take_output(), portion);
    only_event<HelloReceived>(pair.dialler);
    pair.dialler.accept();
    const std::vector<Event> events = pair.dialler.take_events();
    REQUIRE(events.size() == 2);
    CHECK(std::holds_alternative<Established>(events[0]));
    CHECK(std::get<MessageReceived>(events[1]).message.term == Term{9});
  }
}

TEST_CASE("a dialler that is never answered holds no more than a frame", "[wire][handshake]") {
  ConnectionMachine::Limits limits;
  limits.frame_bytes_max = 1000;
  ConnectionMachine dialler(Side::dialler, hello_of({1}, {2}), limits);
  feed(dialler, hello_frame(hello_of({2}, {1})));
  feed(dialler, Bytes(1020, 'x'));
  CHECK_FALSE(dialler.is_closed());
  feed(dialler, "x");
  CHECK(closed(dialler).cause == Cause::bad_frame);
}

TEST_CASE("of two connections both ends keep the same one", "[wire][handshake]") {
  const NodeId small{1};
  const NodeId large{2};
  // The small one dialled one of them, the large one the other; whichever came first.
  CHECK_FALSE(replaces(small, large, Side::dialler, Side::listener));
  CHECK(replaces(small, large, Side::listener, Side::dialler));
  CHECK_FALSE(replaces(large, small, Side::listener, Side::dialler));
  CHECK(replaces(large, small, Side::dialler, Side::listener));
  // A redial of the same side: the old one is dead, whether or not this end has noticed.
  for (const NodeId own : {small, large}) {
    const NodeId peer = own == small ? large : small;
    CHECK(replaces(own, peer, Side::dialler, Side::dialler));
    CHECK(replaces(own, peer, Side::listener, Side::listener));
  }
}

}  // namespace raft::wire
