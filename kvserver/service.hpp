// Carries out what a route asks for and answers it. Knows the backend, but no socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "kvserver/backend.hpp"
#include "kvserver/documents.hpp"
#include "kvserver/encoded_events.hpp"
#include "kvserver/http_counters.hpp"
#include "kvserver/routes.hpp"
#include "kvserver/watchers.hpp"

namespace kv {

/// Whoever waits for a reply.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  /// `ticket` names the request. Replies to requests that are no longer waited for are ignored.
  virtual void reply(std::uint64_t ticket, RouteClass route, Response response) = 0;
  /// /// The reply may take very long. `pending` is let go of when it comes, or when nobody waits
  /// for it any more.
  virtual void keep_until_reply(std::uint64_t ticket, std::shared_ptr<void> pending) = 0;
};

/// Where the reply to one request goes.
struct Responder {
  std::shared_ptr<ReplySink> sink;
  std::uint64_t ticket = 0;
  RouteClass route = RouteClass::other;

  void operator()(Response response) const { sink->reply(ticket, route, std::move(response)); }
  void keep_until_reply(std::shared_ptr<void> pending) const {
    sink->keep_until_reply(ticket, std::move(pending));
  }
};

/// Runs on the backend's executor only.
class Service {
 public:
  using Clock = std::chrono::steady_clock;

  /// The backend and the counters, which `/metrics` shows, outlive it. All sinks are closed before
  /// it is destroyed.
  Service(Backend& backend, const RouteLimits& limits, const HttpCounters& counters);

  /// Answers exactly once, possibly before it returns. The request is not needed after that.
  void serve(const Request& request, Responder respond);

  /// From now on reads and writes are refused; health and status are still answered.
  void drain();
  bool draining() const { return draining_; }

  Position position() const { return backend_.position(); }

 private:
  struct Exchange;
  struct Subject;

  void perform(const Exchange& exchange, Respond action, Responder respond);
  void perform(const Exchange& exchange, Write action, Responder respond);
  void perform(const Exchange& exchange, Read action, Responder respond);
  void perform(const Exchange& exchange, List action, Responder respond);
  void perform(const Exchange& exchange, Watch action, Responder respond);
  void perform(const Exchange& exchange, AddMember action, Responder respond);
  void perform(const Exchange& exchange, RemoveMember action, Responder respond);
  void perform(const Exchange& exchange, TransferLeadership action, Responder respond);
  void perform(const Exchange& exchange, Show action, Responder respond);

  void add(raft::Member member, raft::Duration timeout, Responder respond);
  void remove(raft::NodeId id, raft::Duration timeout, Responder respond);

  std::optional<Response> turn_away(const Exchange& exchange, bool redirect) const;
  Response redirect_to(const std::string& leader, const Request& request, Style style) const;
  template <class Next>
  void when_fresh(const Exchange& exchange, const ReadTerms& terms, Responder respond, Next next);
  template <class Next>
  void behind_barrier(raft::Duration timeout, Responder respond, Next next);
  Backend::Changed within(raft::Duration timeout, Response success, Responder respond,
                          Subject subject);
  std::optional<Problem> problem_with(const Subject& subject, raft::Errc error,
                                      const std::string& why) const;
  std::optional<Response> keep_voter(const raft::Member& member) const;
  bool is_member(raft::NodeId id) const;
  Response finish_write(Style style, const Write& write, boost::system::error_code error,
                        const raft::Applied& applied, bool deadline_passed) const;
  void finish_read(Style style, Read read, Responder respond);
  void wait_for_change(Style style, Read read, Responder respond);
  void watch(Watch watch, Responder respond);
  std::optional<Response> turn_away_watcher(Style style) const;
  Response value_of(Style style, const Read& read) const;
  Response value_of(Style style, const Read& read, raft::Result<std::optional<Item>> item) const;
  Response page_of(const List& list) const;
  Response read_failure(Style style, boost::system::error_code error) const;
  Response failure(Style style, boost::system::error_code error, const Attempt& attempt) const;
  Facts facts() const;

  Backend& backend_;
  const RouteLimits limits_;
  const HttpCounters& counters_;
  Watchers watchers_;
  EncodedEvents events_;
  const Clock::time_point started_;
  bool draining_ = false;
};

}  // namespace kv
