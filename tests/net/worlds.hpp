// Two networks of nodes with one interface, so that one test body serves both transports.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "net/recorder.hpp"
#include "net/tcp_transport.hpp"
#include "sim/effects.hpp"
#include "sim/events.hpp"
#include "sim/network.hpp"
#include "sim/simulated_transport.hpp"
#include "sim/trace.hpp"
#include "support/process_loop.hpp"
#include "support/tcp_relay.hpp"

namespace raft::test {

/// Runs the context until the condition holds. False: it did not in a generous time.
inline bool run_until(boost::asio::io_context& context, const std::function<bool()>& condition) {
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up_at) {
      return false;
    }
    context.restart();
    context.run_one_for(std::chrono::milliseconds(100));
  }
  return true;
}

class TcpWorld {
 public:
  using Limits = wire::ConnectionMachine::Limits;

  wire::Transport& start(Recorder& node, const Limits& limits = {}) {
    net::TcpOptions options;
    options.limits = limits;
    const NodeId id = node.own.node;
    auto transport = std::make_unique<net::TcpTransport>(context_.get_executor(), id, options, node,
                                                         util::Log{});
    REQUIRE(transport->listen("127.0.0.1:0"));
    node.own.address = transport->local_address();
    transports_[id] = std::move(transport);
    return *transports_[id];
  }
  void stop(NodeId id) { transports_.erase(id); }

  /// What `from` dials to reach `to`, which may start later.
  std::string address(NodeId from, NodeId to) {
    auto& relay = relays_[{from, to}];
    if (!relay) {
      relay = std::make_unique<TcpRelay>(context_, [this, to] { return endpoint_of(to); });
    }
    return relay->address();
  }
  std::string nobody() const { return "127.0.0.1:1"; }

  bool run_until(const std::function<bool()>& condition) {
    return test::run_until(context_, condition);
  }

  void cut(NodeId a, NodeId b) {
    for_relays(a, b, [](TcpRelay& relay) { relay.cut(); });
  }
  void freeze(NodeId a, NodeId b) {
    for_relays(a, b, [](TcpRelay& relay) { relay.freeze(); });
  }
  std::size_t connections_between(NodeId a, NodeId b) {
    std::size_t open = 0;
    for_relays(a, b, [&](const TcpRelay& relay) { open += relay.open_connections(); });
    return open;
  }

 private:
  boost::asio::ip::tcp::endpoint endpoint_of(NodeId id) const {
    const auto found = transports_.find(id);
    const auto loopback = boost::asio::ip::address_v4::loopback();
    if (found == transports_.end()) {
      return {loopback, 1};
    }
    return {loopback, net::parse_address(found->second->local_address())->port};
  }
  template <class Function>
  void for_relays(NodeId a, NodeId b, Function function) {
    for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
      const auto found = relays_.find({from, to});
      if (found != relays_.end()) {
        function(*found->second);
      }
    }
  }

  boost::asio::io_context context_;
  std::map<std::pair<NodeId, NodeId>, std::unique_ptr<TcpRelay>> relays_;
  std::map<NodeId, std::unique_ptr<net::TcpTransport>> transports_;
};

/// The same on the simulated network, in simulated time.
class SimulatedWorld {
 public:
  using Limits = wire::ConnectionMachine::Limits;

  wire::Transport& start(Recorder& node, const Limits& limits = {}) {
    const NodeId id = node.own.node;
    node.own.address = address(id, id);
    Process& process = processes_[id];
    process.loop = std::make_unique<ProcessLoop>(events_);
    process.transport = std::make_unique<sim::SimulatedTransport>(network_, *process.loop, id,
                                                                  node.own.address, node, limits);
    return *process.transport;
  }
  void stop(NodeId id) { processes_.erase(id); }

  std::string address(NodeId, NodeId to) { return "simulated:" + to_string(to); }
  std::string nobody() const { return "simulated:nobody"; }

  bool run_until(const std::function<bool()>& condition) {
    const Duration give_up_at = events_.now() + std::chrono::seconds(60);
    while (!condition()) {
      if (events_.empty() || events_.next() > give_up_at) {
        return false;
      }
      events_.run_next();
    }
    return true;
  }

  void cut(NodeId a, NodeId b) { network_.reset(a, b); }
  void freeze(NodeId a, NodeId b) { network_.silence(a, b); }
  std::size_t connections_between(NodeId a, NodeId b) { return network_.connections_between(a, b); }

 private:
  struct Process {
    std::unique_ptr<ProcessLoop> loop;
    std::unique_ptr<sim::SimulatedTransport> transport;
  };

  sim::Events events_{1};
  sim::Trace trace_;
  sim::Effects effects_;
  sim::Network network_{events_, trace_, effects_, 1};
  std::map<NodeId, Process> processes_;
};

}  // namespace raft::test
