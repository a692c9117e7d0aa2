// wire::Transport in memory: the real ConnectionMachine at both ends, and a network that moves
// bytes between them when it is told to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <libraft/types.hpp>
#include "wire/connection_machine.hpp"
#include "wire/transport.hpp"

namespace raft::test {

class MemoryTransport;

/// One end of a connection. What it sends waits at the other end until the network moves it.
struct MemoryEnd {
  MemoryEnd(MemoryTransport& transport, wire::ConnectionMachine::Side side, const Hello& own,
            const wire::ConnectionMachine::Limits& limits);

  NodeId node() const;  ///< The other node: who was dialled, or who said hello; 0 while unknown.
  void flush();
  void close();
  /// The next bytes that arrive; empty: none are on their way.
  Bytes take_arriving(std::size_t bytes_max);
  std::size_t bytes_arriving() const { return arriving.size() - arrived; }

  MemoryTransport* owner;
  wire::ConnectionMachine machine;
  NodeId target;
  std::weak_ptr<MemoryEnd> other;
  Bytes arriving;           ///< Sent by the other end, received here up to `arrived`.
  std::size_t arrived = 0;  ///< In bytes of `arriving`.
  bool is_open = true;      ///< This end has not closed.
  bool is_frozen = false;   ///< Nothing arrives here, not even that the other end closed.
};

/// All connections of one test. Nothing happens, and no handler is called, but within step().
class MemoryNetwork {
 public:
  /// Bytes that one connection moves per step, so that much takes longer than little.
  static constexpr std::size_t bytes_per_step = std::size_t{64} << 10;

  /// One unit of time: each transport dials whom it misses, each connection moves some bytes.
  void step();
  std::uint64_t now() const { return now_; }

  /// Breaks the connections between two nodes; what was under way is lost.
  void cut(NodeId a, NodeId b);
  /// Lets the present connections between two nodes stand still, without breaking them.
  void freeze(NodeId a, NodeId b);
  std::size_t connections_between(NodeId a, NodeId b) const;

  // For the transports.
  void attach(const std::string& address, MemoryTransport& transport);
  void detach(MemoryTransport& transport);
  /// The dialler's end; null: nobody is there.
  std::shared_ptr<MemoryEnd> dial(const std::string& address, MemoryTransport& from,
                                  const Hello& own);

 private:
  using EndPtr = std::shared_ptr<MemoryEnd>;

  struct Pair {
    EndPtr dialler;
    EndPtr listener;
    std::set<NodeId> nodes;
    bool is_cut = false;  ///< Both ends are to be told.
  };

  static void deliver(const EndPtr& end, const MemoryEnd& other);
  static void tell_broken(const EndPtr& end);

  std::uint64_t now_ = 0;
  std::map<std::string, MemoryTransport*> listeners_;
  std::vector<Pair> pairs_;
};

/// The rules are those of the TCP transport; times are steps of the network.
class MemoryTransport final : public wire::Transport {
 public:
  MemoryTransport(MemoryNetwork& network, NodeId own, std::string address,
                  wire::TransportHandler& handler, wire::ConnectionMachine::Limits limits = {});
  ~MemoryTransport() override;
  MemoryTransport(const MemoryTransport&) = delete;
  MemoryTransport& operator=(const MemoryTransport&) = delete;

  void set_peers(const std::map<NodeId, std::string>& addresses) override;
  void send(GroupId group, const Message& message) override;
  void send(GroupId group, const ServiceMessage& message) override;
  void send_bulk(GroupId group, const ServiceMessage& message) override;
  void flush() override;
  bool is_connected(NodeId peer) const override;
  void introduce(const std::string& address, GroupId group, std::optional<ServiceBody> request,
                 util::UniqueFunction<void(Result<Introduction>)> done) override;

  // For the network.
  NodeId own() const { return own_; }
  wire::TransportHandler& handler() { return handler_; }
  const wire::ConnectionMachine::Limits& limits() const { return limits_; }
  void tick();
  void bytes_came(const std::shared_ptr<MemoryEnd>& end, BytesView bytes);
  void broken(const std::shared_ptr<MemoryEnd>& end);

 private:
  using EndPtr = std::shared_ptr<MemoryEnd>;

  struct Peer {
    bool is_named = false;
    std::string address;
    EndPtr handshake;  ///< Dialled and not yet established.
    EndPtr link;
    std::uint64_t redial_at = 0;
  };
  struct Waiting {
    GroupId group;
    ServiceMessage message;
  };
  struct Attempt {
    std::string address;
    GroupId group;
    std::optional<ServiceBody> request;
    util::UniqueFunction<void(Result<Introduction>)> done;
    std::uint64_t deadline = 0;
    EndPtr end{};
  };

  void handle(const EndPtr& end, wire::Event& event);
  void hello_received(const EndPtr& end, const Hello& hello);
  void established(const EndPtr& end);
  void service_received(const EndPtr& end, GroupId group, ServiceMessage message);
  void ended(const EndPtr& end, const wire::Closed* verdict);
  void control_ended(const EndPtr& end, const wire::Closed* verdict);

  void dial_peers();
  void dial_bulk();
  void dial_introductions();
  void tell_losses();
  void finish(std::vector<Attempt>::iterator attempt, Result<Introduction> result);
  std::vector<Attempt>::iterator attempt_of(const EndPtr& end);

  MemoryNetwork& network_;
  const NodeId own_;
  wire::TransportHandler& handler_;
  const wire::ConnectionMachine::Limits limits_;

  std::map<NodeId, Peer> peers_;
  std::set<NodeId> losses_to_tell_;
  std::map<NodeId, std::vector<Waiting>> questions_;  ///< For bulk connections yet to be made.
  std::map<NodeId, EndPtr> bulk_dialled_;
  std::map<NodeId, EndPtr> bulk_accepted_;
  std::vector<Attempt> attempts_;
};

}  // namespace raft::test
