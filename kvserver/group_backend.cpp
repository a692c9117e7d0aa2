#include "kvserver/group_backend.hpp"

#include <utility>

namespace kv {
namespace {

constexpr auto position_age_max = std::chrono::milliseconds(5);

}  // namespace

GroupBackend::GroupBackend(raft::Node& node, raft::Group& group, const Store& store)
    : node_(node), group_(group), store_(store), executor_(node.executor()) {}

Position GroupBackend::position() const {
  const auto now = Clock::now();
  if (now - position_taken_ >= position_age_max) {
    const raft::Status status = group_.status();
    position_ = {status.id, status.leader, status.term, status.applied};
    position_taken_ = now;
  }
  return position_;
}

std::string GroupBackend::http_address(raft::NodeId id) const {
  const raft::Status status = group_.status();
  const auto& membership = status.membership.membership;
  const raft::Member* member = membership ? membership->find(id) : nullptr;
  return member != nullptr ? member->attributes : std::string();
}

raft::Result<std::optional<Item>> GroupBackend::get(BytesView key) const { return store_.get(key); }

void GroupBackend::propose(Bytes command, raft::ProposeOptions options, Proposed done) {
  group_.async_propose(std::move(command), std::move(options), std::move(done));
}

void GroupBackend::read_barrier(raft::ReadLevel level, raft::Duration deadline, Handler done) {
  group_.async_read_barrier(level, deadline, std::move(done));
}

void GroupBackend::add_member(raft::Member member, Handler done) {
  group_.async_add_member(std::move(member), std::move(done));
}

void GroupBackend::remove_member(raft::NodeId id, Handler done) {
  raft::MembershipChange change;
  change.remove.push_back(id);
  group_.async_change_membership(std::move(change), std::move(done));
}

void GroupBackend::transfer_leadership(raft::NodeId to, Handler done) {
  group_.async_transfer_leadership(to, std::move(done));
}

raft::Status GroupBackend::status() const { return group_.status(); }
raft::TransportStatus GroupBackend::transport_status() const { return node_.transport_status(); }
raft::NodeIdentity GroupBackend::identity() const { return node_.identity(); }
Totals GroupBackend::totals() const { return store_.totals(); }

}  // namespace kv
