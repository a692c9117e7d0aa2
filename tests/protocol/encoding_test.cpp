#include "protocol/encoding.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <string_view>

namespace raft {
namespace {

template <class Value>
Bytes encoded(const Value& value) {
  Bytes out;
  util::Writer writer(out);
  encode(value, writer);
  return out;
}

// Absent: refused, or something was left over.
template <class Decode>
auto decoded(BytesView bytes, Decode decode)
    -> std::optional<decltype(decode(std::declval<util::Reader&>()))> {
  util::Reader in(bytes);
  auto value = decode(in);
  if (!in.done()) return std::nullopt;
  return value;
}

Member member(std::uint64_t id, Role role = Role::voter) {
  Member made;
  made.id = {id};
  made.instance = {1, id};
  made.address = "h:" + std::to_string(id);
  made.role = role;
  made.attributes = Bytes("\0a", 2);
  return made;
}

bool is_accepted(const Membership& membership) {
  return decoded(encoded(membership), decode_membership).has_value();
}

std::string hexadecimal(BytesView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    out += digits[static_cast<unsigned char>(byte) >> 4];
    out += digits[static_cast<unsigned char>(byte) & 0xf];
  }
  return out;
}

}  // namespace

// Catches any change of the form that existing disks hold.
TEST_CASE("an entry's bytes are what disks hold", "[protocol][encoding]") {
  const Entry entry{{3}, {13}, LogTime{Duration{101}}, Command{"c", 9, "set"}};
  CHECK(hexadecimal(encoded(entry)) ==
        "03000000000000000d00000000000000650000000000000002"
        "010000006309000000000000000300000073"
        "6574");
  const Entry noop{{1}, {2}, LogTime{Duration{3}}, Noop{}};
  CHECK(encoded(noop).size() == entry_bytes_min);
}

TEST_CASE("entries of every kind come back as they were", "[protocol][encoding]") {
  const auto membership = std::make_shared<const Membership>(
      Membership{{member(1), member(2, Role::learner), member(7, Role::leaving)}, {{1}, {7}}});
  for (const EntryBody& body :
       {EntryBody(Noop{}), EntryBody(Command{"", 0, ""}),
        EntryBody(Command{Bytes(64, 'c'), ~std::uint64_t{0}, Bytes(1000, '\xff')}),
        EntryBody(membership)}) {
    const Entry entry{{term_limit - 1}, {term_limit - 1}, LogTime{Duration{5}}, body};
    const auto back = decoded(encoded(entry), decode_entry);
    REQUIRE(back);
    CHECK(**back == entry);
  }
}

TEST_CASE("an entry that no log can hold is refused", "[protocol][encoding]") {
  const Entry good{{1}, {1}, LogTime{Duration{0}}, Noop{}};
  REQUIRE(decoded(encoded(good), decode_entry));
  const auto refused = [&good](const std::function<void(Entry&)>& spoil) {
    Entry bad = good;
    spoil(bad);
    return !decoded(encoded(bad), decode_entry);
  };
  CHECK(refused([](Entry& entry) { entry.term = {}; }));
  CHECK(refused([](Entry& entry) { entry.index = {}; }));
  CHECK(refused([](Entry& entry) { entry.term = {term_limit}; }));
  CHECK(refused([](Entry& entry) { entry.index = {term_limit}; }));
  CHECK(refused([](Entry& entry) {
    entry.time = LogTime{Duration{static_cast<Duration::rep>(term_limit)}};
  }));
  CHECK(refused([](Entry& entry) { entry.body = std::make_shared<const Membership>(); }));

  Bytes unknown_kind = encoded(good);
  for (const char kind : {'\0', '\4', '\xff'}) {
    unknown_kind.back() = kind;
    CHECK_FALSE(decoded(unknown_kind, decode_entry));
  }
}

// Catches memberships that would count a node twice, or count one that is not there.
TEST_CASE("a membership must make sense", "[protocol][encoding][thesis-4.3]") {
  CHECK(is_accepted({}));
  CHECK(is_accepted({{member(1), member(2)}, {}}));
  CHECK(is_accepted({{member(1), member(2, Role::leaving)}, {{1}, {2}}}));
  CHECK(is_accepted({{member(1), member(2, Role::learner)}, {{1}, {2}}}));

  CHECK_FALSE(is_accepted({{member(2), member(1)}, {}}));
  CHECK_FALSE(is_accepted({{member(1), member(1)}, {}}));
  CHECK_FALSE(is_accepted({{member(0), member(1)}, {}}));
  CHECK_FALSE(is_accepted({{member(1, Role::learner)}, {}}));
  CHECK_FALSE(is_accepted({{}, {{1}}}));
  CHECK_FALSE(is_accepted({{member(1)}, {{1}, {2}}}));
  CHECK_FALSE(is_accepted({{member(1), member(2)}, {{2}, {1}}}));
  CHECK_FALSE(is_accepted({{member(1), member(2)}, {{1}, {1}}}));
  CHECK_FALSE(is_accepted({{member(1), member(2, Role::leaving)}, {}}));
  CHECK_FALSE(is_accepted({{member(1), member(2, Role::leaving)}, {{1}}}));
  CHECK_FALSE(is_accepted({{member(1, static_cast<Role>(0))}, {}}));
  CHECK_FALSE(is_accepted({{member(1, static_cast<Role>(4))}, {}}));
}

TEST_CASE("a membership change comes back as it was", "[protocol][encoding]") {
  MembershipChange change;
  change.add_voters = {member(4)};
  change.add_learners = {member(6, Role::learner), member(5, Role::learner)};
  change.promote = {{7}};
  change.demote = {{8}, {3}};
  change.remove = {{9}};
  change.update = {{{1}, "new:1", std::nullopt}, {{2}, std::nullopt, Bytes("x")}};
  change.expected_index = Index{77};
  change.force = true;
  CHECK(decoded(encoded(change), decode_membership_change) == change);
  CHECK(decoded(encoded(MembershipChange{}), decode_membership_change) == MembershipChange{});
}

// Catches a follower whose connection to the leader breaks over a user's nonsense.
TEST_CASE("a change that is nonsense still arrives, to be refused", "[protocol][encoding]") {
  MembershipChange change;
  change.add_voters = {member(0)};
  change.remove = {{0}, {0}};
  change.expected_index = Index{~std::uint64_t{0}};
  CHECK(decoded(encoded(change), decode_membership_change) == change);
}

TEST_CASE("a snapshot's description comes back as it was", "[protocol][encoding]") {
  SnapshotMeta meta;
  meta.last = {{3}, {40}};
  meta.time = LogTime{Duration{12345}};
  meta.membership = {{38}, std::make_shared<const Membership>(Membership{{member(1)}, {}})};
  const auto back = decoded(encoded(meta), decode_snapshot_meta);
  REQUIRE(back);
  CHECK(back->last == meta.last);
  CHECK(back->time == meta.time);
  CHECK(back->membership.index == meta.membership.index);
  CHECK(*back->membership.membership == *meta.membership.membership);
}

TEST_CASE("only a snapshot of nothing has no membership", "[protocol][encoding]") {
  SnapshotMeta meta;
  const auto nothing = decoded(encoded(meta), decode_snapshot_meta);
  REQUIRE(nothing);
  CHECK(*nothing->membership.membership == Membership{});

  meta.last = {{1}, {1}};
  CHECK_FALSE(decoded(encoded(meta), decode_snapshot_meta));
  meta.membership.membership = std::make_shared<const Membership>(Membership{{member(1)}, {}});
  CHECK(decoded(encoded(meta), decode_snapshot_meta));
  meta.membership.index = {2};
  CHECK_FALSE(decoded(encoded(meta), decode_snapshot_meta));
  meta.membership.index = {};
  meta.last = {{1}, {0}};
  CHECK_FALSE(decoded(encoded(meta), decode_snapshot_meta));
}

}  // namespace raft
