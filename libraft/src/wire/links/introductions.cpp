#include "wire/links/introductions.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "util/assert.hpp"

namespace raft::wire {

void Introductions::start(const std::string& address, GroupId group,
                          std::optional<ServiceBody> request, Done done) {
  const std::uint64_t number = ++last_number_;
  Attempt& attempt =
      attempts_.emplace(number, Attempt{address, group, std::move(request), std::move(done)})
          .first->second;
  environment_.after(environment_.rules().introduce_timeout,
                     [this, number] { deadline_came(number); });
  attempt.dial = environment_.dial(address, Duration{0}, [this, number](Result<Opened> opened) {
    dialled(number, std::move(opened));
  });
}

void Introductions::close() {
  for (auto& [number, attempt] : std::exchange(attempts_, {})) {
    if (attempt.dial) attempt.dial->cancel();
    if (attempt.connection) attempt.connection->close();
  }
}

// It also comes for attempts that have long ended.
void Introductions::deadline_came(std::uint64_t number) {
  const auto found = attempts_.find(number);
  if (found != attempts_.end()) fail(found, Errc::timed_out, "no answer in time");
}

void Introductions::dialled(std::uint64_t number, Result<Opened> opened) {
  const auto attempt = attempts_.find(number);  // Ended attempts have cancelled their dial.
  attempt->second.dial = nullptr;
  if (!opened) return fail(attempt, opened.code(), opened.error().detail);
  attempt->second.connection =
      (*opened)(environment_.handler().hello(Purpose::introduce, NodeId{}), *this);
}

void Introductions::hello_received(Connection& connection, const Hello& hello) {
  if (const auto refused = environment_.handler().judge(hello)) return connection.refuse(*refused);
  connection.accept();
}

void Introductions::established(Connection& connection) {
  const auto attempt = attempt_of(connection);
  if (!attempt->second.request) {
    return finish(attempt, Introduction{*connection.peer(), std::nullopt});
  }
  connection.send(attempt->second.group,
                  ServiceMessage{environment_.own(), connection.node(), *attempt->second.request});
  connection.flush();
}

// The machine lets only service messages through.
void Introductions::received(Connection& connection, GroupId, Message&&) { connection.close(); }

void Introductions::received(Connection& connection, GroupId, ServiceMessage&& message) {
  const auto attempt = attempt_of(connection);
  auto* reply = std::get_if<ServiceReply>(&message.body);
  if (reply == nullptr) {
    return fail(attempt, Errc::conflict,
                std::string("answered with a ") + name_of(message.body) + " instead of a reply");
  }
  finish(attempt, Introduction{*connection.peer(), std::move(*reply)});
}

void Introductions::closed(Connection& connection, const Ending& ending) {
  fail(attempt_of(connection), ending.is_refusal() ? Errc::conflict : Errc::timed_out, ending.text);
}

void Introductions::fail(Attempts::iterator attempt, Errc code, const std::string& why) {
  finish(attempt, Error{code, "no introduction to " + attempt->second.address + ": " + why});
}

void Introductions::finish(Attempts::iterator attempt, Result<Introduction> result) {
  auto node = attempts_.extract(attempt);
  Attempt& ended = node.mapped();
  if (ended.dial) ended.dial->cancel();
  if (ended.connection) ended.connection->close();
  ended.done(std::move(result));
}

Introductions::Attempts::iterator Introductions::attempt_of(const Connection& connection) {
  const auto found = std::find_if(attempts_.begin(), attempts_.end(), [&](const auto& item) {
    return item.second.connection.get() == &connection;
  });
  RAFT_ASSERT(found != attempts_.end());
  return found;
}

}  // namespace raft::wire
