// The place of one process on the network.
#pragma once

#include <libraft/types.hpp>
#include "sim/events.hpp"

namespace raft::sim {

class Socket;

/// A process that takes connections. Its calls come as events of the process.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  virtual void arrived(Socket socket) = 0;
};

/// For one life of the process.
struct Port {
  const NodeId node;
  Loop& loop;          ///< Neither this
  Acceptor& acceptor;  ///< nor this is used after the process has been detached.
  bool is_attached = true;
};

}  // namespace raft::sim
