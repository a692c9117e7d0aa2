#include <libraft/membership.hpp>

#include <algorithm>
#include <string_view>

namespace raft {
namespace {

void append_ids(std::string& out, const std::vector<NodeId>& ids) {
  std::string_view separator = "";
  for (const NodeId id : ids) {
    out.append(separator).append(to_string(id));
    separator = " ";
  }
}

}  // namespace

std::vector<NodeId> Membership::voters() const {
  std::vector<NodeId> voters;
  for (const Member& member : members) {
    if (member.role == Role::voter) voters.push_back(member.id);
  }
  return voters;
}

// Memberships are so small that a walk beats a binary search.
const Member* Membership::find(NodeId id) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [id](const Member& member) { return member.id == id; });
  return found == members.end() ? nullptr : &*found;
}

bool Membership::is_voter(NodeId id) const {
  const Member* member = find(id);
  if (member != nullptr && member->role == Role::voter) return true;
  return std::find(outgoing.begin(), outgoing.end(), id) != outgoing.end();
}

bool Membership::names(NodeId id, InstanceId instance) const {
  const Member* member = find(id);
  return member != nullptr && member->instance == instance;
}

std::string to_string(const Membership& membership) {
  std::string out;
  append_ids(out, membership.voters());
  if (membership.is_joint()) {
    out += " after ";
    append_ids(out, membership.outgoing);
  }
  std::string_view separator = " | ";
  for (const Member& member : membership.members) {
    if (member.role != Role::learner) continue;
    out.append(separator).append(to_string(member.id)).append(" learner");
    separator = ", ";
  }
  return out;
}

}  // namespace raft
