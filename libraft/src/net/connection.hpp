// One TCP connection that drives a wire::ConnectionMachine.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <libraft/types.hpp>
#include "net/environment.hpp"
#include "wire/connection_machine.hpp"
#include "wire/links/connection.hpp"
#include "wire/links/ending.hpp"

namespace raft::net {

/// Moves bytes between a socket and a machine. Its pending handlers keep it alive, and once it is
/// over they touch neither owner nor environment, which need not outlive them.
///
/// Reading is one receive at a time into one buffer. Writing is one send at a time of all that
/// has gathered since the last, tried at once before the system is asked to say when.
class Connection final : public wire::Connection {
 public:
  /// The socket is open. A dialler's hello leaves as soon as the connection is begun.
  static wire::Opened opened(Environment& environment, boost::asio::ip::tcp::socket socket,
                             Side side);

  Connection(Environment&, boost::asio::ip::tcp::socket, Side, const Hello& own, Owner&);

  void send(GroupId group, const Message& message) override { queue(group, message); }
  void send(GroupId group, const ServiceMessage& message) override { queue(group, message); }
  void flush() override;
  void close() override;
  void limit_life(Duration limit, std::string why) override;
  void limit_idleness(Duration limit, std::string why) override;

 private:
  void begin();
  std::shared_ptr<Connection> shared();

  template <class AnyMessage>
  void queue(GroupId group, const AnyMessage& message);

  void handshake_ended() override;
  void machine_closed(wire::Closed verdict) override;

  void read();
  void bytes_came(std::size_t count);

  void write();
  void write_rest();
  void bytes_went(std::size_t count);

  void say_farewell();
  void end(const wire::Ending& ending);

  void lift_limit();
  void wait_for_limit();
  void limit_reached();
  void watch_frames();
  bool is_deaf() const;

  Environment& environment_;
  boost::asio::ip::tcp::socket socket_;
  bool was_established_ = false;

  std::vector<char> input_;  ///< Small until the other side has shown who it is.

  Bytes output_;  ///< What is being sent, of which the system has `sent_` bytes.
  std::size_t sent_ = 0;
  bool is_writing_ = false;  ///< A send is under way that the system could not take at once.

  /// The other side reads why it was refused, and then closes. Until then the connection is kept:
  /// closing it earlier could destroy what is on the way.
  std::optional<wire::Ending> farewell_;

  boost::asio::steady_timer limit_;
  Duration idleness_max_{0};  ///< 0: `limit_` is not about idleness.
  bool was_active_ = false;   ///< Since `limit_` was set.
  std::string limit_reason_;

  boost::asio::steady_timer watch_;  ///< For a frame that does not come to its end.
  wire::ConnectionMachine::Reading watched_;
};

}  // namespace raft::net
