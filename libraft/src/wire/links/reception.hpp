// Inbound connections, until it is known what they are for.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "util/log_throttle.hpp"
#include "wire/links/bulk_links.hpp"
#include "wire/links/connection.hpp"
#include "wire/links/control_links.hpp"
#include "wire/links/link_environment.hpp"

namespace raft::wire {

/// Anyone may connect; few can be here at a time, so that a crowd of strangers neither fills the
/// memory nor keeps the peers out. Connections for an introduction stay here: who only introduces
/// itself is a stranger as well.
class Reception final : public Connection::Owner {
 public:
  Reception(LinkEnvironment& environment, ControlLinks& control, BulkLinks& bulk)
      : environment_(environment), control_(control), bulk_(bulk) {}

  void arrived(Opened opened);
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
  void send_away_oldest();
  void log(const std::string& kind, const std::string& line);

  LinkEnvironment& environment_;
  ControlLinks& control_;
  BulkLinks& bulk_;
  Newcomers newcomers_;  ///< The oldest first.
  util::LogThrottle throttle_{std::chrono::seconds(10)};
};

}  // namespace raft::wire
