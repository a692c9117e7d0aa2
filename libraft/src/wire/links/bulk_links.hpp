// The connections on which the bytes of snapshots travel, apart from everything urgent.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <libraft/types.hpp>
#include "wire/links/backoff.hpp"
#include "wire/links/connection.hpp"
#include "wire/links/control_links.hpp"
#include "wire/links/link_environment.hpp"

namespace raft::wire {

/// Whoever asks for chunks dials; the answers come back on that connection. Two nodes that ask
/// each other have two. What cannot be sent is dropped: the receiver of a snapshot asks again.
class BulkLinks final : public Connection::Owner {
 public:
  BulkLinks(LinkEnvironment& environment, const ControlLinks& control)
      : environment_(environment), control_(control) {}

  void send(GroupId group, const ServiceMessage& message);
  void flush();
  void close();

  /// Takes over an inbound connection whose hello was welcome, and accepts it. False: there is no
  /// room; it was refused and stays its owner's.
  bool adopt(Connection& connection);

 private:
  struct Waiting {
    GroupId group;
    ServiceMessage message;
  };
  struct Outgoing {
    explicit Outgoing(const LinkRules& rules) : backoff({rules.redial_first, rules.redial_max}) {}

    // At most one of these three is set.
    std::shared_ptr<Dial> dial;
    std::shared_ptr<Connection> handshake;
    std::shared_ptr<Connection> link;

    std::vector<Waiting> waiting;  ///< For the link.
    Backoff backoff;
    Duration not_dialled_before{0};
  };

  void hello_received(Connection& connection, const Hello& hello) override;
  void established(Connection& connection) override;
  void received(Connection& connection, GroupId group, Message&& message) override;
  void received(Connection& connection, GroupId group, ServiceMessage&& message) override;
  void closed(Connection& connection, const Ending& ending) override;

  void ask(GroupId group, const ServiceMessage& message);
  void answer(GroupId group, const ServiceMessage& message);
  void dial(NodeId id, Outgoing& outgoing);
  void dialled(NodeId id, Result<Opened> opened);
  void failed(NodeId id, Outgoing& outgoing, const std::string& why);

  LinkEnvironment& environment_;
  const ControlLinks& control_;  ///< Knows addresses and who is a stranger.
  std::map<NodeId, Outgoing> outgoing_;
  std::map<NodeId, std::shared_ptr<Connection>> incoming_;
};

}  // namespace raft::wire
