#include "protocol/entry.hpp"

namespace raft {
namespace {

// About what the entry's own fields and the pointers to it take in memory.
constexpr std::size_t header_bytes = 64;

std::size_t size_of(const Noop&) { return 0; }

std::size_t size_of(const Command& command) { return command.client.size() + command.bytes.size(); }

std::size_t size_of(const MembershipPtr& membership) {
  std::size_t bytes = membership->outgoing.size() * sizeof(NodeId);
  for (const Member& member : membership->members) {
    bytes += sizeof(Member) + member.address.size() + member.attributes.size();
  }
  return bytes;
}

}  // namespace

std::size_t size_of(const Entry& entry) {
  return header_bytes + std::visit([](const auto& body) { return size_of(body); }, entry.body);
}

bool operator==(const Entry& a, const Entry& b) {
  if (a.id() != b.id() || a.time != b.time) return false;
  const MembershipPtr* one = a.membership();
  const MembershipPtr* other = b.membership();
  if (one == nullptr || other == nullptr) return a.body == b.body;
  return **one == **other;
}

}  // namespace raft
