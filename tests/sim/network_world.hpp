// A simulated network with a few nodes that only remember what they are told.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "net/recorder.hpp"
#include "sim/effects.hpp"
#include "sim/events.hpp"
#include "sim/network.hpp"
#include "sim/simulated_transport.hpp"
#include "sim/trace.hpp"
#include "support/process_loop.hpp"

namespace raft::test {

class NetworkWorld {
 public:
  static constexpr GroupId group{5};

  explicit NetworkWorld(std::uint64_t seed, sim::Trace::Sink sink = {})
      : events(seed), trace(std::move(sink)), network(events, trace, effects, seed + 1) {}

  struct Process {
    explicit Process(NodeId id) : recorder(id) {}
    Recorder recorder;
    std::unique_ptr<ProcessLoop> loop{};
    std::unique_ptr<sim::SimulatedTransport> transport{};
  };

  /// Starts nodes that all know each other.
  void start_all(std::uint64_t count) {
    for (std::uint64_t id = 1; id <= count; ++id) addresses[{id}] = "node" + std::to_string(id);
    for (const auto& [id, address] : addresses) start(id);
  }
  /// Also again, for a new life.
  void start(NodeId id) {
    const std::uint64_t boot = ++boots[id];
    const auto process = std::make_shared<Process>(id);
    process->recorder.own.boot = {boot};
    process->loop = std::make_unique<ProcessLoop>(events);
    process->transport = std::make_unique<sim::SimulatedTransport>(
        network, *process->loop, id, addresses.at(id), process->recorder);
    process->transport->set_peers(addresses);
    processes[id] = process;
  }
  void stop(NodeId id) { processes.erase(id); }
  /// Until all are connected, each pair by one connection.
  void meet() {
    REQUIRE(run_until([&] { return all_connected(); }));
  }
  bool all_connected() const {
    for (const auto& [a, first] : processes) {
      for (const auto& [b, second] : processes) {
        if (a == b) continue;
        if (!first->transport->is_connected(b)) return false;
        if (network.connections_between(a, b) != 1) return false;
      }
    }
    return true;
  }

  void send(NodeId from, NodeId to, std::uint64_t number) {
    send(heartbeat_reply(from, to, number));
  }
  void send(const Message& message) {
    sim::SimulatedTransport& transport = *processes.at(message.from)->transport;
    transport.send(group, message);
    transport.flush();
  }
  Recorder& recorder(NodeId id) { return processes.at(id)->recorder; }
  /// The numbers that a node received from another, in their order.
  std::vector<std::uint64_t> received(NodeId at, NodeId from) const {
    std::vector<std::uint64_t> numbers;
    for (const auto& [in_group, message] : processes.at(at)->recorder.messages) {
      if (message.from == from) numbers.push_back(number_of(message));
    }
    return numbers;
  }

  void run_for(Duration duration) {
    const Duration end = events.now() + duration;
    while (!events.empty() && events.next() <= end) events.run_next();
    events.advance_to(end);
  }
  /// False: it did not become true within a simulated minute.
  bool run_until(const std::function<bool()>& condition) {
    const Duration give_up_at = events.now() + std::chrono::minutes(1);
    while (!condition()) {
      if (events.empty() || events.next() > give_up_at) return false;
      events.run_next();
    }
    return true;
  }

  /// The faults that took effect.
  std::set<sim::Fault> faults() const {
    std::set<sim::Fault> hit;
    for (int i = 0; i < static_cast<int>(sim::Fault::count_); ++i) {
      const auto fault = static_cast<sim::Fault>(i);
      if (effects.of(fault) > 0) hit.insert(fault);
    }
    return hit;
  }

  sim::Events events;
  sim::Trace trace;
  sim::Effects effects;
  sim::Network network;
  std::map<NodeId, std::string> addresses;
  std::map<NodeId, std::uint64_t> boots;
  std::map<NodeId, std::shared_ptr<Process>> processes;
};

using Numbers = std::vector<std::uint64_t>;

inline constexpr NodeId one{1};
inline constexpr NodeId two{2};

/// Two nodes that have met, and then the weather changes.
struct Two : NetworkWorld {
  explicit Two(std::uint64_t seed, const sim::NetworkWeather& weather = {},
               sim::Trace::Sink sink = {})
      : NetworkWorld(seed, std::move(sink)) {
    start_all(2);
    meet();
    // Where two dials crossed, the connection that was given up may have been told of.
    for (auto& [id, process] : processes) process->recorder.events.clear();
    network.set_weather(weather);
  }
  void clear_up() { network.set_weather({}); }

  /// From node 1 to node 2, all at different times.
  void send_numbers(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      send(one, two, ++last_number);
      run_for(std::chrono::microseconds(100));
    }
  }
  Numbers arrived() const { return received(two, one); }
  bool lost_any() { return recorder(one).saw("lost 2") || recorder(two).saw("lost 1"); }

  std::uint64_t last_number = 0;
};

inline Numbers numbers_up_to(std::uint64_t last) {
  Numbers numbers(last);
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

inline bool is_increasing(const Numbers& numbers) {
  return std::adjacent_find(numbers.begin(), numbers.end(), std::greater_equal<>()) ==
         numbers.end();
}

inline sim::NetworkWeather only(std::uint64_t sim::NetworkWeather::*rate, std::uint64_t permille) {
  sim::NetworkWeather weather;
  weather.*rate = permille;
  return weather;
}

}  // namespace raft::test
