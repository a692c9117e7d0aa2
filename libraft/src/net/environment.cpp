#include "net/environment.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

#include "net/connection.hpp"
#include "net/dial.hpp"

namespace raft::net {

Environment::Environment(boost::asio::any_io_executor strand, NodeId own, const TcpOptions& options,
                         wire::TransportHandler& handler, util::Log log)
    : LinkEnvironment(own, options, handler, std::move(log)),
      executor_(std::move(strand)),
      farewell_timeout_(options.farewell_timeout) {}

Duration Environment::now() const { return std::chrono::steady_clock::now().time_since_epoch(); }

void Environment::after(Duration delay, util::UniqueFunction<void()> function) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(executor_, delay);
  timers_.push_back(timer);
  timer->async_wait([this, weak = std::weak_ptr(timer),
                     function = std::move(function)](const boost::system::error_code&) mutable {
    // A wait that had just ended when the transport was closed comes here without an error.
    const auto alive = weak.lock();
    if (!alive) return;
    std::erase(timers_, alive);
    function();
  });
}

std::shared_ptr<wire::Dial> Environment::dial(const std::string& address, Duration pause,
                                              Dialled done) {
  return Dial::start(
      executor_, address, {pause, rules().connect_timeout},
      [this, done = std::move(done)](Result<boost::asio::ip::tcp::socket> socket) mutable {
        if (!socket) return done(socket.error());
        done(Connection::opened(*this, *std::move(socket), Connection::Side::dialler));
      });
}

}  // namespace raft::net
