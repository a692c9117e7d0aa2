// The way back of an answer on the connection that its question came on.
#pragma once

#include <memory>

#include "net/connection.hpp"
#include "wire/transport.hpp"

namespace raft::net {

/// Sends one answer, at once; nothing once the connection is gone.
inline wire::TransportHandler::Reply make_reply(Connection& connection) {
  return [weak = connection.weak_from_this()](GroupId group, ServiceMessage answer) {
    if (const auto alive = weak.lock()) {
      alive->send(group, answer);
      alive->flush();
    }
  };
}

}  // namespace raft::net
