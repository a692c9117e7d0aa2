// Log replication (RP). Each would let logs differ for ever, or lose what was acknowledged, if it
// failed.
#include "core/scenario.hpp"

namespace raft::test {
namespace {

/// The entry that logs given by terms hold at this place.
EntryPtr entry(std::uint64_t in_term, std::uint64_t at) {
  const EntryId id{term(in_term), index(at)};
  Command command;
  command.bytes = to_string(id);
  return std::make_shared<Entry>(Entry{id.term, id.index, {}, command});
}

AppendRequest append(EntryId prev, const std::vector<std::uint64_t>& terms) {
  AppendRequest request;
  request.mark.session = {1};
  request.prev = prev;
  for (const std::uint64_t each : terms) {
    request.entries.push_back(entry(each, prev.index.value + request.entries.size() + 1));
  }
  return request;
}

const core::Progress& progress(const Cluster& cluster, NodeId leader, NodeId peer) {
  return cluster.core(leader).leader_state()->peers.at(peer);
}

}  // namespace

// Would catch anything that breaks the one thing everybody needs.
TEST_CASE("RP-01 a proposal is appended, replicated, committed and applied everywhere",
          "[RP-01][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    for (const char* command : {"x", "y", "z"}) REQUIRE(cluster.propose(n1, command));
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    for (const NodeId id : cluster.ids()) CHECK(cluster.machine(id) == "x y z");
  });
}

// Would catch a follower that accepts behind a gap or a conflict, or whose hint skips too much.
TEST_CASE("RP-02 an append whose predecessor is missing or differs is refused with a hint",
          "[RP-02][replication]") {
  for_each_variant([](const Variant& variant) {
    struct Case {
      EntryId prev;
      EntryId hint;
      NoteKind why;
    };
    const std::vector<Case> cases{
        {{term(5), index(7)}, {term(2), index(3)}, NoteKind::append_gap_rejected},
        {{term(1), index(7)}, {term(1), index(2)}, NoteKind::append_gap_rejected},
        {{term(3), index(3)}, {term(2), index(3)}, NoteKind::append_conflict_rejected},
        {{term(1), index(3)}, {term(1), index(2)}, NoteKind::append_conflict_rejected}};
    for (const Case& each : cases) {
      Setup setup = variant.apply();
      setup.logs = {{n2, {1, 1, 2}}};
      Cluster cluster(setup);
      cluster.inject({n1, n2, term(6), append(each.prev, {6})});
      const auto replies = cluster.in_flight(n2, n1);
      REQUIRE(replies.size() == 1);
      const auto* rejected = std::get_if<AppendRejected>(&replies.front().body);
      REQUIRE(rejected != nullptr);
      CHECK(rejected->rejected == each.prev.index);
      CHECK(rejected->hint == each.hint);
      CHECK(cluster.noted(n2, each.why));
      CHECK(cluster.log_terms(n2) == "1 1 2");
    }
  });
}

// Would catch a follower that truncates too much or too little.
TEST_CASE("RP-03 a follower truncates from the first conflict only", "[RP-03][replication]") {
  for_each_variant([](const Variant& variant) {
    struct Case {
      EntryId prev;
      std::vector<std::uint64_t> terms;
      std::string log;
    };
    const std::vector<Case> cases{{{term(1), index(2)}, {3}, "1 1 3"},
                                  {{term(1), index(2)}, {2, 3}, "1 1 2 3"},
                                  {{}, {1}, "1 1 2 2"},
                                  {{}, {3}, "3"},
                                  {{term(1), index(1)}, {1, 2}, "1 1 2 2"},
                                  {{term(2), index(4)}, {3, 3}, "1 1 2 2 3 3"},
                                  {{term(2), index(3)}, {}, "1 1 2 2"}};
    for (const Case& each : cases) {
      Setup setup = variant.apply();
      setup.logs = {{n2, {1, 1, 2, 2}}};
      Cluster cluster(setup);
      cluster.inject({n1, n2, term(5), append(each.prev, each.terms)});
      CHECK(cluster.log_terms(n2) == each.log);
      CHECK(cluster.disk(n2).last() == cluster.core(n2).log().last());
      CHECK(cluster.sent<AppendAccepted>(n2, n1) == 1);
    }
  });
}

// Would catch any of the ways in which logs can differ and a leader does not see it (figure 3.6 of
// the thesis: followers that miss entries, have too many, or both).
TEST_CASE("RP-04 a new leader brings six different logs to its own", "[RP-04][replication]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.voters = {n1, n2, n3, n4, n5, n6, n7};
    setup.logs = {{n1, {1, 1, 1, 4, 4, 5, 5, 6, 6, 6}},
                  {n2, {1, 1, 1, 4, 4, 5, 5, 6, 6}},
                  {n3, {1, 1, 1, 4}},
                  {n4, {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6}},
                  {n5, {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7}},
                  {n6, {1, 1, 1, 4, 4, 4, 4}},
                  {n7, {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}}};
    setup.terms = {{n1, 7}};
    Cluster cluster(setup);
    cluster.elect(n1);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    const std::string log = "1 1 1 4 4 5 5 6 6 6 " + to_string(cluster.core(n1).term());
    for (const NodeId id : setup.voters) CHECK(cluster.log_terms(id) == log);
  });
}

// Would catch probing entry by entry: hours for a log of millions.
TEST_CASE("RP-05 probing skips whole terms", "[RP-05][replication]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.logs[n1] = setup.logs[n3] = {1};
    setup.logs[n1].insert(setup.logs[n1].end(), 50, 5);
    setup.logs[n3].insert(setup.logs[n3].end(), 50, 5);
    setup.logs[n2] = {1};
    setup.logs[n2].insert(setup.logs[n2].end(), 40, 3);
    setup.logs[n2].insert(setup.logs[n2].end(), 20, 4);
    Cluster cluster(setup);
    cluster.elect(n1);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    CHECK(cluster.sent<AppendRejected>(n2, n1) <= (variant.drops ? 12u : 3u));  // Of 60.
  });
}

// Would catch a follower that loses acknowledged entries to a late copy of an earlier append.
TEST_CASE("RP-06 an old append keeps the entries behind it", "[RP-06][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.isolate(n2);
    cluster.hold(n3, n1);  // Nothing is committed: the commit index does not protect the suffix.
    REQUIRE(cluster.propose(n1, "x"));
    const auto old = cluster.in_flight(n1, n3);
    REQUIRE(old.size() == 1);
    REQUIRE(cluster.propose(n1, "y"));
    cluster.deliver(n1, n3);
    REQUIRE(cluster.core(n3).log().last_index() == index(3));
    cluster.inject(old.front());
    CHECK(cluster.core(n3).log().last_index() == index(3));
    CHECK_FALSE(cluster.noted(n3, NoteKind::log_truncated));
    cluster.release(n3, n1);
    CHECK(cluster.settle_until([&] { return cluster.machine(n1) == "x y"; }));
  });
}

// Would catch a match index that falls, or grows by what was not acknowledged.
TEST_CASE("RP-07 reordered and repeated appends and answers only let match grow",
          "[RP-07][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    for (int round = 0; round < 5; ++round) {
      for (const char* command : {"a", "b", "c", "d"}) REQUIRE(cluster.propose(n1, command));
      const Index before = progress(cluster, n1, n3).match;
      cluster.duplicate(n1, n3);
      cluster.reverse(n1, n3);
      cluster.deliver(n1, n3);
      cluster.duplicate(n3, n1);
      cluster.reverse(n3, n1);
      cluster.deliver(n3, n1);
      CHECK(progress(cluster, n1, n3).match >= before);
      CHECK(progress(cluster, n1, n3).match <= cluster.disk(n3).last().index);
    }
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  });
}

// Would catch a late rejection that throws a follower back for nothing.
TEST_CASE("RP-08 a rejection at or below match is ignored", "[RP-08][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    for (const char* command : {"x", "y"}) REQUIRE(cluster.propose(n1, command));
    REQUIRE(cluster.settle_until([&] { return progress(cluster, n1, n2).match == index(3); }));
    const core::Progress before = progress(cluster, n1, n2);
    const PeerMark mark{before.session, {}, {}};
    cluster.inject({n2, n1, cluster.core(n1).term(), AppendRejected{mark, index(3), {}}});
    CHECK(progress(cluster, n1, n2).state == core::Progress::State::replicate);
    CHECK(progress(cluster, n1, n2).next == before.next);
  });
}

// Would catch entries that a deposed leader sneaks in.
TEST_CASE("RP-09 appends of a deposed leader arrive late and are ignored", "[RP-09][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    REQUIRE(cluster.run_until([&] { return cluster.is_converged(); }));
    cluster.cut(n1, n2);
    cluster.hold(n1, n3);
    REQUIRE(cluster.propose(n1, "late"));
    cluster.elect(n2);
    REQUIRE(cluster.propose(n2, "x"));
    cluster.release(n1, n3);
    cluster.heal();
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    for (const NodeId id : cluster.ids()) CHECK(cluster.machine(id) == "x");
  });
}

// Would catch the confirmation of an old write that vouches for entries which replaced it while it
// was on its way (etcd #1690).
TEST_CASE("RP-10 the confirmation of a replaced write makes nothing stable",
          "[RP-10][bug-11][replication]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.logs = {{n1, {1}}, {n2, {1}}, {n3, {1}}};
    Cluster cluster(setup);
    cluster.hold_disk(n3);
    cluster.inject({n1, n3, term(2), append({term(1), index(1)}, {2, 2, 2})});
    cluster.inject({n2, n3, term(3), append({term(1), index(1)}, {3, 3})});
    REQUIRE(cluster.waiting_batches(n3) == 2);
    cluster.persist(n3, 1);
    CHECK(cluster.core(n3).log().stable() == index(1));
    CHECK(cluster.sent<AppendAccepted>(n3, n2) == 0);
    cluster.persist(n3, 1);
    CHECK(cluster.core(n3).log().stable() == index(3));
    CHECK(cluster.sent<AppendAccepted>(n3, n2) == 1);
  });
}

// Would catch an acknowledgement of a batch that is still behind the one confirmed.
TEST_CASE("RP-11 with several writes under way each is acknowledged when it is on disk",
          "[RP-11][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.hold_disk(n3);
    for (const char* command : {"x", "y", "z"}) {
      REQUIRE(cluster.propose(n1, command));
      cluster.deliver(n1, n3);
    }
    REQUIRE(cluster.waiting_batches(n3) == 3);
    CHECK(progress(cluster, n1, n3).match == index(1));
    for (std::uint64_t written = 2; written <= 4; ++written) {
      cluster.persist(n3, 1);
      cluster.deliver(n3, n1);
      CHECK(progress(cluster, n1, n3).match == index(written));
    }
  });
}

// Would catch a proposal that vanishes in silence.
TEST_CASE("RP-12 a proposal on a follower is refused and leaves no trace", "[RP-12][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    CHECK(refusal(cluster.propose(n2, "x")) == Errc::not_leader);
    CHECK(cluster.core(n2).log().last_index() == index(1));
    CHECK(cluster.core(n2).leader() == n1);
  });
}

// Would catch a proposal that waits for a leader nobody may ever elect.
TEST_CASE("RP-13 a proposal without a leader is refused", "[RP-13][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    CHECK(refusal(cluster.propose(n1, "x")) == Errc::not_leader);
    cluster.elect(n1);
    cluster.isolate(n1);
    REQUIRE(cluster.run_until([&] { return !cluster.core(n1).is_leader(); }, 2s));
    CHECK(refusal(cluster.propose(n1, "x")) == Errc::not_leader);
  });
}

// Would catch a peer that stays in probing after its connection came back.
TEST_CASE("RP-14 a peer returns to pipelining after one heartbeat round", "[RP-14][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.cut(n1, n3);
    cluster.lose_peer(n1, n3);
    REQUIRE(cluster.propose(n1, "x"));
    cluster.settle();
    CHECK(progress(cluster, n1, n3).state == core::Progress::State::probe);
    cluster.heal();
    cluster.run_for(60ms);
    CHECK(cluster.settle_until([&] {
      return progress(cluster, n1, n3).state == core::Progress::State::replicate &&
             cluster.core(n3).log().last_index() == index(2);
    }));
  });
}

// Would catch a limit that cuts a batch in the wrong place, or never.
TEST_CASE("RP-15 appends are packed up to their limit", "[RP-15][replication]") {
  for_each_variant([](const Variant& variant) {
    for (const std::size_t total : {999u, 1000u, 1001u}) {
      Setup setup = variant.apply();
      setup.limits.append_bytes_max = 1000;
      Cluster cluster(setup);
      lead(cluster, n1);
      const std::size_t header = size_of(Entry{});
      cluster.begin_turn(n1);
      REQUIRE(cluster.propose(n1, std::string(500 - header, 'a')));
      REQUIRE(cluster.propose(n1, std::string(total - 500 - header, 'b')));
      REQUIRE(cluster.propose(n1, std::string(2000, 'c')));
      cluster.end_turn(n1);
      CHECK(cluster.in_flight(n1, n2).size() == (total <= 1000 ? 2 : 3));
      CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
    }
  });
}

// Would catch a command that is accepted and then fits no message.
TEST_CASE("RP-16 a command above the limit is refused when it is proposed",
          "[RP-16][replication]") {
  for_each_variant([](const Variant& variant) {
    Setup setup = variant.apply();
    setup.limits.command_bytes_max = 100;
    Cluster cluster(setup);
    lead(cluster, n1);
    CHECK(refusal(cluster.propose(n1, std::string(101, 'x'))) == Errc::too_large);
    CHECK(cluster.core(n1).log().last_index() == index(1));
    CHECK(cluster.propose(n1, std::string(100, 'x')));
  });
}

// Would catch a crash on terms that are no longer known.
TEST_CASE("RP-17 an append inside a follower's snapshot is acknowledged with its commit",
          "[RP-17][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    REQUIRE(cluster.propose(n1, "x"));
    const auto old = cluster.in_flight(n1, n3);
    for (const char* command : {"y", "z"}) REQUIRE(cluster.propose(n1, command));
    cluster.run_for(100ms);
    REQUIRE(cluster.settle_until([&] { return cluster.applied(n3) == index(4); }));
    cluster.compact(n3);
    REQUIRE(cluster.disk(n3).base().last.index == index(4));
    cluster.inject(old.front());
    const auto replies = cluster.in_flight(n3, n1);
    REQUIRE(replies.size() == 1);
    const auto* accepted = std::get_if<AppendAccepted>(&replies.front().body);
    REQUIRE(accepted != nullptr);
    CHECK(accepted->match == index(4));
    CHECK(cluster.noted(n3, NoteKind::append_below_commit));
  });
}

// Would catch an answer of somebody who is no peer any more.
TEST_CASE("RP-18 answers of a removed follower are ignored", "[RP-18][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    MembershipChange change;
    change.remove = {n3};
    REQUIRE(cluster.change(n1, change));
    REQUIRE(
        cluster.run_until([&] { return !cluster.core(n1).leader_state()->peers.contains(n3); }));
    const Index commit = cluster.core(n1).commit();
    cluster.inject({n3, n1, cluster.core(n1).term(), AppendAccepted{{}, commit}});
    cluster.inject({n3, n1, cluster.core(n1).term(), AppendRejected{{}, commit, {}}});
    cluster.inject({n3, n1, cluster.core(n1).term(), HeartbeatReply{}});
    CHECK(cluster.core(n1).is_leader());
    CHECK(cluster.core(n1).commit() == commit);
  });
}

// Would catch a node that believes two leaders of one term.
TEST_CASE("RP-19 a second leader of one term is refused and reported",
          "[RP-19][bug-8][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    const Term now = cluster.core(n1).term();
    const AppendRequest second = append({now, index(1)}, {now.value});
    cluster.inject({n2, n1, now, second});
    cluster.inject({n2, n3, now, second});
    for (const NodeId id : {n1, n3}) {
      CHECK(cluster.noted(id, NoteKind::second_leader));
      CHECK(cluster.core(id).log().last_index() == index(1));
      CHECK(cluster.core(id).leader() == n1);
    }
  });
}

// Would catch an acknowledgement that a peer gave in an earlier life, before its disk was lost.
TEST_CASE("RP-20 an answer of an earlier connection moves nothing", "[RP-20][replication]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    lead(cluster, n1);
    cluster.hold(n3, n1);
    REQUIRE(cluster.propose(n1, "x"));
    cluster.deliver(n1, n3);
    const auto old = cluster.take(n3, n1);
    REQUIRE(old.size() >= 1);
    cluster.disconnect(n1, n3);
    cluster.connect(n1, n3);
    const Index match = progress(cluster, n1, n3).match;
    for (const Message& message : old) cluster.inject(message);
    CHECK(cluster.noted(n1, NoteKind::stale_session_ignored));
    CHECK(progress(cluster, n1, n3).match == match);
    cluster.release(n3, n1);
    CHECK(cluster.run_until([&] { return cluster.is_converged(); }));
  });
}

}  // namespace raft::test
