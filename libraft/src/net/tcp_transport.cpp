#include "net/tcp_transport.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "net/connection.hpp"

namespace raft::net {

TcpTransport::TcpTransport(boost::asio::any_io_executor strand, NodeId own,
                           const TcpOptions& options, wire::TransportHandler& handler,
                           util::Log log)
    : environment_(std::move(strand), own, options, handler, std::move(log)),
      control_(environment_),
      bulk_(environment_, control_),
      introductions_(environment_),
      reception_(environment_, control_, bulk_),
      listener_(std::make_shared<Listener>(
          environment_.executor(),
          [this](boost::asio::ip::tcp::socket socket) {
            reception_.arrived(
                Connection::opened(environment_, std::move(socket), Connection::Side::listener));
          },
          environment_.log())) {}

TcpTransport::~TcpTransport() { close(); }

Result<void> TcpTransport::listen(const std::string& address) { return listener_->open(address); }

std::string TcpTransport::local_address() const { return listener_->address(); }

TransportStatus TcpTransport::status() const {
  const Traffic& traffic = environment_.traffic();
  TransportStatus status{{},
                         traffic.connections_refused,
                         traffic.frames_rejected,
                         traffic.bytes_sent,
                         traffic.bytes_received};
  for (wire::PeerLink& link : control_.status()) {
    status.peers.push_back(
        {link.node, std::move(link.address), link.is_connected, std::move(link.last_error)});
  }
  return status;
}

void TcpTransport::close() {
  is_closed_ = true;
  listener_->close();
  reception_.close();
  introductions_.close();
  bulk_.close();
  control_.close();
  environment_.close();
}

void TcpTransport::set_peers(const std::map<NodeId, std::string>& addresses) {
  if (!is_closed_) {
    control_.set_peers(addresses);
  }
}

void TcpTransport::send(GroupId group, const Message& message) { control_.send(group, message); }

void TcpTransport::send(GroupId group, const ServiceMessage& message) {
  control_.send(group, message);
}

void TcpTransport::send_bulk(GroupId group, const ServiceMessage& message) {
  if (!is_closed_) {
    bulk_.send(group, message);
  }
}

void TcpTransport::flush() {
  control_.flush();
  bulk_.flush();
}

bool TcpTransport::is_connected(NodeId peer) const { return control_.is_connected(peer); }

void TcpTransport::introduce(const std::string& address, GroupId group,
                             std::optional<ServiceBody> request,
                             util::UniqueFunction<void(Result<Introduction>)> done) {
  if (!is_closed_) {
    introductions_.start(address, group, std::move(request), std::move(done));
  }
}

}  // namespace raft::net
