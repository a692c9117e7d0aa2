#include "replica/address_book.hpp"

namespace raft::replica {

// Until a removal is committed nobody is let go, nor is the leader, which may be removing itself;
// and a leader still tells departing peers that they were removed.
void AddressBook::collect(const core::Core& core, std::map<NodeId, std::string>& peers) {
  std::set<NodeId> wanted{core.leader()};
  for (const LoggedMembership* known :
       {&core.log().membership_at(core.commit()), &core.membership()}) {
    for (const Member& member : known->membership->members) {
      addresses_[member.id] = member.address;
      wanted.insert(member.id);
    }
  }
  if (const core::Leader* leader = core.leader_state()) {
    for (const auto& [peer, progress] : leader->peers) wanted.insert(peer);
  }
  wanted.erase(core.id());
  for (const NodeId peer : wanted) {
    if (const auto known = addresses_.find(peer); known != addresses_.end()) peers.insert(*known);
  }
}

}  // namespace raft::replica
