#include "wire/connection_machine.hpp"

#include <catch2/catch.hpp>

#include "wire/allocations.hpp"
#include "wire/equality.hpp"
#include "wire/machines.hpp"
#include "wire/random_messages.hpp"

namespace raft::wire {
namespace {

Message to_2(MessageBody body = TimeoutNow{}) { return {{1}, {2}, {1}, std::move(body)}; }

Bytes message_frame(const Message& message) { return frame_of(1, FrameType::message, {}, message); }

Bytes service_frame(const ServiceMessage& message) {
  return frame_of(1, FrameType::service, {}, message);
}

// What an established listener, node 2, makes of what node 1 sends it.
Closed end_after(BytesView bytes, std::size_t portion, Purpose purpose = Purpose::control) {
  Pair pair = established(purpose);
  feed(pair.listener, bytes, portion);
  return closed(pair.listener);
}

Bytes with_payload(FrameType type, BytesView payload) {
  Bytes out;
  const std::size_t start = begin_frame(out, 1, type, {});
  out.append(payload);
  end_frame(out, start);
  return out;
}

Bytes replaced(Bytes bytes, std::size_t at, char with) {
  bytes[at] = with;
  return bytes;
}

}  // namespace

// Catches messages lost, doubled, reordered or handed to another group.
TEST_CASE("messages of several groups arrive in order", "[wire][connection]") {
  for (const std::size_t portion : {0u, 1u, 13u}) {
    RandomMessages random(5);
    Pair pair = established();
    std::vector<Message> sent;
    for (std::size_t i = 0; i < 60; ++i) {
      Message message = random.message(i % RandomMessages::message_kinds);
      message.from = {1};
      message.to = {2};
      REQUIRE(pair.dialler.send({i % 3}, message));
      sent.push_back(message);
    }
    feed(pair.listener, pair.dialler.take_output(), portion);
    const std::vector<Event> events = pair.listener.take_events();
    REQUIRE(events.size() == sent.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      const auto& received = std::get<MessageReceived>(events[i]);
      CHECK(received.group == GroupId{i % 3});
      CHECK(same(received.message, sent[i]));
    }
  }
}

TEST_CASE("service messages flow on every connection, both ways", "[wire][connection]") {
  for (const Purpose purpose : {Purpose::control, Purpose::bulk, Purpose::introduce}) {
    Pair pair = established(purpose);
    const ServiceMessage question{{1}, {2}, ChunkRequest{{}, 7, 8}};
    REQUIRE(pair.dialler.send({4}, question));
    feed(pair.listener, pair.dialler.take_output(), 1);
    const auto asked = only_event<ServiceReceived>(pair.listener);
    CHECK(asked.group == GroupId{4});
    CHECK(asked.message == question);

    const ServiceMessage answer{{2}, {1}, Chunk{{}, 7, "bytes"}};
    REQUIRE(pair.listener.send({4}, answer));
    feed(pair.dialler, pair.listener.take_output());
    CHECK(only_event<ServiceReceived>(pair.dialler).message == answer);
  }
}

// Each row closes the connection with this cause, fed whole and byte by byte.
TEST_CASE("what must not come closes the connection", "[wire][connection]") {
  const Bytes good = message_frame(to_2());
  const Bytes huge = replaced(good, 15, '\xff');
  const struct {
    const char* what;
    Bytes bytes;
    Cause cause;
    const char* reason;
  } rows[] = {
      {"P01 another protocol", "GET / HTTP/1.1\r\n", Cause::bad_frame, "not a raft frame"},
      {"P01 noise after a good frame", good + "noise", Cause::bad_frame, "not a raft frame"},
      {"P02 almost 4 GiB", huge, Cause::bad_frame, "allowed"},
      {"P02 no payload", replaced(good, 12, '\0'), Cause::bad_frame, "without payload"},
      {"P03 a payload that was changed", replaced(good, 30, 'x'), Cause::bad_frame, "checksum"},
      {"P03 a group that was changed", replaced(good, 5, 'x'), Cause::bad_frame, "checksum"},
      {"P05 another version", replaced(good, 2, '\2'), Cause::bad_frame, "version 2"},
      {"P09 from another node", message_frame({{3}, {2}, {1}, TimeoutNow{}}), Cause::wrong_sender,
       "from node 3"},
      {"P09 to another node", message_frame({{1}, {3}, {1}, TimeoutNow{}}), Cause::wrong_sender,
       "to node 3"},
      {"P09 a service message of another node", service_frame({{3}, {2}, TransferRequest{}}),
       Cause::wrong_sender, "from node 3"},
      {"P09 a service message to another node", service_frame({{1}, {3}, TransferRequest{}}),
       Cause::wrong_sender, "to node 3"},
      {"P11 an unknown type of frame", replaced(good, 3, '\7'), Cause::bad_frame, "type 7"},
      {"P11 an unreadable message", with_payload(FrameType::message, "?"), Cause::bad_frame,
       "cannot be read"},
      {"P11 an unreadable service message", with_payload(FrameType::service, "?"), Cause::bad_frame,
       "cannot be read"},
      {"P11 an append with a gap",
       message_frame(to_2(
           AppendRequest{{}, {}, {std::make_shared<const Entry>(Entry{{1}, {2}, {}, Noop{}})}})),
       Cause::bad_frame, "cannot be read"},
  };
  for (const auto& row : rows) {
    for (const std::size_t portion : {0u, 1u}) {
      INFO(row.what << " in portions of " << portion);
      const Closed end = end_after(row.bytes, portion);
      CHECK(end.cause == row.cause);
      INFO(end.detail);
      CHECK(end.detail.find(row.reason) != std::string::npos);
    }
  }
}

// Before the handshake, where nobody is known yet.
TEST_CASE("a stranger's bytes are refused early and cost nothing", "[wire][connection]") {
  const Bytes good = hello_frame(hello_of({1}, {2}));
  const struct {
    const char* what;
    Bytes bytes;
    std::size_t read_at_most;
  } rows[] = {
      {"P01 HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1},
      {"P01 TLS", Bytes("\x16\x03\x01\x02\x00\x01\x00", 7), 1},
      {"P01 zeros", Bytes(100, '\0'), 1},
      {"P02 4 GiB", replaced(good, 15, '\xff'), frame_header_bytes},
      {"P02 1025 bytes", replaced(replaced(good, 12, '\1'), 13, '\4'), frame_header_bytes},
      {"P02 no payload", replaced(good, 12, '\0'), frame_header_bytes},
      {"P03 a wrong checksum", replaced(good, 16, 'x'), good.size()},
      {"P11 an unknown type", replaced(good, 3, '\x55'), frame_header_bytes},
      {"P11 a message of version 1", with_payload(FrameType::message, "x"), frame_header_bytes},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    ConnectionMachine listener(Side::listener, hello_of({2}), {});
    const LargestAllocation largest;
    std::size_t read = 0;
    while (!listener.is_closed() && read < row.bytes.size()) {
      listener.received(BytesView(row.bytes).substr(read++, 1));
    }
    CHECK(read <= row.read_at_most);
    CHECK(largest.bytes() <= 1024);
    CHECK(closed(listener).cause == Cause::bad_frame);
    CHECK(listener.take_output().empty());
  }
}

// P02: exactly the limit is still fine.
TEST_CASE("a frame of exactly the limit is taken", "[wire][connection]") {
  const ServiceMessage message{{1}, {2}, Chunk{{}, 0, Bytes(100, 'x')}};
  Bytes payload;
  encode(message, payload);
  ConnectionMachine::Limits limits;
  limits.frame_bytes_max = payload.size();
  Pair pair = established(Purpose::bulk, limits);
  REQUIRE(pair.dialler.send({}, message));
  feed(pair.listener, pair.dialler.take_output());
  CHECK(only_event<ServiceReceived>(pair.listener).message == message);
}

TEST_CASE("raft's messages flow on control connections only", "[wire][connection]") {
  for (const Purpose purpose : {Purpose::bulk, Purpose::introduce}) {
    const Closed end = end_after(message_frame(to_2()), 1, purpose);
    CHECK(end.cause == Cause::bad_frame);
    CHECK(end.detail.find(to_string(purpose)) != std::string::npos);
  }
}

TEST_CASE("what came before a bad frame still counts", "[wire][connection]") {
  Pair pair = established();
  feed(pair.listener, message_frame(to_2()) + "bad" + message_frame(to_2()));
  const std::vector<Event> events = pair.listener.take_events();
  REQUIRE(events.size() == 2);
  CHECK(std::holds_alternative<MessageReceived>(events[0]));
  CHECK(std::holds_alternative<Closed>(events[1]));
}

// Catches a closed machine that comes back to life or ends twice.
TEST_CASE("a closed machine stays closed and ends once", "[wire][connection]") {
  Pair pair = established();
  feed(pair.listener, "bad");
  only_event<Closed>(pair.listener);
  feed(pair.listener, message_frame(to_2()));
  pair.listener.accept();
  pair.listener.refuse({Refusal::removed, {}, {}, ""});
  CHECK_FALSE(pair.listener.send({}, Message{{2}, {1}, {1}, TimeoutNow{}}));
  CHECK(pair.listener.take_events().empty());
  CHECK(pair.listener.take_output().empty());
  CHECK_FALSE(pair.listener.is_established());
}

// Catches a queue that drops silently or grows for ever while a peer does not read.
TEST_CASE("a queue that overflows closes the connection", "[wire][connection]") {
  ConnectionMachine::Limits limits;
  limits.send_queue_bytes_max = 1000;
  Pair pair = established(Purpose::control, limits);
  pair.dialler.set_unsent(900);
  REQUIRE(pair.dialler.send({}, to_2()));
  CHECK_FALSE(pair.dialler.send({}, to_2(Heartbeat{})));
  CHECK(only_event<Closed>(pair.dialler).cause == Cause::overflow);
  CHECK(pair.dialler.take_output().empty());
}

// Catches a link that breaks for ever under the first appends of many groups: what Raft sends again
// is dropped in time, so that heartbeats and answers always fit.
TEST_CASE("entries leave half of the queue to all else", "[found-16][wire][connection]") {
  ConnectionMachine::Limits limits;
  limits.send_queue_bytes_max = 2000;
  Pair pair = established(Purpose::control, limits);
  AppendRequest append;
  append.entries.push_back(
      std::make_shared<const Entry>(Entry{{1}, {1}, {}, Command{{}, 0, Bytes(100, 'x')}}));
  for (int i = 0; i < 100; ++i) REQUIRE(pair.dialler.send({}, to_2(append)));
  CHECK(pair.dialler.is_established());
  for (int i = 0; i < 5; ++i) REQUIRE(pair.dialler.send({}, to_2(Heartbeat{})));
  const Bytes sent = pair.dialler.take_output();
  CHECK(sent.size() > 1000);
  CHECK(sent.size() < 2000);
  REQUIRE(pair.dialler.send({}, to_2(append)));
  CHECK_FALSE(pair.dialler.take_output().empty());
}

TEST_CASE("what the socket has taken no longer counts", "[wire][connection]") {
  ConnectionMachine::Limits limits;
  limits.send_queue_bytes_max = 100;
  Pair pair = established(Purpose::control, limits);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(pair.dialler.send({}, to_2()));
    pair.dialler.set_unsent(pair.dialler.take_output().size());
    pair.dialler.set_unsent(0);
  }
}

TEST_CASE("a message larger than a frame is not sent", "[wire][connection]") {
  ConnectionMachine::Limits limits;
  limits.frame_bytes_max = 200;
  Pair pair = established(Purpose::bulk, limits);
  CHECK_FALSE(pair.dialler.send({}, ServiceMessage{{1}, {2}, Chunk{{}, 0, Bytes(200, 'x')}}));
  CHECK(only_event<Closed>(pair.dialler).cause == Cause::overflow);
}

// Catches views into a buffer that moved with its machine, a short one above all.
TEST_CASE("a machine can be moved in the middle of a frame", "[wire][connection]") {
  const Bytes frame = message_frame(to_2());
  for (std::size_t cut = 1; cut < frame.size(); ++cut) {
    Pair pair = established();
    feed(pair.listener, BytesView(frame).substr(0, cut));
    ConnectionMachine moved = std::move(pair.listener);
    feed(moved, BytesView(frame).substr(cut));
    CHECK(same(only_event<MessageReceived>(moved).message, to_2()));
  }
}

// The decoders are tested on their own; here noise meets them with a good checksum.
TEST_CASE("well framed noise closes the connection or is a valid message", "[wire][connection]") {
  RandomMessages random(11);
  for (int round = 0; round < 3000; ++round) {
    Pair pair = established();
    Bytes payload;
    Message message = random.message(random.below(RandomMessages::message_kinds));
    message.from = {1};
    message.to = {2};
    encode(message, payload);
    payload[16 + random.below(payload.size() - 16)] = static_cast<char>(random.number());
    feed(pair.listener, with_payload(FrameType::message, payload));
    const std::vector<Event> events = pair.listener.take_events();
    REQUIRE(events.size() == 1);
    const bool ended = std::holds_alternative<Closed>(events.front());
    REQUIRE(ended == pair.listener.is_closed());
    REQUIRE((ended || std::holds_alternative<MessageReceived>(events.front())));
  }
}

}  // namespace raft::wire
