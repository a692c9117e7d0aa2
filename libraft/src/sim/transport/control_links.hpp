// The one control connection with each peer: made, kept, and made again.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <libraft/types.hpp>
#include "sim/network/dial.hpp"
#include "sim/transport/connection.hpp"
#include "sim/transport/environment.hpp"

namespace raft::sim {

/// Both nodes of a pair dial. When both get through, both ends keep the same connection
/// (wire::replaces).
class ControlLinks final : public Connection::Owner {
 public:
  explicit ControlLinks(TransportEnvironment& environment) : environment_(environment) {}

  void set_peers(const std::map<NodeId, std::string>& addresses);
  template <class AnyMessage>
  void send(GroupId group, const AnyMessage& message);
  void flush();
  void close();

  bool is_connected(NodeId node) const;
  /// What to dial to reach the node; empty: not known.
  std::string address_of(NodeId node) const;
  bool is_named(NodeId node) const;

  /// Takes over a connection whose hello was welcome: accepts it, or closes it because the present
  /// link is to be kept. False: there is no room; it was refused and stays its owner's.
  bool adopt(Connection& connection);

 private:
  struct Peer {
    bool is_named = false;  ///< By set_peers(); otherwise here only while it has a link.
    std::string address;    ///< Empty while not named.

    // Of these, dial and handshake are never both set; each may be beside a link.
    std::shared_ptr<Dial> dial;             ///< Waiting or connecting.
    std::shared_ptr<Connection> handshake;  ///< Dialled and not yet established.
    std::shared_ptr<Connection> link;       ///< What messages travel on.

    Duration linked_at{0};
    std::optional<Duration> redialled_at_once_at;
    Backoff backoff{TransportRules::redial_first, TransportRules::redial_max};
    Backoff refused_backoff{TransportRules::refused_redial_first,
                            TransportRules::refused_redial_max};
  };

  void hello_received(Connection& connection, const Hello& hello) override;
  void established(Connection& connection) override;
  void received(Connection& connection, GroupId group, Message&& message) override;
  void received(Connection& connection, GroupId group, ServiceMessage&& message) override;
  void closed(Connection& connection, const Ending& ending) override;

  void dial(NodeId id, Peer& peer, Duration pause);
  void dialled(NodeId id, Result<Socket> socket);
  Duration pause_after(Peer& peer, const Ending& ending, bool was_linked);

  bool is_wanted(const Hello& hello, Connection::Side side) const;
  bool has_room_for(NodeId node) const;
  static void stop_dialling(Peer& peer);
  void let_go(NodeId id, Peer& peer);
  void tell_losses();

  TransportEnvironment& environment_;
  std::map<NodeId, Peer> peers_;
  std::set<NodeId> losses_to_tell_;  ///< Links closed by a call of the node, told in a later event.
};

}  // namespace raft::sim
