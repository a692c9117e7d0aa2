// Group's requests: onto the strand, into the replica, and back through the caller's handler.
#include <boost/asio/dispatch.hpp>
#include <utility>

#include "node/call.hpp"
#include "node/clock.hpp"
#include "node/group_impl.hpp"
#include "node/node_impl.hpp"

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
  std::shared_ptr<std::uint64_t> ticket;
  if (auto slot = call.cancellation_slot(); slot.is_connected()) {
    ticket = std::make_shared<std::uint64_t>(0);
    slot.assign([this, alive = node::Alive(life_), strand = node_.strand(),
                 ticket](cancellation_type type) {
      if ((type & ends_the_waiting) == cancellation_type::none) return;
      boost::asio::post(strand, [this, alive, ticket] {
        if (!alive.expired() && replica_) replica_->cancel(*ticket);
      });
    });
  }
  boost::asio::dispatch(node_.strand(), [this, alive = node::Alive(life_), call = std::move(call),
                                         ticket, start = std::move(start)]() mutable {
    if (alive.expired()) return call.complete_later(Errc::stopped, Args{}...);
    if (!replica_) return call.complete_later(Errc::no_leader, Args{}...);
    const std::uint64_t number = start(std::move(call));
    if (ticket) *ticket = number;
  });
}

Instant Group::Impl::deadline_after(Duration duration) {
  return duration == Duration{0} ? replica::never : replica::after(now(), duration);
}

void Group::Impl::propose(Bytes command, ProposeOptions options, Handler<Applied> handler) {
  initiate(node::Call<Applied>(std::move(handler), node_.strand()),
           [this, command = std::move(command),
            options = std::move(options)](node::Call<Applied> call) mutable {
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
           [this, level, deadline, function = std::move(function)](node::Call<> call) mutable {
             replica::Read::Function read;
             if (function) read = [function = std::move(function)](Index) { function(); };
             return replica_->read(level, deadline_after(deadline), std::move(read),
                                   done_with(std::move(call)));
           });
}

void Group::Impl::change(MembershipChange change, std::string* why, Handler<> handler) {
  initiate(to_call(std::move(handler), node_.strand()),
           [this, why, change = std::move(change)](node::Call<> call) mutable {
             return replica_->change_membership(std::move(change), done_with(std::move(call), why));
           });
}

void Group::Impl::transfer(NodeId target, std::string* why, Handler<> handler) {
  initiate(to_call(std::move(handler), node_.strand()), [this, why, target](node::Call<> call) {
    return replica_->transfer_leadership(target, done_with(std::move(call), why));
  });
}

void Group::Impl::take_snapshot(Handler<> handler) {
  initiate(to_call(std::move(handler), node_.strand()), [this](node::Call<> call) {
    return replica_->take_snapshot(done_with(std::move(call)));
  });
}

void Group::Impl::add(Member member, std::string* why, Handler<> handler) {
  initiate(
      to_call(std::move(handler), node_.strand()),
      [this, why, member = std::move(member)](node::Call<> call) mutable -> std::uint64_t {
        const std::string address = member.address;
        node_.transport().introduce(
            address, options_.group, std::nullopt,
            [this, alive = node::Alive(life_), member = std::move(member),
             done = done_with(std::move(call), why)](Result<Introduction> introduction) mutable {
              if (alive.expired()) return done(Errc::stopped);
              if (!introduction) return done(introduction.error());
              introduced(introduction->peer, std::move(member), std::move(done));
            });
        return 0;
      });
}

/// It is the right node and free to come: only now its instance is known.
void Group::Impl::introduced(const Hello& peer, Member member, replica::Done done) {
  if (peer.node != member.id) {
    return done(Error{Errc::id_taken, "node " + to_string(peer.node) + " answers at " +
                                          member.address + ", not node " + to_string(member.id)});
  }
  if (peer.cluster && peer.cluster != node_.identity().cluster) {
    return done(Error{Errc::conflict, "node " + to_string(member.id) + " at " + member.address +
                                          " belongs to another cluster"});
  }
  member.instance = peer.instance;
  MembershipChange change;
  change.add_learners.push_back(std::move(member));
  replica_->change_membership(std::move(change), std::move(done));
}

// --- the handle ---

Group::Group(Impl& impl) : impl_(impl) {}
Group::~Group() = default;

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
