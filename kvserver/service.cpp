#include "kvserver/service.hpp"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <libraft/error_code.hpp>
#include "kvserver/conditions.hpp"
#include "kvserver/key_wait.hpp"
#include "kvserver/listing.hpp"
#include "kvserver/metrics.hpp"
#include "kvserver/target.hpp"
#include "kvserver/watch_stream.hpp"

namespace kv {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Anything but an error of libraft, such as a cancelled operation, leaves the outcome open.
raft::Errc errc(error_code error) {
  if (error.category() != raft::raft_category()) return raft::Errc::unknown_outcome;
  return static_cast<raft::Errc>(error.value());
}

std::string_view to_string(raft::ReadLevel level) {
  switch (level) {
    case raft::ReadLevel::linearizable:
      return "linearizable";
    case raft::ReadLevel::lease:
      return "lease";
    case raft::ReadLevel::stale:
      return "stale";
  }
  return "unknown";
}

bool is_known(const Read& read, Index change_index) {
  return read.known_any ||
         std::find(read.known.begin(), read.known.end(), change_index) != read.known.end();
}

Response value_response(Style style, Item item) {
  Response response;
  response.content_type = style == Style::text ? text_plain : octet_stream;
  response.body = std::move(item.value);
  // A terminal's next prompt belongs on a line of its own.
  if (style == Style::text) response.body.push_back('\n');
  return response;
}

void add_freshness(Response& response, raft::ReadLevel level, Index applied) {
  response.headers.push_back({"X-KV-Consistency", std::string(to_string(level))});
  response.headers.push_back({"X-KV-Applied-Index", std::to_string(applied.value)});
}

Problem no_longer_held(Index oldest) {
  Problem problem{ProblemCode::compacted,
                  "changes are held from index " + raft::to_string(oldest) +
                      " on; read the present state, then watch from the index behind its "
                      "X-Raft-Index"};
  problem.oldest_index = oldest;
  return problem;
}

Problem no_member(raft::NodeId id) {
  return {ProblemCode::not_found,
          "node " + raft::to_string(id) + " is no member; GET /v1/cluster lists them"};
}

// One call of libraft that has no deadline of its own, and the client that waits for it.
struct Waiting {
  Waiting(const asio::any_io_executor& executor, Responder to)
      : timer(executor), respond(std::move(to)) {}

  void answer(Response response) {
    if (answered) return;
    answered = true;
    timer.cancel();
    respond(std::move(response));
  }

  asio::steady_timer timer;
  Responder respond;
  bool answered = false;
};

}  // namespace

// What of a request is still needed while its action is carried out.
struct Service::Exchange {
  const Request& request;
  Style style;
};

// The node that a change of the cluster is about.
struct Service::Subject {
  raft::NodeId id;
  std::string address{};  // Only of one that is to be added: where it is asked who it is.
};

Service::Service(Backend& backend, const RouteLimits& limits, const HttpCounters& counters)
    : backend_(backend),
      limits_(limits),
      counters_(counters),
      watchers_(backend.executor(), backend.changes()),
      started_(Clock::now()) {}

void Service::drain() {
  draining_ = true;
  watchers_.close();
}

void Service::serve(const Request& request, Responder respond) {
  Routed routed = route(request, limits_);
  respond.route = routed.route;
  const Exchange exchange{request, routed.style};
  std::visit([&](auto& action) { perform(exchange, std::move(action), std::move(respond)); },
             routed.action);
}

void Service::perform(const Exchange&, Respond action, Responder respond) {
  respond(std::move(action.response));
}

void Service::perform(const Exchange& exchange, Write action, Responder respond) {
  if (auto refusal = turn_away(exchange, action.redirect)) return respond(*std::move(refusal));
  raft::ProposeOptions options;
  options.session = std::move(action.session);
  options.deadline = action.timeout;
  Bytes command = std::move(action.command);
  auto done = [this, style = exchange.style, action = std::move(action),
               respond = std::move(respond), deadline = Clock::now() + options.deadline](
                  error_code error, const raft::Applied& applied) {
    // Only a failure needs to know what time it is.
    const bool late = error && Clock::now() >= deadline;
    respond(finish_write(style, action, error, applied, late));
  };
  backend_.propose(std::move(command), std::move(options),
                   asio::bind_executor(backend_.executor(), std::move(done)));
}

void Service::perform(const Exchange& exchange, Read action, Responder respond) {
  const ReadTerms terms = action.terms;
  when_fresh(exchange, terms, std::move(respond),
             [this, style = exchange.style, action = std::move(action)](Responder to) mutable {
               finish_read(style, std::move(action), std::move(to));
             });
}

void Service::perform(const Exchange& exchange, List action, Responder respond) {
  const ReadTerms terms = action.terms;
  when_fresh(exchange, terms, std::move(respond),
             [this, action = std::move(action)](Responder to) { to(page_of(action)); });
}

// Goes on once what this node has applied is fresh enough for an answer.
template <class Next>
void Service::when_fresh(const Exchange& exchange, const ReadTerms& terms, Responder respond,
                         Next next) {
  // Every node may give a stale answer, so there is no better one to redirect to.
  const bool is_stale = terms.level == raft::ReadLevel::stale;
  if (auto refusal = turn_away(exchange, terms.redirect && !is_stale)) {
    return respond(*std::move(refusal));
  }
  if (is_stale) return next(std::move(respond));
  auto done = [this, style = exchange.style, next = std::move(next),
               respond = std::move(respond)](error_code error) mutable {
    if (error) return respond(read_failure(style, error));
    next(std::move(respond));
  };
  backend_.read_barrier(terms.level, terms.timeout,
                        asio::bind_executor(backend_.executor(), std::move(done)));
}

// What this node applies, in its order: any node's answer is as good. But where "from now on"
// begins only the leader knows: this node may be about to apply what was acknowledged long ago.
void Service::perform(const Exchange& exchange, Watch action, Responder respond) {
  if (auto refusal = turn_away(exchange, false)) return respond(*std::move(refusal));
  if (action.from) return watch(std::move(action), std::move(respond));
  const raft::Duration timeout = action.timeout;
  behind_barrier(timeout, std::move(respond),
                 [this, action = std::move(action)](raft::Duration, Responder to) mutable {
                   action.from = watchers_.history().next();
                   watch(std::move(action), std::move(to));
                 });
}

void Service::watch(Watch watch, Responder respond) {
  if (auto refusal = turn_away_watcher(Style::json)) return respond(*std::move(refusal));
  const Index from = *watch.from;
  if (const Index oldest = watchers_.history().oldest(); from < oldest) {
    return respond(to_response(no_longer_held(oldest), Style::json));
  }
  Response response;
  response.content_type = content_type(watch.format);
  response.headers.push_back({"X-KV-Watch-From", std::to_string(from.value)});
  response.stream = std::make_shared<WatchStream>(
      watchers_, events_, KeyFilter{std::move(watch.prefix), true}, from, watch.format);
  respond(std::move(response));
}

std::optional<Response> Service::turn_away_watcher(Style style) const {
  if (watchers_.size() < limits_.watchers_max) return std::nullopt;
  return to_response({ProblemCode::overloaded, "too many watches and long polls are open"}, style);
}

void Service::perform(const Exchange& exchange, AddMember action, Responder respond) {
  if (auto refusal = turn_away(exchange, false)) return respond(*std::move(refusal));
  const raft::Duration timeout = action.timeout;
  behind_barrier(timeout, std::move(respond),
                 [this, member = std::move(action.member)](raft::Duration left, Responder to) {
                   add(member, left, std::move(to));
                 });
}

void Service::add(raft::Member member, raft::Duration timeout, Responder respond) {
  if (auto refusal = keep_voter(member)) return respond(*std::move(refusal));
  Subject newcomer{member.id, member.address};
  Response success = json_response(201, "{\"id\":" + raft::to_string(newcomer.id) + "}\n");
  backend_.add_member(std::move(member),
                      within(timeout, std::move(success), std::move(respond), std::move(newcomer)));
}

void Service::perform(const Exchange& exchange, RemoveMember action, Responder respond) {
  if (auto refusal = turn_away(exchange, false)) return respond(*std::move(refusal));
  behind_barrier(action.timeout, std::move(respond),
                 [this, id = action.id](raft::Duration left, Responder to) {
                   remove(id, left, std::move(to));
                 });
}

// libraft takes it for done when there is nobody to remove.
void Service::remove(raft::NodeId id, raft::Duration timeout, Responder respond) {
  if (!is_member(id)) return respond(to_response(no_member(id), Style::json));
  Response success;
  success.status = 204;
  backend_.remove_member(id, within(timeout, std::move(success), std::move(respond), {id}));
}

void Service::perform(const Exchange& exchange, TransferLeadership action, Responder respond) {
  if (auto refusal = turn_away(exchange, false)) return respond(*std::move(refusal));
  Response success;
  success.status = 204;
  backend_.transfer_leadership(
      action.to, within(action.timeout, std::move(success), std::move(respond), {action.to}));
}

void Service::perform(const Exchange&, Show action, Responder respond) {
  Facts now = facts();
  switch (action) {
    case Show::status:
      now.free_bytes = backend_.free_bytes();
      return respond(status_document(now));
    case Show::cluster:
      return respond(cluster_document(now));
    case Show::leader:
      return respond(leader_document(now));
    case Show::join:
      return respond(join_document(now));
    case Show::live:
      return respond(live_document(now));
    case Show::ready:
      return respond(ready_document(now));
    case Show::health:
      return respond(health_document(now));
    case Show::metrics:
      break;
  }
  Response response = text_response(200, metrics_text(now, counters_));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  respond(std::move(response));
}

// A reply if this node is not the one to carry the request out.
std::optional<Response> Service::turn_away(const Exchange& exchange, bool redirect) const {
  if (draining_) {
    return to_response({ProblemCode::draining, "ask another node"}, exchange.style);
  }
  if (!redirect) return std::nullopt;
  const Position position = backend_.position();
  if (position.leader == position.self && position.leader) return std::nullopt;
  const std::string leader = position.leader ? backend_.http_address(position.leader) : "";
  return redirect_to(leader, exchange.request, exchange.style);
}

Response Service::redirect_to(const std::string& leader, const Request& request,
                              Style style) const {
  const auto target = split_target(request.target);
  if (leader.empty() || !target) {
    return failure(style, raft::make_error_code(raft::Errc::no_leader), {});
  }
  // The parser let no control bytes through; what is not ASCII has no place in a header either.
  std::string location = "http://" + leader;
  for (const char c :
       std::string_view(request.target)
           .substr(static_cast<std::size_t>(target->path.data() - request.target.data()))) {
    if (c > 0x20 && c < 0x7f) {
      location.push_back(c);
    } else {
      location += percent_encode({&c, 1});
    }
  }
  Response response;
  response.status = 307;
  response.headers.push_back({"Location", std::move(location)});
  return response;
}

// Goes on, with what is left of the time, once this node knows of every change of the membership
// that was complete before: a follower may be far behind.
template <class Next>
void Service::behind_barrier(raft::Duration timeout, Responder respond, Next next) {
  auto done = [this, next = std::move(next), respond = std::move(respond),
               until = Clock::now() + timeout](error_code error) mutable {
    if (error) return respond(failure(Style::json, error, {.is_write = false}));
    next(until - Clock::now(), std::move(respond));
  };
  backend_.read_barrier(raft::ReadLevel::linearizable, timeout,
                        asio::bind_executor(backend_.executor(), std::move(done)));
}

// A handler that answers with `success` or with the error, and a timer that gives up waiting.
Backend::Changed Service::within(raft::Duration timeout, Response success, Responder respond,
                                 Subject subject) {
  auto waiting = std::make_shared<Waiting>(backend_.executor(), std::move(respond));
  waiting->timer.expires_after(timeout);
  waiting->timer.async_wait([this, waiting](error_code cancelled) {
    if (cancelled) return;
    const auto error = raft::make_error_code(raft::Errc::unknown_outcome);
    waiting->answer(failure(Style::json, error, {.deadline_passed = true}));
  });
  auto done = [this, waiting, subject = std::move(subject), success = std::move(success)](
                  error_code error, const std::string& why) {
    if (!error) return waiting->answer(success);
    if (const auto problem = problem_with(subject, errc(error), why)) {
      return waiting->answer(to_response(*problem, Style::json));
    }
    waiting->answer(failure(Style::json, error, {.why = why}));
  };
  return asio::bind_executor(backend_.executor(), std::move(done));
}

// What is wrong with the very node, rather than with the cluster. Nothing has been changed then.
std::optional<Problem> Service::problem_with(const Subject& subject, raft::Errc error,
                                             const std::string& why) const {
  const std::string id = raft::to_string(subject.id);
  const bool is_to_be_added = !subject.address.empty();
  if (error == raft::Errc::id_taken) {
    return Problem{ProblemCode::id_taken,
                   (why.empty() ? "node " + id + " belongs to another instance" : why) +
                       "; to give the id " + id + " away: DELETE /v1/cluster/members/" + id};
  }
  if (error == raft::Errc::timed_out && is_to_be_added) {
    return Problem{ProblemCode::conflict, "node " + id + " does not answer at " + subject.address +
                                              (why.empty() ? "" : " (" + why + ")") +
                                              "; start it there first, with --join=wait"};
  }
  if (error == raft::Errc::invalid_argument && !is_to_be_added && subject.id &&
      !is_member(subject.id)) {
    return no_member(subject.id);
  }
  return std::nullopt;
}

// Whoever is a voter stays one when it is added again, so "created" would be wrong.
std::optional<Response> Service::keep_voter(const raft::Member& member) const {
  const raft::Status status = backend_.status();
  const raft::Member* present = status.membership.membership->find(member.id);
  if (member.promote || present == nullptr || present->role != raft::Role::voter) {
    return std::nullopt;
  }
  return to_response(
      {ProblemCode::conflict, "node " + raft::to_string(member.id) +
                                  " is a voter and cannot be added as a learner; remove it first"},
      Style::json);
}

bool Service::is_member(raft::NodeId id) const {
  return backend_.status().membership.membership->find(id) != nullptr;
}

Response Service::finish_write(Style style, const Write& write, error_code error,
                               const raft::Applied& applied, bool deadline_passed) const {
  if (error) return failure(style, error, {true, deadline_passed});
  Response response;
  const auto reply = decode_reply(applied.reply);
  const Outcome outcome = reply ? reply->outcome : Outcome::malformed;
  switch (outcome) {
    case Outcome::created:
    case Outcome::replaced:
      if (style == Style::text) {
        response = text_response(200, "ok\n");
      } else {
        response.status = outcome == Outcome::created ? 201 : 200;
      }
      response.headers.push_back({"ETag", etag(reply->change_index)});
      break;
    case Outcome::deleted:
      response.status = 204;
      break;
    case Outcome::not_found:
      response.status = 204;
      if (write.strict) {
        response = to_response({ProblemCode::not_found, "no such key"}, style);
      }
      break;
    case Outcome::precondition_failed: {
      const std::string index = std::to_string(reply->change_index.value);
      Problem problem{ProblemCode::precondition_failed,
                      reply->change_index.value == 0
                          ? "there is no such key"
                          : "the key was last changed at index " + index};
      problem.current_index = reply->change_index;
      response = to_response(problem, style);
      break;
    }
    case Outcome::malformed:
      response =
          to_response({ProblemCode::internal, "the store could not apply the command"}, style);
      break;
  }
  response.entry = applied.id;
  return response;
}

void Service::finish_read(Style style, Read read, Responder respond) {
  if (read.changed_after) return wait_for_change(style, std::move(read), std::move(respond));
  respond(value_of(style, read));
}

// A key that is there tells its last change itself. Of one that is not, only the history knows
// whether it was deleted since.
void Service::wait_for_change(Style style, Read read, Responder respond) {
  if (auto refusal = turn_away_watcher(style)) return respond(*std::move(refusal));
  const ChangeHistory& history = watchers_.history();
  const Index next = history.next();  // First: what changes from here on is found by waiting.
  auto item = backend_.get(read.key);
  const Index after = *read.changed_after;
  const bool is_there = item && item->has_value();
  if (!item || (is_there && (*item)->change_index > after)) {
    return respond(value_of(style, read, std::move(item)));
  }
  if (const Index oldest = history.oldest(); !is_there && after.next() < oldest) {
    return respond(to_response(no_longer_held(oldest), style));
  }
  const Index from = is_there ? std::max(next, after.next()) : after.next();
  const raft::Duration wait = read.wait;
  KeyFilter filter{read.key};
  auto done = [this, style, read = std::move(read), respond] {
    if (draining_) {
      return respond(to_response({ProblemCode::draining, "ask another node"}, style));
    }
    respond(value_of(style, read));
  };
  auto waiting = std::make_shared<KeyWait>(backend_.executor(), watchers_, std::move(filter), from,
                                           std::move(done));
  respond.keep_until_reply(waiting);
  waiting->start(wait);
}

Response Service::value_of(Style style, const Read& read) const {
  return value_of(style, read, backend_.get(read.key));
}

Response Service::value_of(Style style, const Read& read,
                           raft::Result<std::optional<Item>> item) const {
  if (!item) return to_response(problem_from(item.code(), {.is_write = false}), style);
  Index applied = backend_.position().applied;
  Response response;
  if (!item->has_value()) {
    response = to_response({ProblemCode::not_found, "no such key"}, style);
  } else {
    const Index change_index = (*item)->change_index;
    const Index create_index = (*item)->create_index;
    const std::uint64_t version = (*item)->version;
    applied = std::max(applied, change_index);
    response = value_response(style, **std::move(item));
    if (is_known(read, change_index)) {
      response.status = 304;
      response.body.clear();
    }
    response.headers.push_back({"ETag", etag(change_index)});
    response.headers.push_back({"X-KV-Create-Index", std::to_string(create_index.value)});
    response.headers.push_back({"X-KV-Version", std::to_string(version)});
  }
  add_freshness(response, read.terms.level, applied);
  return response;
}

Response Service::page_of(const List& list) const {
  Listing page(list);
  Range range{list.prefix, std::nullopt, list.descending};
  if (list.after) range.after = *list.after;
  const auto scanned = backend_.scan(
      range, [&](BytesView key, const ItemView& item) { return page.add(key, item); });
  if (!scanned) {
    return to_response(problem_from(scanned.code(), {.is_write = false}), Style::json);
  }
  const Index applied = std::max(backend_.position().applied, page.newest());
  Response response = page.finish(applied);
  add_freshness(response, list.terms.level, applied);
  return response;
}

Response Service::failure(Style style, error_code error, const Attempt& attempt) const {
  Problem problem = problem_from(errc(error), attempt);
  const Position position = backend_.position();
  if (position.leader && position.leader != position.self) {
    problem.leader = LeaderHint{position.leader, backend_.http_address(position.leader)};
  }
  return to_response(problem, style);
}

// What the log has no room for is not applied either: this node falls behind the leader.
Response Service::read_failure(Style style, error_code error) const {
  if (errc(error) == raft::Errc::timed_out && backend_.status().storage_full) {
    error = raft::make_error_code(raft::Errc::storage_full);
  }
  return failure(style, error, {.is_write = false});
}

Facts Service::facts() const {
  Facts facts;
  facts.status = backend_.status();
  facts.transport = backend_.transport_status();
  facts.identity = backend_.identity();
  facts.totals = backend_.totals();
  facts.watchers = watchers_.size();
  facts.watch_overflows = watchers_.overflows();
  facts.uptime = Clock::now() - started_;
  facts.draining = draining_;
  return facts;
}

}  // namespace kv
