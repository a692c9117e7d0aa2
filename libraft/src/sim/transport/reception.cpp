#include "sim/transport/reception.hpp"

#include <algorithm>
#include <utility>

namespace raft::sim {

void Reception::arrived(Socket socket) {
  if (newcomers_.size() >= TransportRules::newcomers_max) {
    // A peer says hello at once. Whoever has been here longest is the least likely to be one.
    newcomers_.front().connection->close();
    newcomers_.pop_front();
  }
  // Purpose and target are the dialler's to say.
  const Hello own = environment_.handler.hello(Purpose::control, NodeId{});
  newcomers_.push_back(
      {Connection::start(environment_, std::move(socket), Connection::Side::listener, own, *this)});
}

void Reception::close() {
  for (Newcomer& newcomer : newcomers_) newcomer.connection->close();
  newcomers_.clear();
}

void Reception::hello_received(Connection& connection, const Hello& hello) {
  if (const auto refused = environment_.handler.judge(hello)) return connection.refuse(*refused);
  if (hello.purpose == Purpose::introduce) return connection.accept();
  const bool is_taken =
      hello.purpose == Purpose::control ? control_.adopt(connection) : bulk_.adopt(connection);
  if (is_taken) newcomers_.erase(find(connection));
}

void Reception::established(Connection& connection) {
  // The other side had its own deadline running before this one, and closes first.
  connection.limit_life(TransportRules::introduce_timeout, "the introduction took too long");
}

// The machine lets only service messages through on an introduction.
void Reception::received(Connection& connection, GroupId, Message&&) { connection.close(); }

void Reception::received(Connection& connection, GroupId group, ServiceMessage&& message) {
  const auto newcomer = find(connection);
  if (newcomer->has_asked) {
    connection.close();
    newcomers_.erase(newcomer);
    return;
  }
  newcomer->has_asked = true;
  environment_.handler.received(group, std::move(message), connection.make_reply());
}

void Reception::closed(Connection& connection, const Ending&) {
  newcomers_.erase(find(connection));
}

Reception::Newcomers::iterator Reception::find(const Connection& connection) {
  return std::find_if(newcomers_.begin(), newcomers_.end(), [&](const Newcomer& newcomer) {
    return newcomer.connection.get() == &connection;
  });
}

}  // namespace raft::sim
