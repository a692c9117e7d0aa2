// Inbound connections, until it is known what they are for.
#pragma once

#include <list>
#include <memory>

#include "sim/transport/bulk_links.hpp"
#include "sim/transport/connection.hpp"
#include "sim/transport/control_links.hpp"
#include "sim/transport/environment.hpp"

namespace raft::sim {

/// Few can be here at a time. Connections for an introduction stay: who only introduces itself is
/// a stranger.
class Reception final : public Acceptor, public Connection::Owner {
 public:
  Reception(TransportEnvironment& environment, ControlLinks& control, BulkLinks& bulk)
      : environment_(environment), control_(control), bulk_(bulk) {}

  void arrived(Socket socket) override;
  void close();

 private:
  struct Newcomer {
    std::shared_ptr<Connection> connection;
    bool has_asked = false;  ///< The one question of an introduction.
  };
  using Newcomers = std::list<Newcomer>;

  void hello_received(Connection& connection, const Hello& hello) override;
  void established(Connection& connection) override;
  void received(Connection& connection, GroupId group, Message&& message) override;
  void received(Connection& connection, GroupId group, ServiceMessage&& message) override;
  void closed(Connection& connection, const Ending& ending) override;

  Newcomers::iterator find(const Connection& connection);

  TransportEnvironment& environment_;
  ControlLinks& control_;
  BulkLinks& bulk_;
  Newcomers newcomers_;  ///< The oldest first.
};

}  // namespace raft::sim
