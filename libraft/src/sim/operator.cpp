#include "sim/operator.hpp"

#include <algorithm>
#include <utility>

#include "core/quorum.hpp"

namespace raft::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t nodes_max = 9;
constexpr std::size_t voters_min = 3;

}  // namespace

// --- founding ---

Founding Operator::to_join(NodeId id) const {
  Founding founding;
  for (const NodeId other : world_.ids()) {
    if (other != id) founding.join.push_back(address_of(other));
  }
  return founding;
}

bool Operator::set_up() {
  const std::uint64_t nodes = world_.profile().nodes;
  for (std::uint64_t i = 0; i < nodes; ++i) world_.add();
  for (const NodeId id : world_.ids()) {
    Founding founding;
    if (world_.profile().has_initial_members) {
      for (const NodeId each : world_.ids()) {
        founding.initial_members.push_back({each, address_of(each), {}});
      }
    } else if (id == NodeId{1}) {
      founding.bootstrap = true;
    } else {
      founding = to_join(id);
    }
    world_.start(id, founding);
  }
  return world_.run_until(
      [&] {
        const MembershipPtr members = committed();
        return members != nullptr && !members->is_joint() && members->voters().size() == nodes;
      },
      seconds(60));
}

void Operator::start(NodeId id) {
  waiting_.erase(id);
  const bool was_member = world_.checkers().was_member(id, world_.node(id).instance);
  world_.start(id, was_member ? Founding{} : to_join(id));
}

// --- changes ---

MembershipPtr Operator::committed() const {
  if (!world_.leader()) return nullptr;
  return world_.checkers().membership().membership;
}

/// The leader more often than others: most changes go there.
NodeId Operator::anyone() {
  const NodeId leader = world_.leader();
  if (leader && random_.between(0, 100) < 70) return leader;
  std::vector<NodeId> up;
  for (const NodeId id : world_.up()) {
    if (world_.works(id)) up.push_back(id);
  }
  if (up.empty()) return {};
  return up[random_.between(0, up.size())];
}

void Operator::change(MembershipChange change) {
  const NodeId node = anyone();
  if (!node) return;
  is_removing_ = true;
  const std::uint64_t call = calls_.begin(node, "change", [this] { is_removing_ = false; });
  outstanding_.asked(call, change, world_.now());
  world_.on_node(node, Duration{0}, [this, node, change, call] {
    const auto done = [this, call](const Result<void>& result) {
      if (!calls_.answered(call)) return;
      outstanding_.answered(call, result);
      is_removing_ = false;
      if (!result) return;
      ++changes_done_;
      world_.effects().hit(Fault::membership);
    };
    replica::Replica* replica = world_.replica(node);
    if (replica == nullptr) return done(Errc::no_leader);
    const std::uint64_t ticket = replica->change_membership(change, done);
    // A change has no deadline of its own.
    world_.on_node(node, seconds(3),
                   [this, node, ticket] { world_.replica(node)->cancel(ticket); });
  });
}

/// Whether the cluster can do without this voter, as far as an operator can know: of those that
/// stay, a majority must have their data.
bool Operator::can_spare(const Membership& members, NodeId id) const {
  const std::vector<NodeId> voters = members.voters();
  const auto stays = [&](NodeId voter) { return voter != id && has_data(members, voter); };
  const auto left = static_cast<std::size_t>(std::count_if(voters.begin(), voters.end(), stays));
  return left * 2 > voters.size();
}

bool Operator::has_data(const Membership& members, NodeId member) const {
  const Node& node = world_.node(member);
  return !node.is_lost && members.names(member, node.instance);
}

bool Operator::can_lose(NodeId id) {
  const NodeId leader = world_.leader();
  if (!leader) return false;
  const core::Core& core = world_.replica(leader)->core();
  if (core.commit() < core.leader_state()->term_start) return false;
  const std::vector<Membership> futures = outstanding_.futures_of(
      {*core.log().membership_at(core.commit()).membership, *core.membership().membership},
      world_.now());
  return std::all_of(futures.begin(), futures.end(), [&](const Membership& members) {
    return core::has_quorum(members,
                            [&](NodeId other) { return other != id && has_data(members, other); });
  });
}

void Operator::join_new() {
  if (world_.ids().size() >= nodes_max) return;
  const NodeId id = world_.add();
  world_.start(id, to_join(id));
}

void Operator::remove(NodeId id) {
  const MembershipPtr members = committed();
  if (members == nullptr) return;
  if (members->find(id) == nullptr) return;
  const bool is_few = members->voters().size() <= voters_min;
  if (members->is_voter(id) && (is_few || !can_spare(*members, id))) return;
  MembershipChange removal;
  removal.remove.push_back(id);
  change(std::move(removal));
}

/// In one joint change: somebody who is up and a member of nothing comes for `id`.
void Operator::replace(NodeId id) {
  const MembershipPtr members = committed();
  if (members == nullptr || !members->is_voter(id) || !can_spare(*members, id)) return;
  MembershipChange swap;
  swap.add_voters = newcomers(*members, 0);
  if (swap.add_voters.empty()) return join_new();
  swap.add_voters.resize(1);
  swap.remove.push_back(id);
  change(std::move(swap));
}

std::vector<Member> Operator::newcomers(const Membership& members, std::size_t wanted) {
  std::vector<Member> found;
  const auto take = [&](NodeId id) {
    Member member;
    member.id = id;
    member.instance = world_.node(id).instance;
    member.address = address_of(id);
    found.push_back(std::move(member));
  };
  for (const NodeId id : world_.up()) {
    const Node& node = world_.node(id);
    if (members.find(id) != nullptr || !world_.works(id) || node.is_lost) continue;
    if (!world_.checkers().was_member(id, node.instance)) take(id);
  }
  while (found.size() < wanted && world_.ids().size() < nodes_max) {
    const NodeId id = world_.add();
    Founding founding;
    founding.wait_to_be_added = true;
    world_.start(id, founding);
    waiting_.insert(id);
    take(id);
  }
  return found;
}

/// As many as the membership and the disks can bear: of those who stay or come, a majority must
/// have its data, or get them before the change is through.
void Operator::regroup(NodeId id, Regroup how) {
  const MembershipPtr members = committed();
  if (members == nullptr || members->is_joint()) return;
  const std::vector<NodeId> voters = members->voters();
  MembershipChange change;
  change.force = random_.between(0, 2) == 0;
  const std::size_t few = random_.between(2, 4);
  if (how == Regroup::add) change.add_voters = newcomers(*members, few);
  if (how == Regroup::exchange) change.add_voters = newcomers(*members, voters.size());
  std::size_t with_data = change.add_voters.size();
  for (const NodeId voter : voters) {
    const bool goes = how == Regroup::exchange || (how == Regroup::shrink && voter != id) ||
                      (how == Regroup::remove && voter != id && change.remove.size() < 2);
    if (goes) change.remove.push_back(voter);
    if (!goes && has_data(*members, voter)) ++with_data;
  }
  const std::size_t left = voters.size() - change.remove.size() + change.add_voters.size();
  if (with_data * 2 <= left) return;
  if (change.add_voters.empty() && change.remove.empty()) return;
  this->change(std::move(change));
}

void Operator::demote(NodeId id) {
  const MembershipPtr members = committed();
  if (members == nullptr || members->voters().size() <= voters_min) return;
  if (!can_spare(*members, id)) return;
  MembershipChange demotion;
  demotion.demote.push_back(id);
  change(std::move(demotion));
}

void Operator::promote(NodeId id) {
  const MembershipPtr members = committed();
  if (members == nullptr || !has_data(*members, id)) return;
  MembershipChange promotion;
  promotion.promote.push_back(id);
  change(std::move(promotion));
}

void Operator::update(NodeId id) {
  MemberUpdate news;
  news.id = id;
  news.attributes = "a" + std::to_string(random_.between(0, 1000));
  MembershipChange update;
  update.update.push_back(std::move(news));
  change(std::move(update));
}

void Operator::transfer(NodeId target) {
  const NodeId node = anyone();
  if (!node) return;
  const std::uint64_t call = calls_.begin(node, "transfer");
  world_.on_node(node, Duration{0}, [this, node, target, call] {
    const auto done = [this, call](const Result<void>& result) {
      if (calls_.answered(call) && result) world_.effects().hit(Fault::transfer);
    };
    replica::Replica* replica = world_.replica(node);
    if (replica == nullptr) return done(Errc::no_leader);
    const std::uint64_t ticket = replica->transfer_leadership(target, done);
    world_.on_node(node, seconds(3),
                   [this, node, ticket] { world_.replica(node)->cancel(ticket); });
  });
}

void Operator::take_snapshot(NodeId id) {
  if (!world_.works(id)) return;
  const std::uint64_t call = calls_.begin(id, "snapshot");
  world_.on_node(id, Duration{0}, [this, id, call] {
    world_.replica(id)->take_snapshot(
        [this, call](const Result<void>&) { static_cast<void>(calls_.answered(call)); });
  });
}

void Operator::call_as_stranger(NodeId id) {
  if (!world_.works(id)) return;
  Process& process = *world_.node(id).process;
  if (!process.identity().cluster) return;  // It waits to be taken in, by whomever.
  Hello hello;
  hello.cluster = {process.identity().cluster.low, ~process.identity().cluster.high};
  hello.node = NodeId{1000};  // Known to nobody, so nothing else speaks against it.
  hello.target = id;
  hello.instance = {~std::uint64_t{0}, hello.node.value};
  hello.boot = BootNumber{1};
  hello.address = address_of(hello.node);
  if (process.judge(hello)) return;
  world_.checkers().violated("P06", "node " + to_string(id) + " lets in a node of another cluster");
}

// --- repairs ---

/// Once the committed membership names it no more, its promises are needed no more.
void Operator::bring_in_anew(NodeId id) {
  if (world_.is_up(id)) world_.crash(id);
  world_.wipe(id);
  world_.start(id, to_join(id));
}

void Operator::remove_lost(NodeId id) {
  if (is_removing_) return;
  MembershipChange removal;
  removal.remove.push_back(id);
  change(std::move(removal));
}

void Operator::tend() {
  const MembershipPtr members = committed();
  for (const NodeId id : world_.ids()) {
    const Node& node = world_.node(id);
    const Member* member = members == nullptr ? nullptr : members->find(id);
    const bool is_settled = members != nullptr && !members->is_joint();
    const bool is_named = member != nullptr && member->instance == node.instance;
    const bool was_member = world_.checkers().was_member(id, node.instance);
    const bool says_removed = node.failure && node.failure->code == Errc::removed;
    if (node.is_lost || says_removed || (member != nullptr && !is_named)) {
      // The member of this id has no directory any more.
      if (is_settled && member != nullptr) remove_lost(id);
      if (is_settled && member == nullptr) bring_in_anew(id);
      continue;
    }
    if (was_member && is_settled && !is_named) {
      bring_in_anew(id);
      continue;
    }
    if (was_member) waiting_.erase(id);
    if (node.failure && world_.is_up(id)) world_.crash(id);
    // The change that was to add it has come to nothing.
    if (waiting_.contains(id) && !is_removing_ && world_.is_up(id)) world_.stop(id);
    if (!world_.is_up(id)) start(id);
    call_as_stranger(id);
  }
}

bool Operator::is_done() const {
  const MembershipPtr members = committed();
  if (members == nullptr || members->is_joint()) return false;
  const std::vector<NodeId> ids = world_.ids();
  return std::all_of(ids.begin(), ids.end(), [&](NodeId id) {
    const Node& node = world_.node(id);
    return !node.is_lost && world_.works(id) && members->names(id, node.instance);
  });
}

}  // namespace raft::sim
