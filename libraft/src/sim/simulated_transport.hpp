// wire::Transport over the simulated network, for one life of one process.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "sim/events.hpp"
#include "sim/network.hpp"
#include "sim/transport/environment.hpp"
#include "wire/connection_machine.hpp"
#include "wire/links/bulk_links.hpp"
#include "wire/links/control_links.hpp"
#include "wire/links/introductions.hpp"
#include "wire/links/reception.hpp"
#include "wire/transport.hpp"

namespace raft::sim {

/// Its links are those of the TCP transport (net/tcp_transport.hpp), and one suite of tests holds
/// both to the same promises. The handler is called from events of the loop only, never from within
/// a call.
class SimulatedTransport final : public wire::Transport, private Acceptor {
 public:
  /// Listens at the address from now on. Network, loop and handler must outlive it.
  SimulatedTransport(Network& network, Loop& loop, NodeId own, const std::string& address,
                     wire::TransportHandler& handler,
                     const wire::ConnectionMachine::Limits& limits = {});
  /// The process has died. Its loop runs no more events.
  ~SimulatedTransport() override;
  SimulatedTransport(const SimulatedTransport&) = delete;
  SimulatedTransport& operator=(const SimulatedTransport&) = delete;

  void set_peers(const std::map<NodeId, std::string>& addresses) override;
  void send(GroupId group, const Message& message) override;
  void send(GroupId group, const ServiceMessage& message) override;
  void send_bulk(GroupId group, const ServiceMessage& message) override;
  void flush() override;
  bool is_connected(NodeId peer) const override;
  void introduce(const std::string& address, GroupId group, std::optional<ServiceBody> request,
                 util::UniqueFunction<void(Result<Introduction>)> done) override;

 private:
  void arrived(Socket socket) override;

  TransportEnvironment environment_;
  wire::ControlLinks control_;
  wire::BulkLinks bulk_;
  wire::Introductions introductions_;
  wire::Reception reception_;
};

}  // namespace raft::sim
