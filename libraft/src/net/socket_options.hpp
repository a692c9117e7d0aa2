// What every socket of the transport is set to.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <libraft/types.hpp>

namespace raft::net {

/// For a connected socket: no delay, no blocking, not inherited by child processes, and broken by
/// the system once the other side has not answered for about `silence_max`, also while nothing is
/// sent. An option that the system refuses is left as it is: none is needed for correctness.
void prepare_stream(boost::asio::ip::tcp::socket& socket, Duration silence_max);

/// Keeps a listening port from living on in a child process of the user's program.
void close_on_exec(boost::asio::ip::tcp::acceptor& acceptor);

}  // namespace raft::net
