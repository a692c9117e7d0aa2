#include "sim/simulated_transport.hpp"

#include <utility>

#include "sim/transport/connection.hpp"

namespace raft::sim {
namespace {

wire::LinkRules rules_with(const wire::ConnectionMachine::Limits& limits) {
  wire::LinkRules rules;
  rules.limits = limits;
  return rules;
}

}  // namespace

SimulatedTransport::SimulatedTransport(Network& network, Loop& loop, NodeId own,
                                       const std::string& address, wire::TransportHandler& handler,
                                       const wire::ConnectionMachine::Limits& limits)
    : environment_(network, loop, own, rules_with(limits), handler),
      control_(environment_),
      bulk_(environment_, control_),
      introductions_(environment_),
      reception_(environment_, control_, bulk_) {
  environment_.attach(address, *this);
}

// The network first: whether the others learn at once that the process is gone is its decision.
SimulatedTransport::~SimulatedTransport() {
  environment_.detach();
  reception_.close();
  introductions_.close();
  bulk_.close();
  control_.close();
}

void SimulatedTransport::arrived(Socket socket) {
  reception_.arrived(
      Connection::opened(environment_, std::move(socket), Connection::Side::listener));
}

void SimulatedTransport::set_peers(const std::map<NodeId, std::string>& addresses) {
  control_.set_peers(addresses);
}

void SimulatedTransport::send(GroupId group, const Message& message) {
  control_.send(group, message);
}

void SimulatedTransport::send(GroupId group, const ServiceMessage& message) {
  control_.send(group, message);
}

void SimulatedTransport::send_bulk(GroupId group, const ServiceMessage& message) {
  bulk_.send(group, message);
}

void SimulatedTransport::flush() {
  control_.flush();
  bulk_.flush();
}

bool SimulatedTransport::is_connected(NodeId peer) const { return control_.is_connected(peer); }

void SimulatedTransport::introduce(const std::string& address, GroupId group,
                                   std::optional<ServiceBody> request,
                                   util::UniqueFunction<void(Result<Introduction>)> done) {
  introductions_.start(address, group, std::move(request), std::move(done));
}

}  // namespace raft::sim
