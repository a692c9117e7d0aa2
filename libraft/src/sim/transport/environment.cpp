#include "sim/transport/environment.hpp"

#include <utility>

#include "sim/transport/connection.hpp"

namespace raft::sim {

TransportEnvironment::TransportEnvironment(Network& network, Loop& loop, NodeId own,
                                           const wire::LinkRules& rules,
                                           wire::TransportHandler& handler)
    : LinkEnvironment(own, rules, handler, util::Log{}),
      network_(network),
      loop_(loop),
      random_(network.new_seed()) {}

void TransportEnvironment::attach(const std::string& address, Acceptor& acceptor) {
  port_ = network_.attach(own(), address, loop_, acceptor);
}

void TransportEnvironment::after(Duration delay, util::UniqueFunction<void()> function) {
  loop_.after(delay, std::move(function));
}

std::shared_ptr<wire::Dial> TransportEnvironment::dial(const std::string& address, Duration pause,
                                                       Dialled done) {
  return network_.dial(
      port_, address, {pause, rules().connect_timeout},
      [this, done = std::move(done)](Result<Socket> socket) mutable {
        if (!socket) return done(socket.error());
        done(Connection::opened(*this, *std::move(socket), Connection::Side::dialler));
      });
}

}  // namespace raft::sim
