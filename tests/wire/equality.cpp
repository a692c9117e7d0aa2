#include "wire/equality.hpp"

#include <algorithm>
#include <variant>

namespace raft::wire {
namespace {

template <class Body>
bool same_body(const Body& a, const Body& b) {
  return a == b;
}

bool same_body(const AppendRequest& a, const AppendRequest& b) {
  const auto same_entry = [](const EntryPtr& one, const EntryPtr& other) { return *one == *other; };
  return a.mark == b.mark && a.prev == b.prev &&
         std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
                    same_entry);
}

bool same_body(const SnapshotOffer& a, const SnapshotOffer& b) {
  const SnapshotMeta& one = a.snapshot.meta;
  const SnapshotMeta& other = b.snapshot.meta;
  return a.mark == b.mark && a.snapshot.bytes == b.snapshot.bytes &&
         a.snapshot.crc == b.snapshot.crc && one.last == other.last && one.time == other.time &&
         one.membership.index == other.membership.index &&
         *one.membership.membership == *other.membership.membership;
}

}  // namespace

bool same(const Message& a, const Message& b) {
  if (a.from != b.from || a.to != b.to || a.term != b.term) return false;
  if (a.body.index() != b.body.index()) return false;
  return std::visit(
      [&b](const auto& body) {
        return same_body(body, std::get<std::decay_t<decltype(body)>>(b.body));
      },
      a.body);
}

}  // namespace raft::wire
