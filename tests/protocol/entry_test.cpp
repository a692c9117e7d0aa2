#include "protocol/entry.hpp"

#include <catch2/catch.hpp>

namespace raft {
namespace {

Entry with(EntryBody body) { return {Term{2}, Index{3}, LogTime{Duration{4}}, std::move(body)}; }

MembershipPtr membership_at(std::string address) {
  Member member;
  member.id = {1};
  member.address = std::move(address);
  return std::make_shared<const Membership>(Membership{{member}, {}});
}

}  // namespace

// Catches memberships compared by their address in memory: what came over the wire or from the
// disk would never equal what was sent or written.
TEST_CASE("entries are equal in all fields, memberships by value", "[protocol][entry]") {
  CHECK(with(Noop{}) == with(Noop{}));
  CHECK(with(Command{"c", 1, "x"}) == with(Command{"c", 1, "x"}));
  CHECK_FALSE(with(Command{"c", 1, "x"}) == with(Command{"c", 2, "x"}));
  CHECK_FALSE(with(Noop{}) == with(Command{}));
  CHECK(with(membership_at("a")) == with(membership_at("a")));
  CHECK_FALSE(with(membership_at("a")) == with(membership_at("b")));
  CHECK_FALSE(with(membership_at("a")) == with(Noop{}));

  Entry later = with(Noop{});
  later.time = LogTime{Duration{5}};
  CHECK_FALSE(later == with(Noop{}));
}

// Catches limits that count only payloads: a million empty commands would weigh nothing.
TEST_CASE("an entry weighs its payload and a share for its header", "[protocol][entry]") {
  const std::size_t empty = size_of(with(Noop{}));
  CHECK(empty > 0);
  CHECK(size_of(with(Command{"abc", 1, "defgh"})) == empty + 8);
  CHECK(size_of(with(membership_at(std::string(100, 'a')))) > empty + 100);
}

}  // namespace raft
