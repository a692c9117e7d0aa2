#include "kvserver/group_backend.hpp"

#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include <libraft/error_code.hpp>
#include "kvserver/data_folder.hpp"

namespace kv {
namespace {

using boost::system::error_code;

constexpr auto position_age_max = std::chrono::milliseconds(5);

}  // namespace

GroupBackend::GroupBackend(raft::Node& node, Store& store, std::string log_folder)
    : node_(node), store_(store), log_folder_(std::move(log_folder)), executor_(node.executor()) {}

// Never inside the initiating call, as a group does it.
template <class Completion, class... Results>
void GroupBackend::refuse(Completion done, Results... nothing) const {
  boost::asio::post(
      executor_, [done = std::move(done), ... nothing = std::move(nothing)]() mutable {
        std::move(done)(raft::make_error_code(raft::Errc::no_leader), std::move(nothing)...);
      });
}

Position GroupBackend::position() const {
  const auto now = Clock::now();
  if (now - position_taken_ >= position_age_max) {
    const raft::Status status = this->status();
    position_ = {status.id, status.leader, status.term, status.applied};
    position_taken_ = now;
  }
  return position_;
}

std::string GroupBackend::http_address(raft::NodeId id) const {
  const raft::Status status = this->status();
  const raft::Member* member = status.membership.membership->find(id);
  return member != nullptr ? member->attributes : std::string();
}

raft::Result<std::optional<Item>> GroupBackend::get(BytesView key) const {
  // The store is empty, but to say so would be to speak for a cluster that this node has not seen.
  if (group_ == nullptr) return raft::Errc::no_leader;
  return store_.get(key);
}

raft::Result<void> GroupBackend::scan(const Range& range, const Visitor& visit) const {
  if (group_ == nullptr) return raft::Errc::no_leader;
  return store_.scan(range, visit);
}

void GroupBackend::propose(Bytes command, raft::ProposeOptions options, Proposed done) {
  if (group_ == nullptr) return refuse(std::move(done), raft::Applied{});
  group_->async_propose(std::move(command), std::move(options), std::move(done));
}

void GroupBackend::read_barrier(raft::ReadLevel level, raft::Duration deadline, Handler done) {
  if (group_ == nullptr) return refuse(std::move(done));
  group_->async_read_barrier(level, deadline, std::move(done));
}

// Begins a change with a place for its reason, which lives as long as the handler.
template <class Start>
void GroupBackend::change(Changed done, Start start) {
  if (group_ == nullptr) return refuse(std::move(done), std::string());
  auto why = std::make_unique<std::string>();
  std::string& place = *why;
  start(place, [done = std::move(done), why = std::move(why)](error_code error) mutable {
    std::move(done)(error, std::move(*why));
  });
}

void GroupBackend::add_member(raft::Member member, Changed done) {
  change(std::move(done), [&](std::string& why, auto handler) {
    group_->async_add_member(std::move(member), why, std::move(handler));
  });
}

void GroupBackend::remove_member(raft::NodeId id, Changed done) {
  raft::MembershipChange removal;
  removal.remove.push_back(id);
  change(std::move(done), [&](std::string& why, auto handler) {
    group_->async_change_membership(std::move(removal), why, std::move(handler));
  });
}

void GroupBackend::transfer_leadership(raft::NodeId to, Changed done) {
  change(std::move(done), [&](std::string& why, auto handler) {
    group_->async_transfer_leadership(to, why, std::move(handler));
  });
}

raft::Status GroupBackend::status() const {
  if (group_ != nullptr) return group_->status();
  raft::Status status;
  status.id = node_.identity().id;
  return status;
}

raft::TransportStatus GroupBackend::transport_status() const { return node_.transport_status(); }
raft::NodeIdentity GroupBackend::identity() const { return node_.identity(); }
Totals GroupBackend::totals() const { return store_.totals(); }

std::optional<std::uint64_t> GroupBackend::free_bytes() const {
  return kv::free_bytes(log_folder_);
}

}  // namespace kv
