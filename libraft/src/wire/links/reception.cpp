#include "wire/links/reception.hpp"

#include <algorithm>
#include <utility>

namespace raft::wire {

void Reception::arrived(Opened opened) {
  if (newcomers_.size() >= environment_.rules().newcomers_max) send_away_oldest();
  // Purpose and target are the dialler's to say.
  const Hello own = environment_.handler().hello(Purpose::control, NodeId{});
  newcomers_.push_back({opened(own, *this)});
}

// A peer says hello at once. Whoever has been here longest is the least likely to be one.
void Reception::send_away_oldest() {
  Connection& oldest = *newcomers_.front().connection;
  log("full" + oldest.remote_host(),
      "sent away " + oldest.remote() + ": too many connections without a hello");
  oldest.close();
  newcomers_.pop_front();
}

void Reception::close() {
  for (Newcomer& newcomer : newcomers_) newcomer.connection->close();
  newcomers_.clear();
}

void Reception::hello_received(Connection& connection, const Hello& hello) {
  if (const auto refused = environment_.handler().judge(hello)) return connection.refuse(*refused);
  if (hello.purpose == Purpose::introduce) return connection.accept();
  const bool is_taken =
      hello.purpose == Purpose::control ? control_.adopt(connection) : bulk_.adopt(connection);
  if (is_taken) newcomers_.erase(find(connection));
}

void Reception::established(Connection& connection) {
  // The other side had its own deadline running before this one, and closes first.
  connection.limit_life(environment_.rules().introduce_timeout, "the introduction took too long");
}

// The machine lets only service messages through on an introduction.
void Reception::received(Connection& connection, GroupId, Message&&) { connection.close(); }

void Reception::received(Connection& connection, GroupId group, ServiceMessage&& message) {
  const auto newcomer = find(connection);
  if (newcomer->has_asked) {
    log("second question" + connection.remote_host(),
        "closed the connection of " + connection.remote() +
            ": a second question in one introduction");
    connection.close();
    newcomers_.erase(newcomer);
    return;
  }
  newcomer->has_asked = true;
  environment_.handler().received(group, std::move(message), connection.make_reply());
}

void Reception::closed(Connection& connection, const Ending& ending) {
  newcomers_.erase(find(connection));
  if (!ending.verdict) return;
  log(ending.kind() + connection.remote_host(),
      "connection from " + connection.remote() + " ended: " + ending.text);
}

Reception::Newcomers::iterator Reception::find(const Connection& connection) {
  return std::find_if(newcomers_.begin(), newcomers_.end(), [&](const Newcomer& newcomer) {
    return newcomer.connection.get() == &connection;
  });
}

void Reception::log(const std::string& kind, const std::string& line) {
  const auto passed = throttle_.pass(kind, line, environment_.now());
  if (passed) RAFT_LOG(environment_.log(), warning, *passed);
}

}  // namespace raft::wire
