// Group's requests: onto the strand, into the replica, and back through the caller's handler.
#include <boost/asio/dispatch.hpp>
#include <utility>

#include "node/call.hpp"
#include "node/clock.hpp"
#include "node/group_impl.hpp"
#include "node/node_impl.hpp"
#include "node/read_call.hpp"

namespace raft {
namespace {

using boost::asio::cancellation_type;

constexpr cancellation_type ends_the_waiting =
    cancellation_type::terminal | cancellation_type::partial | cancellation_type::total;

node::Call<> to_call(boost::asio::any_completion_handler<void(boost::system::error_code)> handler,
                     const node::Strand& strand) {
  return {std::move(handler), strand};
}

/// A replica's `done` that runs a handler. An error's detail goes where the caller wants it, if
/// anywhere: before the handler is on its way, so that nobody reads it too early.
replica::Done done_with(node::Call<> call, std::string* why = nullptr) {
  return [call = std::move(call), why](Result<void> result) mutable {
    if (why != nullptr) *why = result ? std::string() : result.error().detail;
    call.complete(node::code_of(result));
  };
}

}  // namespace

template <class Start, class... Args>
void Group::Impl::initiate(node::Call<Args...> call, Start start) {
  // Only who can cancel pays for it.
  Ticket ticket;
  if (auto slot = call.cancellation_slot(); slot.is_connected()) {
    ticket = std::make_shared<std::uint64_t>(0);
    slot.assign([this, alive = alive_, strand = node_.strand(), ticket](cancellation_type type) {
      if ((type & ends_the_waiting) == cancellation_type::none) return;
      boost::asio::post(strand, [this, alive, ticket] {
        if (!alive.expired()) cancel(*ticket);
      });
    });
  }
  boost::asio::dispatch(node_.strand(), [this, alive = alive_, call = std::move(call), ticket,
                                         start = std::move(start)]() mutable {
    if (alive.expired()) return call.complete_later(Errc::stopped, Args{}...);
    if (!replica_) return call.complete_later(Errc::no_leader, Args{}...);
    const std::uint64_t number = start(std::move(call), ticket);
    if (ticket) *ticket = number;
  });
}

void Group::Impl::cancel(std::uint64_t ticket) {
  if (auto asking = introductions_.extract(ticket)) {
    return asking.mapped().call.complete(Errc::unknown_outcome);
  }
  if (replica_) replica_->cancel(ticket);
}

Instant Group::Impl::deadline_after(Duration duration) {
  return duration == Duration{0} ? replica::never : replica::after(now(), duration);
}

void Group::Impl::propose(Bytes command, ProposeOptions options, Handler<Applied> handler) {
  initiate(node::Call<Applied>(std::move(handler), node_.strand()),
           [this, command = std::move(command), options = std::move(options)](
               node::Call<Applied> call, const Ticket&) mutable {
             return replica_->propose(Command{std::move(options.session.client),
                                              options.session.sequence, std::move(command)},
                                      deadline_after(options.deadline),
                                      [call = std::move(call)](Result<Applied> result) mutable {
                                        if (result) return call.complete({}, *std::move(result));
                                        call.complete(make_error_code(result.code()), Applied{});
                                      });
           });
}

void Group::Impl::read(ReadLevel level, Duration deadline, std::function<void()> function,
                       Handler<> handler) {
  initiate(to_call(std::move(handler), node_.strand()),
           [this, level, deadline, function = std::move(function)](node::Call<> call,
                                                                   const Ticket&) mutable {
             const Instant until = deadline_after(deadline);
             if (!function) return replica_->read(level, until, {}, done_with(std::move(call)));
             auto shared = std::make_shared<node::ReadCall>(std::move(function), std::move(call));
             return replica_->read(
                 level, until, [shared](Index) { shared->run(); },
                 [shared](const Result<void>& result) { shared->complete(result); });
           });
}

void Group::Impl::change(MembershipChange change, std::string* why, Handler<> handler) {
  initiate(to_call(std::move(handler), node_.strand()),
           [this, why, change = std::move(change)](node::Call<> call, const Ticket&) mutable {
             return replica_->change_membership(std::move(change), done_with(std::move(call), why));
           });
}

void Group::Impl::transfer(NodeId target, std::string* why, Handler<> handler) {
  initiate(to_call(std::move(handler), node_.strand()),
           [this, why, target](node::Call<> call, const Ticket&) {
             if (is_winding_down_) {
               call.complete_later(Errc::stopped);
               return std::uint64_t{0};
             }
             return replica_->transfer_leadership(target, done_with(std::move(call), why));
           });
}

void Group::Impl::take_snapshot(Handler<> handler) {
  initiate(to_call(std::move(handler), node_.strand()), [this](node::Call<> call, const Ticket&) {
    return replica_->take_snapshot(done_with(std::move(call)));
  });
}

void Group::Impl::add(Member member, std::string* why, Handler<> handler) {
  initiate(
      to_call(std::move(handler), node_.strand()),
      [this, why, member = std::move(member)](node::Call<> call, const Ticket& ticket) mutable {
        return ask_for_introduction(std::move(member), why, std::move(call), ticket);
      });
}

std::uint64_t Group::Impl::ask_for_introduction(Member member, std::string* why, node::Call<> call,
                                                Ticket ticket) {
  if (is_winding_down_) {
    call.complete_later(Errc::stopped);
    return 0;
  }
  const std::uint64_t number = --last_introduction_;
  const std::string address = member.address;
  introductions_.emplace(number,
                         Asking{std::move(member), why, std::move(call), std::move(ticket)});
  node_.transport().introduce(
      address, options_.group, std::nullopt,
      [this, alive = alive_, number](const Result<Introduction>& introduction) {
        if (!alive.expired()) introduced(number, introduction);
      });
  return number;
}

/// It is the right node and free to come: only now its instance is known.
void Group::Impl::introduced(std::uint64_t number, const Result<Introduction>& introduction) {
  auto found = introductions_.extract(number);
  if (!found) return;  // Given up meanwhile.
  Asking& asking = found.mapped();
  replica::Done done = done_with(std::move(asking.call), asking.why);
  if (!introduction) return done(introduction.error());
  const Hello& peer = introduction->peer;
  if (peer.node != asking.member.id) {
    return done(Error{Errc::conflict, "node " + to_string(peer.node) + " answers at " +
                                          asking.member.address + ", not node " +
                                          to_string(asking.member.id)});
  }
  if (peer.cluster && peer.cluster != node_.identity().cluster) {
    return done(Error{Errc::conflict, "node " + to_string(asking.member.id) + " at " +
                                          asking.member.address + " belongs to another cluster"});
  }
  asking.member.instance = peer.instance;
  MembershipChange change;
  change.add_learners.push_back(std::move(asking.member));
  const std::uint64_t request = replica_->change_membership(std::move(change), std::move(done));
  if (asking.ticket) *asking.ticket = request;
}

// --- the handle ---

Group::Group(Impl& impl) : impl_(impl) {}
Group::~Group() = default;

boost::asio::any_io_executor Group::default_executor() const { return impl_.executor(); }
void Group::start_propose(Bytes command, ProposeOptions options, Handler<Applied> handler) {
  impl_.propose(std::move(command), std::move(options), std::move(handler));
}
void Group::start_read(ReadLevel level, Duration deadline, std::function<void()> function,
                       Handler<> handler) {
  impl_.read(level, deadline, std::move(function), std::move(handler));
}
void Group::start_change(MembershipChange change, std::string* why, Handler<> handler) {
  if (why != nullptr) why->clear();
  impl_.change(std::move(change), why, std::move(handler));
}
void Group::start_add(Member member, std::string* why, Handler<> handler) {
  if (why != nullptr) why->clear();
  impl_.add(std::move(member), why, std::move(handler));
}
void Group::start_transfer(NodeId target, std::string* why, Handler<> handler) {
  if (why != nullptr) why->clear();
  impl_.transfer(target, why, std::move(handler));
}
void Group::start_snapshot(Handler<> handler) { impl_.take_snapshot(std::move(handler)); }
Status Group::status() const { return impl_.status(); }
GroupId Group::id() const { return impl_.id(); }

}  // namespace raft
