#include <libraft/node.hpp>

#include <boost/asio/dispatch.hpp>
#include <utility>

#include "net/address.hpp"
#include "node/node_impl.hpp"

namespace raft {

Result<std::unique_ptr<Node>> Node::open(Executor executor, NodeOptions options) {
  if (!options.id) return Error{Errc::invalid_argument, "a node's id is 1 or more"};
  if (options.data_dir.empty()) return Error{Errc::invalid_argument, "data_dir is empty"};
  if (options.advertise.empty()) {
    const Result<net::Address> address = net::parse_address(options.listen);
    if (!address) return address.error();
    if (address->host == "0.0.0.0" || address->host == "::") {
      return Error{Errc::invalid_argument,
                   "nobody can dial " + options.listen + ": say in advertise what others dial"};
    }
  }
  util::Log log(options.log, options.log_level);
  auto directory = node::DataDirectory::open(options, log.named("storage"));
  if (!directory) return directory.error();
  auto impl = std::make_unique<Impl>(std::move(executor), std::move(options), std::move(log),
                                     *std::move(directory));
  if (const auto listening = impl->listen(); !listening) return listening.error();
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Node::~Node() = default;

Result<Group*> Node::start_group(GroupOptions options, StateMachine& machine) {
  return impl_->start_group(options, machine);
}

void Node::start_stop(
    Duration grace, boost::asio::any_completion_handler<void(boost::system::error_code)> handler) {
  node::Call<> call(std::move(handler), impl_->strand());
  boost::asio::dispatch(impl_->strand(), [impl = impl_.get(), alive = impl_->alive(), grace,
                                          call = std::move(call)]() mutable {
    if (alive.expired()) return call.complete_later(Errc::stopped);
    impl->stop(grace, std::move(call));
  });
}

Node::Executor Node::executor() const { return impl_->strand(); }
NodeIdentity Node::identity() const { return impl_->identity(); }
std::string Node::address() const { return impl_->address(); }
TransportStatus Node::transport_status() const { return impl_->transport_status(); }

}  // namespace raft
