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
#include "support/memory_transport.hpp"
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

class MemoryWorld {
 public:
  using Limits = wire::ConnectionMachine::Limits;

  wire::Transport& start(Recorder& node, const Limits& limits = {}) {
    const NodeId id = node.own.node;
    node.own.address = address(id, id);
    transports_[id] =
        std::make_unique<MemoryTransport>(network_, id, node.own.address, node, limits);
    return *transports_[id];
  }
  void stop(NodeId id) { transports_.erase(id); }

  std::string address(NodeId, NodeId to) { return "memory:" + to_string(to); }
  std::string nobody() const { return "memory:nobody"; }

  bool run_until(const std::function<bool()>& condition) {
    for (int steps = 0; !condition(); ++steps) {
      if (steps == 20'000) {
        return false;
      }
      network_.step();
    }
    return true;
  }

  void cut(NodeId a, NodeId b) { network_.cut(a, b); }
  void freeze(NodeId a, NodeId b) { network_.freeze(a, b); }
  std::size_t connections_between(NodeId a, NodeId b) { return network_.connections_between(a, b); }

 private:
  MemoryNetwork network_;
  std::map<NodeId, std::unique_ptr<MemoryTransport>> transports_;
};

}  // namespace raft::test
