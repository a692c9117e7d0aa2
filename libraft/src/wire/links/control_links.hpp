// The one control connection with each peer: made, kept, and made again.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <libraft/types.hpp>
#include "util/log_throttle.hpp"
#include "wire/links/backoff.hpp"
#include "wire/links/connection.hpp"
#include "wire/links/link_environment.hpp"

namespace raft::wire {

/// How it stands with one peer.
struct PeerLink {
  NodeId node;
  std::string address;  ///< What to dial to reach it.
  bool is_connected = false;
  std::string last_error;  ///< Why the last attempt or connection ended; empty: it never did.
};

/// Both nodes of a pair dial, so that one which can only be reached from one side is reached at
/// all. When both get through, both ends keep the same connection (replaces()).
class ControlLinks final : public Connection::Owner {
 public:
  explicit ControlLinks(LinkEnvironment& environment) : environment_(environment) {}

  void set_peers(const std::map<NodeId, std::string>& addresses);
  template <class AnyMessage>
  void send(GroupId group, const AnyMessage& message);
  void flush();
  /// Ends all of them without a call of the handler.
  void close();

  bool is_connected(NodeId node) const;
  /// What to dial to reach the node; empty: not known.
  std::string address_of(NodeId node) const;
  bool is_named(NodeId node) const;
  std::vector<PeerLink> status() const;

  /// Takes over a connection whose hello was welcome: accepts it, or closes it because the present
  /// link is to be kept. False: there is no room; it was refused and stays its owner's.
  bool adopt(Connection& connection);

 private:
  struct Peer {
    explicit Peer(const LinkRules& rules);

    bool is_named = false;  ///< By set_peers(); otherwise here only while it has a link.
    std::string address;    ///< Empty while not named.

    // Of these, dial and handshake are never both set; each may be beside a link.
    std::shared_ptr<Dial> dial;             ///< Waiting or connecting.
    std::shared_ptr<Connection> handshake;  ///< Dialled and not yet established.
    std::shared_ptr<Connection> link;       ///< What messages travel on.

    Duration linked_at{0};
    std::optional<Duration> redialled_at_once_at;
    Backoff backoff;
    Backoff refused_backoff;
    std::string last_error;
  };

  void hello_received(Connection& connection, const Hello& hello) override;
  void established(Connection& connection) override;
  void received(Connection& connection, GroupId group, Message&& message) override;
  void received(Connection& connection, GroupId group, ServiceMessage&& message) override;
  void closed(Connection& connection, const Ending& ending) override;

  void dial(NodeId id, Peer& peer, Duration pause);
  void dialled(NodeId id, Result<Opened> opened);
  Duration pause_after(Peer& peer, const Ending& ending, bool was_linked);

  bool is_wanted(const Hello& hello, Connection::Side side) const;
  bool has_room_for(NodeId node) const;
  static void stop_dialling(Peer& peer);
  void let_go(NodeId id, Peer& peer);
  void tell_losses();

  void log_connected(NodeId id, const Peer& peer);
  void log_failure(NodeId id, const Peer& peer, const char* what, const std::string& kind);

  LinkEnvironment& environment_;
  std::map<NodeId, Peer> peers_;
  std::set<NodeId> losses_to_tell_;  ///< Links closed by a call of the node, told in a later turn.
  // Not of a peer each: whoever makes up a new id for each connection would have a new one.
  util::LogThrottle failures_throttle_{std::chrono::seconds(10)};
  util::LogThrottle connected_throttle_{std::chrono::seconds(1)};
};

}  // namespace raft::wire
