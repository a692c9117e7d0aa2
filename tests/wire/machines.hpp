// Connection machines to play with: two that talk to each other, or one that a test forges for.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>

#include "wire/codec.hpp"
#include "wire/connection_machine.hpp"
#include "wire/frame.hpp"

namespace raft::wire {

using Side = ConnectionMachine::Side;
using Cause = Closed::Cause;

inline Hello hello_of(NodeId node, NodeId target = {}, Purpose purpose = Purpose::control) {
  Hello hello;
  hello.purpose = purpose;
  hello.cluster = {1, 2};
  hello.node = node;
  hello.target = target;
  hello.instance = {0, node.value};
  hello.boot = {1};
  hello.address = "127.0.0.1:700" + to_string(node);
  return hello;
}

/// Feeds bytes in portions of this size; 0: all at once.
inline void feed(ConnectionMachine& machine, BytesView bytes, std::size_t portion = 0) {
  if (portion == 0) return machine.received(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += portion) {
    machine.received(bytes.substr(at, portion));
  }
}

/// The only event since the last look, which must be of this type.
template <class Expected>
Expected only_event(ConnectionMachine& machine) {
  std::vector<Event> events = machine.take_events();
  REQUIRE(events.size() == 1);
  REQUIRE(std::holds_alternative<Expected>(events.front()));
  return std::get<Expected>(std::move(events.front()));
}

/// The last event, which must say that the connection ended.
inline Closed closed(ConnectionMachine& machine) {
  REQUIRE(machine.is_closed());
  std::vector<Event> events = machine.take_events();
  REQUIRE_FALSE(events.empty());
  REQUIRE(std::holds_alternative<Closed>(events.back()));
  return std::get<Closed>(std::move(events.back()));
}

template <class Payload>
Bytes frame_of(std::uint8_t version, FrameType type, GroupId group, const Payload& payload) {
  Bytes out;
  const std::size_t start = begin_frame(out, version, type, group);
  encode(payload, out);
  end_frame(out, start);
  return out;
}

inline Bytes hello_frame(const Hello& hello) {
  return frame_of(handshake_version, FrameType::hello, {}, hello);
}

/// Node 1 dials node 2.
struct Pair {
  explicit Pair(Purpose purpose = Purpose::control, ConnectionMachine::Limits limits = {})
      : dialler(Side::dialler, hello_of({1}, {2}, purpose), limits),
        listener(Side::listener, hello_of({2}), limits) {}

  /// Both accept.
  void establish(std::size_t portion = 0) {
    feed(listener, dialler.take_output(), portion);
    only_event<HelloReceived>(listener);
    listener.accept();
    only_event<Established>(listener);
    feed(dialler, listener.take_output(), portion);
    only_event<HelloReceived>(dialler);
    dialler.accept();
    only_event<Established>(dialler);
  }

  ConnectionMachine dialler;
  ConnectionMachine listener;
};

inline Pair established(Purpose purpose = Purpose::control, ConnectionMachine::Limits limits = {}) {
  Pair pair(purpose, limits);
  pair.establish();
  return pair;
}

}  // namespace raft::wire
