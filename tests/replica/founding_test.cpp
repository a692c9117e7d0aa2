// How a node with nothing on disk begins: founding, joining, gathering.
#include "replica/founding.hpp"

#include <catch2/catch.hpp>
#include <optional>

#include "core/random.hpp"
#include "replica/beginning.hpp"
#include "replica/hand_ports.hpp"

namespace raft::replica {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr GroupId group{7};

Instant at(Duration since_start) { return Instant(since_start); }

Member member(std::uint64_t id) {
  return {NodeId{id}, InstanceId{id, id}, "n" + std::to_string(id), Role::learner, false, "http"};
}

Joiner joiner() { return Joiner({"a", "b"}, member(4), BootNumber{3}, at(seconds(30))); }

Result<ServiceReply> reply(Errc code, const std::string& detail = {},
                           const std::string& leader = {}) {
  ServiceReply answer;
  answer.error = static_cast<std::uint8_t>(code);
  answer.detail = detail;
  answer.leader_address = leader;
  return answer;
}

bool goes_on(const Joiner::Outcome& outcome) {
  return std::holds_alternative<std::monostate>(outcome);
}

/// One life of node 1 on a disk, up to where its replica would be opened. Nobody else is there.
struct Life final : IdentityKeeper, Introducer {
  explicit Life(sim::Disk& on) : disk(on), store(on.engine(), GroupId{0}) {
    auto opened = storage::IdentityFile::open(disk.root(), NodeId{1}, {1, 1}, false);
    if (opened && opened->begin_life()) file = *std::move(opened);
  }

  storage::Identity identity() const override { return file->identity(); }
  Result<void> change_identity(const std::function<void(storage::Identity&)>& change) override {
    storage::Identity changed = file->identity();
    change(changed);
    return file->change(changed);
  }
  std::optional<Error> final_error() const override { return file->final_error(); }
  void introduce(const std::string&, std::optional<ServiceBody>,
                 util::UniqueFunction<void(Result<Introduction>)>) override {}

  Result<std::optional<RecoveredLog>> begin(bool bootstrap) {
    GroupOptions options;
    options.founding.bootstrap = bootstrap;
    return begin(options);
  }
  Result<std::optional<RecoveredLog>> begin(const GroupOptions& options) {
    if (!file) return Errc::storage_failed;
    Beginning beginning(options, "n1", {*this, *this, driver, store, disk.engine(), {}});
    return beginning.open();
  }

  sim::Disk& disk;
  std::optional<storage::IdentityFile> file;
  storage::LogStore store;
  test::HandDriver driver;
};

Result<Hello> hello(std::uint64_t node, ClusterId cluster = {}) {
  Hello answer;
  answer.node = NodeId{node};
  answer.cluster = cluster;
  return answer;
}

std::vector<InitialMember> initial_members() {
  return {{NodeId{3}, "c", {}}, {NodeId{1}, "a", {}}, {NodeId{2}, "b", {}}};
}

}  // namespace

// --- founding ---

// A founder that is no voter, or an entry that is not committed, is a cluster that never works.
TEST_CASE("the founding entry is a committed membership of the founder alone",
          "[replica][founding]") {
  const PersistWork work = founding_work(member(7));
  REQUIRE(work.entries.size() == 1);
  const Entry& entry = *work.entries.front();
  CHECK(entry.id() == EntryId{Term{1}, Index{1}});
  REQUIRE(entry.membership());
  const Membership& membership = **entry.membership();
  REQUIRE(membership.members.size() == 1);
  CHECK(membership.is_voter(NodeId{7}));
  CHECK(membership.names(NodeId{7}, InstanceId{7, 7}));
  CHECK(membership.members.front().attributes == "http");
  CHECK_FALSE(membership.is_joint());
  REQUIRE(work.hard_state);
  CHECK(work.hard_state->term == Term{1});
  CHECK(work.hard_state->commit == Index{1});
  CHECK(work.writes());
}

// --- joining ---

TEST_CASE("a joiner asks one seed after the other with a pause", "[replica][joining]") {
  Joiner one = joiner();
  auto ask = one.next(at(seconds(0)));
  REQUIRE(ask);
  CHECK(ask->address == "a");
  CHECK(ask->request.member == member(4));
  CHECK(ask->request.id.boot == BootNumber{3});
  CHECK_FALSE(one.next(at(seconds(1))));  // The answer is awaited.

  CHECK(goes_on(one.answered(Errc::timed_out, at(seconds(1)))));
  CHECK_FALSE(one.next(at(seconds(1) + milliseconds(199))));
  const auto second = one.next(at(seconds(1) + milliseconds(200)));
  REQUIRE(second);
  CHECK(second->address == "b");
  CHECK(second->request.id.number != ask->request.id.number);
  CHECK(goes_on(one.answered(reply(Errc::conflict), at(seconds(2)))));
  CHECK(one.next(at(seconds(3)))->address == "a");
}

// Without the hint a newcomer would find the leader by luck only.
TEST_CASE("a joiner follows the hint to the leader at once", "[replica][joining]") {
  Joiner one = joiner();
  static_cast<void>(one.next(at(seconds(0))));
  CHECK(goes_on(one.answered(reply(Errc::not_leader, {}, "leader"), at(seconds(1)))));
  CHECK(one.next(at(seconds(1)))->address == "leader");
  // The hint may be old: then it is the seeds' turn again.
  CHECK(goes_on(one.answered(Errc::timed_out, at(seconds(2)))));
  CHECK(one.next(at(seconds(3)))->address == "b");
  CHECK(goes_on(one.answered(reply(Errc::not_leader), at(seconds(3)))));
  CHECK_FALSE(one.next(at(seconds(3))));
}

TEST_CASE("a joiner ends when it is taken in", "[replica][joining]") {
  Joiner one = joiner();
  static_cast<void>(one.next(at(seconds(0))));
  ServiceReply taken;
  taken.cluster = {7, 8};
  const auto outcome = one.answered(taken, at(seconds(1)));
  REQUIRE(std::holds_alternative<Joiner::Joined>(outcome));
  CHECK(std::get<Joiner::Joined>(outcome).cluster == ClusterId{7, 8});
}

// Trying on with an id that another instance has would go on for ever, and look like patience.
TEST_CASE("an id that is taken ends the joining at once", "[bug-36][replica][joining]") {
  for (const Errc code : {Errc::id_taken, Errc::invalid_argument}) {
    Joiner one = joiner();
    static_cast<void>(one.next(at(seconds(0))));
    const auto outcome = one.answered(reply(code, "remove it first"), at(seconds(1)));
    REQUIRE(std::holds_alternative<Error>(outcome));
    CHECK(std::get<Error>(outcome).code == code);
    CHECK(std::get<Error>(outcome).detail == "remove it first");
  }
}

TEST_CASE("a joiner gives up in time and says what it heard last", "[replica][joining]") {
  Joiner one = joiner();
  static_cast<void>(one.next(at(seconds(0))));
  CHECK(one.last_answer() == "a has not answered");
  CHECK(goes_on(one.answered(reply(Errc::no_leader), at(seconds(29)))));
  CHECK(one.last_answer() == message(Errc::no_leader));
  static_cast<void>(one.next(at(seconds(30))));
  const auto outcome = one.answered(reply(Errc::conflict, "a change"), at(seconds(30)));
  REQUIRE(std::holds_alternative<Error>(outcome));
  CHECK(std::get<Error>(outcome).code == Errc::timed_out);
  CHECK(std::get<Error>(outcome).detail.find("a change") != std::string::npos);
}

// --- gathering ---

TEST_CASE("the smallest id founds", "[replica][gathering]") {
  CHECK(founder_of(initial_members()) == NodeId{1});
  CHECK(founder_of({}) == NodeId{});
}

// Founding before all have answered could found beside a cluster that lives already.
TEST_CASE("gathering waits until every other node has answered", "[replica][gathering]") {
  Gathering gathering(NodeId{1}, group, initial_members());
  CHECK_FALSE(gathering.is_complete());
  CHECK(gathering.next(at(seconds(0))) == "b");
  CHECK_FALSE(gathering.next(at(seconds(0))));
  CHECK(gathering.answered(Errc::timed_out, ClusterId{}, at(seconds(1))));
  CHECK_FALSE(gathering.next(at(seconds(1))));
  CHECK(gathering.next(at(seconds(2))) == "c");
  CHECK(gathering.answered(hello(3), ClusterId{}, at(seconds(2))));
  CHECK(gathering.next(at(seconds(2))) == "b");
  CHECK(gathering.answered(hello(2), ClusterId{}, at(seconds(2))));
  CHECK(gathering.is_complete());
  CHECK_FALSE(gathering.next(at(seconds(9))));
}

TEST_CASE("gathering refuses to found beside a cluster", "[bug-36][replica][gathering]") {
  Gathering gathering(NodeId{1}, group, initial_members());
  static_cast<void>(gathering.next(at(seconds(0))));
  const Result<void> answered =
      gathering.answered(hello(2, ClusterId{1, 1}), ClusterId{}, at(seconds(0)));
  REQUIRE_FALSE(answered);
  CHECK(answered.code() == Errc::conflict);
  CHECK_FALSE(gathering.is_complete());
}

// Catches a second group that cannot be founded once the first one has made the cluster, and one
// that is founded twice.
TEST_CASE("gathering for a further group accepts nodes of the own cluster without that group",
          "[replica][gathering][groups]") {
  const ClusterId own{1, 1};
  Gathering gathering(NodeId{1}, group, initial_members());
  static_cast<void>(gathering.next(at(seconds(0))));
  Hello other = *hello(2, own);
  other.standings.push_back({GroupId{1}, Index{5}, Term{1}, Index{5}});
  other.standings.push_back({group, Index{}, Term{}, Index{}});
  CHECK(gathering.answered(other, own, at(seconds(0))));
  static_cast<void>(gathering.next(at(seconds(0))));
  SECTION("of another cluster") { other = *hello(3, ClusterId{2, 2}); }
  SECTION("with a log of the group") {
    other = *hello(3, own);
    other.standings.push_back({group, Index{}, Term{}, Index{1}});
  }
  const Result<void> answered = gathering.answered(other, own, at(seconds(0)));
  REQUIRE_FALSE(answered);
  CHECK(answered.code() == Errc::conflict);
}

TEST_CASE("gathering refuses another node at an address", "[replica][gathering]") {
  Gathering gathering(NodeId{1}, group, initial_members());
  static_cast<void>(gathering.next(at(seconds(0))));
  const Result<void> answered = gathering.answered(hello(3), ClusterId{}, at(seconds(0)));
  REQUIRE_FALSE(answered);
  CHECK(answered.code() == Errc::invalid_argument);
  CHECK(answered.error().detail.find("b") != std::string::npos);
}

TEST_CASE("a founder with nobody else is complete", "[replica][gathering]") {
  CHECK(Gathering(NodeId{1}, group, {{NodeId{1}, "a", {}}}).is_complete());
}

// --- on the disk ---

// Would catch a founder that a power cut leaves with a cluster and no log: it counts as a member,
// so that it is not to found any more, and as empty, so that it cannot start either.
TEST_CASE("a founding that is cut off has not begun, or goes on without being told",
          "[replica][founding][crash]") {
  core::Random random(1);
  bool was_found_cut_off = false;
  for (std::uint64_t cut = 0;; ++cut) {
    INFO("cut after " << cut << " changes");
    sim::Disk disk;
    disk.faults().power_off_after(cut);
    const bool founded = Life(disk).begin(true).has_value();
    disk.power_on(random);
    {
      Life again(disk);
      REQUIRE(again.file);
      const bool belonged = bool(again.identity().cluster);
      const auto log = again.begin(false);
      CHECK((log.has_value() || (!founded && !belonged)));
      if (log) {
        REQUIRE(*log);
        CHECK((*log)->last == Index{1});
        CHECK(again.identity().cluster);
        was_found_cut_off = was_found_cut_off || !belonged;
      }
    }
    Life last(disk);
    CHECK(last.begin(true).has_value());
    CHECK(last.identity().cluster);
    if (founded) break;
    REQUIRE(cut < 20);
  }
  CHECK(was_found_cut_off);
}

// Would catch a node that leads a cluster of its own where it was told to join one.
TEST_CASE("a founding that was cut off is not gone on with by who is to join another cluster",
          "[replica][founding]") {
  sim::Disk disk;
  Life life(disk);
  REQUIRE(life.file);
  storage::KvBatch batch;
  REQUIRE(life.store.recover());
  life.store.stage(founding_work(member(1)), batch);
  REQUIRE(disk.engine().write(batch, true));
  GroupOptions joining;
  joining.founding.join = {"elsewhere:1"};
  joining.founding.cluster = {1, 2};
  CHECK(life.begin(joining).code() == Errc::conflict);
  CHECK_FALSE(life.identity().cluster);
  CHECK(life.begin(true).has_value());
}

TEST_CASE("a founder without space has not begun, and founds once there is some",
          "[replica][founding][space]") {
  core::Random random(1);
  sim::Disk disk;
  {
    Life life(disk);
    REQUIRE(life.file);
    disk.faults().set_full(true);
    CHECK(life.begin(true).code() == Errc::storage_full);
    CHECK_FALSE(life.identity().cluster);
  }
  disk.faults().set_full(false);
  disk.power_on(random);
  Life next(disk);
  CHECK(next.begin(true).has_value());
  CHECK(next.identity().cluster);
}

// Would catch a node that takes another directory's log for its own founding.
TEST_CASE("a log beside an identity that names no cluster is refused unless it was just founded",
          "[replica][founding]") {
  sim::Disk disk;
  Life life(disk);
  REQUIRE(life.file);
  PersistWork work = founding_work(member(1));
  work.entries.push_back(std::make_shared<const Entry>(Entry{Term{2}, Index{2}, {}, Noop{}}));
  work.hard_state->term = Term{2};
  storage::KvBatch batch;
  REQUIRE(life.store.recover());
  life.store.stage(work, batch);
  REQUIRE(disk.engine().write(batch, true));
  CHECK(life.begin(true).code() == Errc::corrupt);
}

}  // namespace raft::replica
