#include "replica/founding.hpp"

#include <algorithm>

#include "util/assert.hpp"

namespace raft::replica {
namespace {

constexpr Duration pause_between_tries = std::chrono::milliseconds(200);

}  // namespace

PersistWork founding_work(const Member& founder) {
  Membership alone;
  alone.members.push_back(founder);
  alone.members.front().role = Role::voter;
  Entry entry;
  entry.term = Term{1};
  entry.index = Index{1};
  entry.body = std::make_shared<const Membership>(std::move(alone));
  PersistWork work;
  work.hard_state = HardState{entry.term, founder.id, entry.index, Duration{0}};
  work.entries.push_back(std::make_shared<const Entry>(std::move(entry)));
  return work;
}

Joiner::Joiner(std::vector<std::string> seeds, Member self, BootNumber boot, Instant give_up)
    : seeds_(std::move(seeds)), self_(std::move(self)), boot_(boot), give_up_(give_up) {
  RAFT_ASSERT(!seeds_.empty());
}

std::optional<Joiner::Ask> Joiner::next(Instant now) {
  if (asking_ || now < not_before_) return std::nullopt;
  asking_ = true;
  const std::string address =
      leader_.empty() ? seeds_[turn_++ % seeds_.size()] : std::exchange(leader_, {});
  last_answer_ = address + " has not answered";
  return Ask{address, JoinRequest{{boot_, ++last_number_}, self_}};
}

Joiner::Outcome Joiner::answered(const Result<ServiceReply>& reply, Instant now) {
  asking_ = false;
  if (reply && reply->error == 0) return Joined{reply->cluster};
  const auto code = reply ? static_cast<Errc>(reply->error) : reply.code();
  const std::string& detail = reply ? reply->detail : reply.error().detail;
  last_answer_ = detail.empty() ? message(code) : detail;
  if (code == Errc::id_taken || code == Errc::invalid_argument) return Error{code, last_answer_};
  if (now >= give_up_) return Error{Errc::timed_out, "nobody took this node in: " + last_answer_};
  if (reply && code == Errc::not_leader && !reply->leader_address.empty()) {
    leader_ = reply->leader_address;  // At once: whoever was asked knows better.
  } else {
    not_before_ = now + pause_between_tries;
  }
  return {};
}

Gathering::Gathering(NodeId self, GroupId group, const std::vector<InitialMember>& members)
    : group_(group) {
  for (const InitialMember& member : members) {
    if (member.id != self) absent_[member.id] = member.address;
  }
}

std::optional<std::string> Gathering::next(Instant now) {
  if (asking_ || absent_.empty() || now < not_before_) return std::nullopt;
  auto whom = absent_.upper_bound(last_asked_);
  if (whom == absent_.end()) whom = absent_.begin();
  asking_ = last_asked_ = whom->first;
  return whom->second;
}

Result<void> Gathering::answered(const Result<Hello>& hello, ClusterId own, Instant now) {
  RAFT_ASSERT(asking_.has_value());
  const NodeId asked = *std::exchange(asking_, std::nullopt);
  if (!hello) {
    not_before_ = now + pause_between_tries;
    return {};
  }
  if (hello->node != asked) {
    return Error{Errc::invalid_argument, "node " + to_string(hello->node) + " answers at " +
                                             absent_.at(asked) + " instead of node " +
                                             to_string(asked)};
  }
  if (hello->cluster && hello->cluster != own) {
    return Error{Errc::conflict, "node " + to_string(asked) + " already belongs to cluster " +
                                     to_string(hello->cluster)};
  }
  for (const Standing& standing : hello->standings) {
    if (standing.group == group_ && standing.durable.value > 0) {
      return Error{Errc::conflict,
                   "node " + to_string(asked) + " already has a log of group " + to_string(group_)};
    }
  }
  absent_.erase(asked);
  return {};
}

NodeId founder_of(const std::vector<InitialMember>& members) {
  const auto smallest =
      std::min_element(members.begin(), members.end(),
                       [](const InitialMember& a, const InitialMember& b) { return a.id < b.id; });
  return smallest == members.end() ? NodeId{} : smallest->id;
}

}  // namespace raft::replica
