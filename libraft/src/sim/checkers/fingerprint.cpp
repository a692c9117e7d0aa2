#include "sim/checkers/fingerprint.hpp"

#include <cstring>

namespace raft::sim {
namespace {

std::uint64_t fingerprint(const Membership& membership) {
  Fingerprint print;
  print.mix(membership.members.size()).mix(membership.outgoing.size());
  for (const Member& member : membership.members) {
    print.mix(member.id.value).mix(member.instance.high).mix(member.instance.low);
    print.mix(member.address).mix(static_cast<std::uint64_t>(member.role));
    print.mix(member.promote ? 1 : 0).mix(member.attributes);
  }
  for (const NodeId id : membership.outgoing) print.mix(id.value);
  return print.value();
}

}  // namespace

Fingerprint& Fingerprint::mix(BytesView bytes) {
  mix(bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    std::memcpy(&word, bytes.data(), size);
    mix(word);
    bytes.remove_prefix(size);
  }
  return *this;
}

std::uint64_t fingerprint(const Entry& entry) {
  Fingerprint print;
  print.mix(entry.term.value).mix(entry.index.value).mix(entry.body.index());
  print.mix(static_cast<std::uint64_t>(entry.time.since_founding.count()));
  if (const Command* command = entry.command()) print.mix(fingerprint(*command));
  if (const MembershipPtr* membership = entry.membership()) print.mix(fingerprint(**membership));
  return print.value();
}

std::uint64_t fingerprint(const Command& command) {
  return Fingerprint().mix(command.client).mix(command.sequence).mix(command.bytes).value();
}

}  // namespace raft::sim
