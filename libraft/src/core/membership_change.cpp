#include "core/membership_change.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "protocol/limits.hpp"

namespace raft::core {
namespace {

Result<void> check_size(NodeId id, const std::string& address, const Bytes& attributes) {
  if (address.size() > address_bytes_max) {
    return Error{Errc::too_large, "the address of node " + to_string(id) + " has more than " +
                                      std::to_string(address_bytes_max) + " bytes"};
  }
  if (attributes.size() > attributes_bytes_max) {
    return Error{Errc::too_large, "the attributes of node " + to_string(id) + " have more than " +
                                      std::to_string(attributes_bytes_max) + " bytes"};
  }
  return {};
}

/// Applies one change to a copy of the membership, step by step, keeping the first error.
class Editor {
 public:
  explicit Editor(const Membership& current) : current_(current), next_(current) {}

  Result<Membership> edit(const MembershipChange& change) {
    for (const Member& member : change.add_voters) add(member, Role::voter);
    for (const Member& member : change.add_learners) add(member, Role::learner);
    for (NodeId id : change.promote) set_role(id, Role::voter);
    for (NodeId id : change.demote) set_role(id, Role::learner);
    for (NodeId id : change.remove) remove(id);
    for (const MemberUpdate& update : change.update) apply(update);
    if (next_.voters().empty()) refuse("no voter would be left");
    if (!ok_) return Error{failure_, detail_};
    return finish();
  }

 private:
  void refuse(std::string detail, Errc code = Errc::invalid_argument) {
    if (!ok_) return;
    ok_ = false;
    failure_ = code;
    detail_ = std::move(detail);
  }

  /// Each id may be named once, so that the order of the lists never matters.
  bool name_once(NodeId id) {
    if (named_.insert(id).second) return true;
    refuse("node " + to_string(id) + " is named twice");
    return false;
  }

  Member* find(NodeId id) {
    const auto at = std::find_if(next_.members.begin(), next_.members.end(),
                                 [&](const Member& member) { return member.id == id; });
    return at == next_.members.end() ? nullptr : &*at;
  }

  void add(Member member, Role role) {
    if (!name_once(member.id)) return;
    if (!member.id || !member.instance || member.address.empty()) {
      return refuse("a new member needs an id, an instance and an address");
    }
    member.role = role;
    member.promote = member.promote && role == Role::learner;
    if (Member* present = find(member.id)) {
      if (present->instance != member.instance) {
        return refuse("node " + to_string(member.id) + " is a member with another instance",
                      Errc::id_taken);
      }
      // Whoever is a voter already stays one when it asks to be taken in again.
      if (present->role == Role::voter) {
        member.role = Role::voter;
        member.promote = false;
      }
      *present = std::move(member);
      return;
    }
    const auto place = std::find_if(next_.members.begin(), next_.members.end(),
                                    [&](const Member& other) { return member.id < other.id; });
    next_.members.insert(place, std::move(member));
    if (next_.members.size() > members_max) {
      refuse("more than " + std::to_string(members_max) + " members", Errc::too_large);
    }
  }

  void set_role(NodeId id, Role role) {
    if (!name_once(id)) return;
    Member* member = find(id);
    if (member == nullptr) return refuse("node " + to_string(id) + " is not a member");
    member->role = role;
    member->promote = false;
  }

  void remove(NodeId id) {
    if (!name_once(id)) return;
    std::erase_if(next_.members, [&](const Member& member) { return member.id == id; });
  }

  void apply(const MemberUpdate& update) {
    if (!name_once(update.id)) return;
    Member* member = find(update.id);
    if (member == nullptr) return refuse("node " + to_string(update.id) + " is not a member");
    if (update.address) {
      if (update.address->empty()) return refuse("an address must not be empty");
      member->address = *update.address;
    }
    if (update.attributes) member->attributes = *update.attributes;
  }

  /// Old voters that are gone stay as `leaving` until the joint membership is left: they still
  /// count in the outgoing half and must receive the log.
  Membership finish() {
    const std::vector<NodeId> old_voters = current_.voters();
    if (next_.voters() == old_voters) return std::move(next_);
    next_.outgoing = old_voters;
    for (NodeId id : old_voters) {
      if (find(id) != nullptr) continue;
      Member leaving = *current_.find(id);
      leaving.role = Role::leaving;
      const auto place = std::find_if(next_.members.begin(), next_.members.end(),
                                      [&](const Member& other) { return id < other.id; });
      next_.members.insert(place, std::move(leaving));
    }
    return std::move(next_);
  }

  const Membership& current_;
  Membership next_;
  std::set<NodeId> named_;
  bool ok_ = true;
  Errc failure_{};
  std::string detail_;
};

}  // namespace

Result<void> check_size(const MembershipChange& change) {
  const std::size_t named = change.add_voters.size() + change.add_learners.size() +
                            change.promote.size() + change.demote.size() + change.remove.size() +
                            change.update.size();
  if (named > members_max) {
    return Error{Errc::too_large, "more than " + std::to_string(members_max) + " nodes are named"};
  }
  for (const auto* added : {&change.add_voters, &change.add_learners}) {
    for (const Member& member : *added) {
      const auto checked = check_size(member.id, member.address, member.attributes);
      if (!checked) return checked;
    }
  }
  for (const MemberUpdate& update : change.update) {
    const auto checked = check_size(update.id, update.address.value_or(std::string{}),
                                    update.attributes.value_or(Bytes{}));
    if (!checked) return checked;
  }
  return {};
}

Result<Membership> enter(const Membership& current, const MembershipChange& change) {
  if (const auto checked = check_size(change); !checked) return checked.error();
  return Editor(current).edit(change);
}

Membership leave(const Membership& joint) {
  Membership simple = joint;
  simple.outgoing.clear();
  std::erase_if(simple.members, [](const Member& member) { return member.role == Role::leaving; });
  return simple;
}

}  // namespace raft::core
