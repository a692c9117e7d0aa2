// wire::Transport over TCP.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <libraft/node.hpp>
#include "net/environment.hpp"
#include "net/listener.hpp"
#include "wire/links/bulk_links.hpp"
#include "wire/links/control_links.hpp"
#include "wire/links/introductions.hpp"
#include "wire/links/reception.hpp"
#include "wire/transport.hpp"

namespace raft::net {

/// Everything runs on one strand: calls come on it, and the handler is called on it, never from
/// within a call into the transport. Nothing blocks but listen() on a named host.
///
/// For each peer the handler is told connected(), again connected() whenever a newer connection
/// took the place of the present one, and lost() when it broke or set_peers() let the peer go.
/// Service messages on control connections come with an empty Reply: answers are sent like any
/// other message.
class TcpTransport final : public wire::Transport {
 public:
  /// `strand` is a strand, or the executor of a context that one thread runs. The handler must
  /// live until close().
  TcpTransport(boost::asio::any_io_executor strand, NodeId own, const TcpOptions& options,
               wire::TransportHandler& handler, util::Log log);
  /// Closes. On the strand, or while nobody runs it; not from within a call of the handler.
  ~TcpTransport() override;
  TcpTransport(const TcpTransport&) = delete;
  TcpTransport& operator=(const TcpTransport&) = delete;

  /// Takes connections at "host:port", once; port 0 takes a free one. A host is numeric or named;
  /// IPv6 stands in brackets. Errors: invalid_argument, naming the address and the reason.
  Result<void> listen(const std::string& address);
  /// Where it listens: the host as given, with the real port. Empty before listen().
  std::string local_address() const;

  TransportStatus status() const;

  /// Ends everything, and what is under way without a further call of the handler or of a
  /// function given to introduce(). Operations that the context has yet to complete are harmless
  /// from here on, whether it ever runs again or not. Later calls do nothing.
  void close();

  void set_peers(const std::map<NodeId, std::string>& addresses) override;
  void send(GroupId group, const Message& message) override;
  void send(GroupId group, const ServiceMessage& message) override;
  void send_bulk(GroupId group, const ServiceMessage& message) override;
  void flush() override;
  bool is_connected(NodeId peer) const override;
  /// Errors besides those of the interface: invalid_argument for an address that is none.
  void introduce(const std::string& address, GroupId group, std::optional<ServiceBody> request,
                 util::UniqueFunction<void(Result<Introduction>)> done) override;

 private:
  Environment environment_;
  wire::ControlLinks control_;
  wire::BulkLinks bulk_;
  wire::Introductions introductions_;
  wire::Reception reception_;
  std::shared_ptr<Listener> listener_;
  bool is_closed_ = false;
};

}  // namespace raft::net
