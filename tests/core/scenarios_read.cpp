// Linearizable reads (RD). Each would let a client read the past, or wait for ever, if it failed.
// That no answer is older than what was committed when it was asked for (R1) is checked on every
// read in every test here.
//
// Shown elsewhere:
//   RD-11  lease reads without check-quorum are refused when a group starts: tests/replica
//   RD-14  a lease under clocks that drift beyond the bound: the simulator, where clocks differ
//   RD-16  there is no operation that forgets a leader
#include "core/changes.hpp"
#include "core/scenario.hpp"

namespace raft::test {
namespace {

bool is_answered(const Cluster& cluster, NodeId id, std::uint64_t ticket) {
  return cluster.grants(id).contains(ticket);
}

/// Asks again where a read fails with its leadership, as any client would.
Index read_until_granted(Cluster& cluster, NodeId id) {
  std::optional<std::uint64_t> ticket;
  std::optional<Index> index;
  REQUIRE(cluster.run_until([&] {
    if (ticket && is_answered(cluster, id, *ticket)) {
      index = cluster.grants(id).at(*ticket);
      ticket.reset();
    }
    if (index) return true;
    if (!ticket) {
      if (const auto asked = cluster.read(id)) ticket = *asked;
    }
    return false;
  }));
  return *index;
}

Setup with_leases() {
  Setup setup;
  setup.lease_reads = true;
  return setup;
}

/// A pre-vote request that would be granted but for promises.
Message pre_vote_request(const Cluster& cluster, NodeId from, NodeId to) {
  const core::Core& candidate = cluster.core(from);
  return {from, to, candidate.term(),
          PreVoteRequest{candidate.term().next(), candidate.log().last(), cluster.instance(to)}};
}

bool granted(const Cluster& cluster, NodeId voter, NodeId candidate) {
  const auto replies = cluster.in_flight(voter, candidate);
  REQUIRE_FALSE(replies.empty());
  return std::get<PreVoteReply>(replies.back().body).granted;
}

}  // namespace

// Would catch a leader that answers from memory.
TEST_CASE("RD-01 a read on the leader is answered after a round of a majority", "[RD-01][read]") {
  Cluster cluster;
  cluster.elect(n1);
  propose_many(cluster, n1, 3);
  cluster.settle();
  const auto ticket = cluster.read(n1);
  REQUIRE(ticket);
  CHECK_FALSE(is_answered(cluster, n1, *ticket));
  CHECK(cluster.noted(n1, NoteKind::read_round_started));
  cluster.deliver(n1, n3);
  CHECK_FALSE(is_answered(cluster, n1, *ticket));
  cluster.deliver(n3, n1);
  REQUIRE(is_answered(cluster, n1, *ticket));
  CHECK(cluster.grants(n1).at(*ticket) == index(4));
}

// Would catch reads that are lost where messages are.
TEST_CASE("RD-01 RD-02 reads on all nodes are answered, and their index is applied there",
          "[RD-01][RD-02][read]") {
  for_each_variant([](const Variant& variant) {
    Cluster cluster(variant.apply());
    cluster.elect(n1);
    for (int round = 0; round < 10; ++round) {
      propose_many(cluster, n1, 1);
      cluster.run_for(50ms);
      for (const NodeId id : cluster.ids()) {
        const Index index = read_until_granted(cluster, id);
        CHECK(cluster.run_until([&] { return cluster.applied(id) >= index; }));
      }
    }
  });
}

// Would catch a follower that waits for the next heartbeat to learn what it may already serve.
TEST_CASE("RD-02 a read on a follower is forwarded and can be served at once", "[RD-02][read]") {
  Cluster cluster;
  cluster.elect(n1);
  propose_many(cluster, n1, 3);
  cluster.settle();
  REQUIRE(cluster.applied(n2) < index(4));
  const auto ticket = cluster.read(n2);
  REQUIRE(ticket);
  CHECK(cluster.sent<ReadRequest>(n2, n1) == 1);
  cluster.settle();
  REQUIRE(is_answered(cluster, n2, *ticket));
  CHECK(cluster.grants(n2).at(*ticket) == index(4));
  CHECK(cluster.applied(n2) == index(4));
}

// Would catch a request per read where one for all of them does.
TEST_CASE("RD-02 a follower asks for one batch of reads at a time", "[RD-02][read]") {
  Cluster cluster;
  cluster.elect(n1);
  const auto first = cluster.read(n2);
  for (int i = 0; i < 100; ++i) REQUIRE(cluster.read(n2));
  const auto last = cluster.read(n2);
  REQUIRE((first && last));
  CHECK(*first != *last);
  CHECK(cluster.sent<ReadRequest>(n2, n1) == 1);
  cluster.settle();
  CHECK(cluster.sent<ReadRequest>(n2, n1) == 2);
  CHECK(is_answered(cluster, n2, *first));
  CHECK(is_answered(cluster, n2, *last));
}

// Would catch a follower that never gets an answer because it has always asked again by then: a
// leader that is farther away than the pace of asking would serve it nothing.
TEST_CASE("RD-02 an answer counts for a read that was asked for again meanwhile", "[RD-02][read]") {
  Cluster cluster;
  lead(cluster, n1);
  const auto ticket = cluster.read(n2);
  REQUIRE(ticket);
  cluster.deliver(n2, n1);
  exchange(cluster, n1, {n3});  // The round is confirmed, and the answer is on its way.
  const std::vector<Message> answers = cluster.take(n1, n2);
  cluster.tick(n2, 150ms);
  REQUIRE(cluster.sent<ReadRequest>(n2, n1) == 2);
  for (const Message& message : answers) cluster.inject(message);
  REQUIRE(is_answered(cluster, n2, *ticket));
  CHECK(cluster.grants(n2).at(*ticket) == cluster.committed());
}

// Would catch a follower that believes in a dead leader for as long as no other can be elected: its
// clients would wait for an answer that nobody gives.
TEST_CASE("RD-04 with the leader's connection broken nobody waits for it", "[RD-04][read]") {
  Setup setup;
  setup.learners = {n4};
  Cluster cluster(setup);
  lead(cluster, n1);
  for (const NodeId id : {n2, n4}) {
    const auto ticket = cluster.read(id);
    REQUIRE(ticket);
    cluster.drop(id, n1);
    cluster.isolate(id);
    cluster.disconnect(n1, id);
    CHECK(cluster.core(id).leader_at_hand() == NodeId{});
    CHECK(refusal(cluster.read(id)) == Errc::no_leader);
    cluster.tick(id, 100ms);
    REQUIRE(is_answered(cluster, id, *ticket));
    CHECK_FALSE(cluster.grants(id).at(*ticket));
  }
}

// Would catch a learner, which never campaigns, that names a silent leader for ever.
TEST_CASE("RD-04 a learner forgets a leader that has fallen silent", "[RD-04][LN-09][read]") {
  Setup setup;
  setup.learners = {n4};
  Cluster cluster(setup);
  lead(cluster, n1);
  REQUIRE(cluster.core(n4).leader_at_hand() == n1);
  cluster.tick(n4, 2s);
  CHECK(cluster.core(n4).leader_at_hand() == NodeId{});
}

// Would catch a new leader that does not know yet what its predecessor committed (etcd #7331).
TEST_CASE("RD-03 a leader answers no read before an entry of its own term is committed",
          "[RD-03][bug-3][read]") {
  Cluster cluster;
  cluster.elect(n1);
  propose_many(cluster, n1, 3);
  cluster.settle();
  cluster.crash(n1);
  cluster.campaign(n2);
  while (!cluster.core(n2).is_leader()) {
    cluster.deliver(n2, n3);
    cluster.deliver(n3, n2);
  }
  REQUIRE(cluster.core(n2).commit() < index(4));
  const auto ticket = cluster.read(n2);
  REQUIRE(ticket);
  CHECK_FALSE(cluster.noted(n2, NoteKind::read_round_started));
  cluster.drop_all();
  cluster.tick(n2, 100ms);
  CHECK_FALSE(is_answered(cluster, n2, *ticket));
  cluster.settle();
  REQUIRE(cluster.run_until([&] { return is_answered(cluster, n2, *ticket); }));
  CHECK(cluster.grants(n2).at(*ticket) >= index(5));
}

// Would catch a deposed leader that goes on answering its clients.
TEST_CASE("RD-04 a leader without a majority answers no read", "[RD-04][read]") {
  Setup setup;
  setup.voters = {n1, n2, n3, n4, n5};
  Cluster cluster(setup);
  cluster.elect(n1);
  cluster.partition({{n1, n2}, {n3, n4, n5}});
  const auto own = cluster.read(n1);
  const auto forwarded = cluster.read(n2);
  REQUIRE((own && forwarded));
  cluster.elect(n3);
  propose_many(cluster, n3, 1);
  cluster.run_for(1s);
  REQUIRE(is_answered(cluster, n1, *own));  // With its leadership.
  CHECK_FALSE(cluster.grants(n1).at(*own));
  cluster.run_for(2s);
  REQUIRE(is_answered(cluster, n2, *forwarded));
  CHECK_FALSE(cluster.grants(n2).at(*forwarded));
  const auto late = cluster.read(n1);
  CHECK((!late || !is_answered(cluster, n1, *late)));
  cluster.heal();
  CHECK(read_until_granted(cluster, n1) > index(2));
}

// Would catch a number that is used again in another term: a late answer to a round of the former
// reign would confirm one of the present (etcd #20418).
TEST_CASE("RD-05 late answers of an earlier term confirm no read", "[RD-05][read]") {
  Cluster cluster;
  cluster.elect(n1);
  REQUIRE(cluster.read(n1));
  cluster.deliver(n1, n2);
  cluster.deliver(n1, n3);
  auto late = cluster.take(n2, n1);
  for (const Message& message : cluster.take(n3, n1)) late.push_back(message);
  REQUIRE(late.size() >= 2);
  cluster.elect(n2);
  cluster.elect(n1);
  const auto ticket = cluster.read(n1);
  REQUIRE(ticket);
  cluster.drop_all();
  for (int copy = 0; copy < 3; ++copy) {
    for (const Message& message : late) cluster.inject(message);
  }
  CHECK_FALSE(is_answered(cluster, n1, *ticket));
  CHECK(cluster.core(n1).is_leader());
  REQUIRE(cluster.run_until([&] { return is_answered(cluster, n1, *ticket); }));
  CHECK(cluster.grants(n1).at(*ticket));
}

// Would catch a round that is confirmed by answers sent before it began.
TEST_CASE("RD-05 answers to an earlier round or connection confirm no later read",
          "[RD-05][read]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.tick(n1, 50ms);
  for (const NodeId id : {n2, n3}) cluster.deliver(n1, id);
  auto late = cluster.take(n2, n1);  // Heartbeats before any read.
  const auto ticket = cluster.read(n1);
  REQUIRE(ticket);
  for (const NodeId id : {n2, n3}) cluster.deliver(n1, id);
  SECTION("an earlier round") {
    cluster.drop_all();
    for (const Message& message : late) cluster.inject(message);
    CHECK_FALSE(is_answered(cluster, n1, *ticket));
  }
  SECTION("an earlier connection") {
    late = cluster.take(n2, n1);
    cluster.drop_all();
    cluster.lose_peer(n1, n2);
    for (const Message& message : late) cluster.inject(message);
    CHECK(cluster.noted(n1, NoteKind::stale_session_ignored));
    CHECK_FALSE(is_answered(cluster, n1, *ticket));
  }
  CHECK(cluster.run_until([&] { return is_answered(cluster, n1, *ticket); }));
}

// Would catch a follower that takes the answer to a read of its former life for a new one's.
TEST_CASE("RD-05 an answer to a read of a follower's former life is ignored", "[RD-05][read]") {
  Cluster cluster;
  cluster.elect(n1);
  REQUIRE(cluster.read(n3));
  cluster.deliver(n3, n1);
  cluster.deliver(n1, n2);
  cluster.deliver(n2, n1);
  const auto late = cluster.take(n1, n3);
  cluster.restart(n3);
  propose_many(cluster, n1, 3);
  cluster.run_for(200ms);
  const auto ticket = cluster.read(n3);
  REQUIRE(ticket);
  std::size_t answers = 0;
  for (const Message& message : late) {
    if (std::holds_alternative<ReadReply>(message.body)) ++answers;
    cluster.inject(message);
  }
  REQUIRE(answers == 1);
  CHECK_FALSE(is_answered(cluster, n3, *ticket));
  cluster.settle();
  CHECK(is_answered(cluster, n3, *ticket));
}

// Would catch a read that is lost with the leader it was sent to.
TEST_CASE("RD-06 a read sent to a leader that is deposed fails and can be asked again",
          "[RD-06][read]") {
  Cluster cluster;
  cluster.elect(n1);
  const auto ticket = cluster.read(n3);
  REQUIRE(ticket);
  cluster.hold(n3, n1);
  cluster.isolate(n1);
  cluster.elect(n2);
  REQUIRE(is_answered(cluster, n3, *ticket));
  CHECK_FALSE(cluster.grants(n3).at(*ticket));
  const auto again = cluster.read(n3);
  REQUIRE(again);
  cluster.settle();
  CHECK(cluster.grants(n3).at(*again));
  cluster.heal();
  cluster.release(n3, n1);
  cluster.settle();
  CHECK_FALSE(cluster.core(n1).is_leader());
}

// Would catch a node that answers for somebody else.
TEST_CASE("RD-06 who does not lead refuses a forwarded read", "[RD-06][read]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.inject({n3, n2, term(1), ReadRequest{{1}, 7, false}});
  const auto replies = cluster.in_flight(n2, n3);
  REQUIRE(replies.size() == 1);
  CHECK(std::get<ReadReply>(replies.front().body) == ReadReply{{1}, 7, false, {}});
}

// Would catch a read that waits for those who are no longer asked.
TEST_CASE("RD-07 reads are released when fewer voters suffice", "[RD-07][read]") {
  Cluster cluster;
  cluster.elect(n1);
  REQUIRE(cluster.change(n1, removing({n2, n3})));
  cluster.deliver(n1, n2);
  const auto before = cluster.take(n2, n1);  // It acknowledges the change, before any round.
  const auto ticket = cluster.read(n1);
  REQUIRE(ticket);
  cluster.drop_all();
  CHECK_FALSE(is_answered(cluster, n1, *ticket));
  for (const Message& message : before) cluster.inject(message);
  REQUIRE(members(cluster, n1) == "1");
  REQUIRE(is_answered(cluster, n1, *ticket));
  CHECK(cluster.grants(n1).at(*ticket));
}

// Would catch a read confirmed by one half, while the other may have elected somebody else.
TEST_CASE("RD-08 a read in a joint membership needs a majority of both halves", "[RD-08][read]") {
  const std::vector<std::vector<NodeId>> halves{{n1, n2, n3}, {n1, n4, n5}};
  for (const auto& half : halves) {
    Setup setup;
    setup.learners = {n4, n5};
    Cluster cluster(setup);
    cluster.elect(n1);
    MembershipChange change = promoting({n4, n5});
    change.remove = {n2, n3};
    REQUIRE(cluster.change(n1, change));
    cluster.drop_all();
    REQUIRE(members(cluster, n1) == "1 4 5 after 1 2 3");
    cluster.partition({half});
    const auto ticket = cluster.read(n1);
    REQUIRE(ticket);
    cluster.settle();
    CHECK_FALSE(is_answered(cluster, n1, *ticket));
    cluster.heal();
    cluster.run_for(100ms);
    REQUIRE(is_answered(cluster, n1, *ticket));
    CHECK(cluster.grants(n1).at(*ticket));
  }
}

// Would catch a group of one that waits for nobody's answer, or does not wait for its own disk.
TEST_CASE("RD-09 a single voter needs no message, but a committed entry of its own term",
          "[RD-09][read]") {
  Setup setup;
  setup.voters = {n1};
  Cluster cluster(setup);
  cluster.hold_disk(n1);
  cluster.campaign(n1);
  cluster.persist(n1);
  REQUIRE(cluster.core(n1).is_leader());
  const auto ticket = cluster.read(n1);
  REQUIRE(ticket);
  CHECK_FALSE(is_answered(cluster, n1, *ticket));
  cluster.persist(n1);
  REQUIRE(is_answered(cluster, n1, *ticket));
  CHECK(cluster.grants(n1).at(*ticket) == index(1));
  CHECK(cluster.in_flight().empty());
}

// Would catch a lease that asks everybody all the same, or that never ends.
TEST_CASE("RD-10 a lease read needs no message within the lease, and a round after it",
          "[RD-10][read]") {
  Cluster cluster(with_leases());
  cluster.elect(n1);
  cluster.run_for(200ms);
  const auto within = cluster.read(n1, true);
  REQUIRE(within);
  CHECK(cluster.grants(n1).at(*within) == cluster.core(n1).commit());
  CHECK(cluster.in_flight().empty());
  const auto plain = cluster.read(n1);
  REQUIRE(plain);
  CHECK_FALSE(is_answered(cluster, n1, *plain));
  cluster.drop_all();
  cluster.pass(460ms);
  const auto after = cluster.read(n1, true);
  REQUIRE(after);
  CHECK_FALSE(is_answered(cluster, n1, *after));
  CHECK(cluster.run_until([&] { return is_answered(cluster, n1, *after); }));
}

// Would catch a lease that begins when the answers arrive: their senders' promises began earlier.
TEST_CASE("RD-10 a lease runs from the sending of its round", "[RD-10][read]") {
  Cluster cluster(with_leases());
  cluster.elect(n1);
  cluster.run_for(2s);
  while (cluster.in_flight().empty()) cluster.tick(n1, 10ms);  // A round leaves.
  const Instant sent = cluster.now();
  cluster.deliver(n1, n2);
  cluster.hold(n2, n1);
  cluster.isolate(n3);
  cluster.pass(440ms);
  cluster.release(n2, n1);
  cluster.deliver(n2, n1);
  const auto within = cluster.read(n1, true);
  REQUIRE(within);
  CHECK(is_answered(cluster, n1, *within));
  cluster.pass(sent + 450ms - cluster.now());
  const auto after = cluster.read(n1, true);
  REQUIRE(after);
  CHECK_FALSE(is_answered(cluster, n1, *after));
}

// Would catch a lease that ends while there is nobody to read, so that the first read is slow.
TEST_CASE("RD-10 heartbeats renew the lease of an idle leader, for its followers too",
          "[RD-10][read]") {
  Cluster cluster(with_leases());
  cluster.elect(n1);
  for (int i = 0; i < 20; ++i) {
    cluster.run_for(490ms);
    const auto own = cluster.read(n1, true);
    REQUIRE(own);
    CHECK(is_answered(cluster, n1, *own));
    const auto forwarded = cluster.read(n2, true);
    REQUIRE(forwarded);
    cluster.deliver(n2, n1);
    cluster.deliver(n1, n2);
    CHECK(is_answered(cluster, n2, *forwarded));
    cluster.drop_all();
  }
}

// Would catch a lease of an old leader that runs while another one is elected: its voter forgot the
// promise in a restart.
TEST_CASE("RD-12 a promise not to elect anyone outlives a restart", "[RD-12][read]") {
  Cluster cluster(with_leases());
  cluster.elect(n1);
  cluster.run_for(200ms);
  REQUIRE(cluster.disk(n2).hard_state().lease_seen == 500ms);
  cluster.restart(n2);
  cluster.pass(499ms);
  cluster.inject(pre_vote_request(cluster, n3, n2));
  CHECK_FALSE(granted(cluster, n2, n3));
  CHECK(cluster.noted(n2, NoteKind::vote_refused_lease));
  const VoteRequest request{cluster.core(n3).log().last(), false, cluster.instance(n2)};
  cluster.inject({n3, n2, term(2), request});
  CHECK(cluster.disk(n2).hard_state().vote == NodeId{});
  cluster.pass(1ms);
  cluster.inject({n3, n2, term(2), request});
  CHECK(cluster.disk(n2).hard_state().vote == n3);
}

// Would catch a broken connection that waives what was promised: a leader that is only cut off from
// two of its clients' nodes would serve from its lease while another leads.
TEST_CASE("RD-12 a promise holds although the leader's connection broke", "[RD-12][RD-16][read]") {
  Cluster cluster(with_leases());
  cluster.elect(n1);
  cluster.run_for(200ms);
  const Instant promised = cluster.core(n2).promised_until();
  cluster.isolate(n1);
  for (const NodeId id : {n2, n3}) cluster.lose_peer(id, n1);
  while (cluster.now() + 10ms < promised) {
    cluster.run_for(10ms);
    CHECK(cluster.leader() == n1);
    CHECK(cluster.core(n2).term() == term(1));
  }
  CHECK(cluster.run_until([&] { return cluster.leader() == n2 || cluster.leader() == n3; }, 1s));
}

// Would catch a leader that slept through its own deposition and answers as if nothing had happened
// (etcd #20418, Redis-Raft #19).
TEST_CASE("RD-13 a leader pauses for ten election timeouts with a read under way",
          "[RD-13][read]") {
  for (const bool lease_reads : {false, true}) {
    Setup setup;
    setup.lease_reads = lease_reads;
    Cluster cluster(setup);
    cluster.elect(n1);
    cluster.run_for(200ms);
    const auto before = cluster.read(n1);
    cluster.deliver(n1, n2);
    for (const NodeId id : {n2, n3}) cluster.hold(id, n1);
    cluster.pass(5s);
    cluster.elect(n2);
    propose_many(cluster, n2, 3);
    cluster.settle();
    REQUIRE(cluster.core(n1).is_leader());
    const auto after = cluster.read(n1, lease_reads);  // It wakes up.
    REQUIRE((before && after));
    CHECK_FALSE(is_answered(cluster, n1, *after));
    for (const NodeId id : {n2, n3}) cluster.release(id, n1);
    cluster.settle();
    CHECK(is_answered(cluster, n1, *before));
    REQUIRE(is_answered(cluster, n1, *after));
    CHECK_FALSE(cluster.grants(n1).at(*after));
  }
}

// Would catch a read that is served from a machine which has not been given its log back yet
// (Redis-Raft #18, etcd #3879).
TEST_CASE("RD-15 a read right after a restart waits for the replay", "[RD-15][read]") {
  Setup setup;
  setup.voters = {n1};
  Cluster cluster(setup);
  cluster.elect(n1);
  propose_many(cluster, n1, 3);
  cluster.crash(n1);
  cluster.hold_machine(n1);
  cluster.restart(n1);
  cluster.elect(n1);
  const auto ticket = cluster.read(n1);
  REQUIRE(ticket);
  REQUIRE(is_answered(cluster, n1, *ticket));
  CHECK(cluster.grants(n1).at(*ticket) == index(5));
  CHECK(cluster.applied(n1) == index(0));
  cluster.release_machine(n1);
  CHECK(cluster.applied(n1) >= *cluster.grants(n1).at(*ticket));
}

// Would catch a follower that waits for ever for an answer that was lost, or that believes one to
// an asking that it gave up (R7).
TEST_CASE("a forwarded read that is lost is asked again under a new number", "[read]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.run_for(100ms);
  const auto ticket = cluster.read(n3);
  REQUIRE(ticket);
  const auto first = cluster.take(n3, n1);
  REQUIRE(first.size() == 1);
  cluster.run_for(110ms);
  CHECK(cluster.sent<ReadRequest>(n3, n1) == 2);
  CHECK(cluster.grants(n3).at(*ticket));
  const auto next = cluster.read(n3);
  REQUIRE(next);
  cluster.drop_all();
  const auto asked = std::get<ReadRequest>(first.front().body);
  cluster.inject({n1, n3, term(1), ReadReply{asked.boot, asked.sequence, true, index(1)}});
  CHECK_FALSE(is_answered(cluster, n3, *next));
}

// Would catch a late copy of an old request that takes the place of the present one in the batch
// that waits: its answer is ignored, and the present one is never given.
TEST_CASE("a forwarded read is not displaced by an older one of the same node", "[read]") {
  Cluster cluster;
  cluster.elect(n1);
  cluster.run_for(100ms);
  const std::vector<std::pair<BootNumber, std::uint64_t>> oldest_first{
      {{1}, 4}, {{1}, 5}, {{2}, 1}};
  const auto newest_answered = [&](const std::vector<std::size_t>& order) {
    cluster.begin_turn(n1);
    for (const std::size_t at : order) {
      const auto& [boot, sequence] = oldest_first[at];
      cluster.inject({n3, n1, term(1), ReadRequest{boot, sequence}});
    }
    cluster.end_turn(n1);
    cluster.deliver(n1, n2);
    cluster.deliver(n2, n1);
    std::vector<ReadReply> replies;
    for (const Message& message : cluster.take(n1, n3)) {
      if (const auto* reply = std::get_if<ReadReply>(&message.body)) replies.push_back(*reply);
    }
    REQUIRE(replies.size() == 1);
    return replies.front().granted && replies.front().boot == BootNumber{2} &&
           replies.front().sequence == 1;
  };
  CHECK(newest_answered({0, 1, 2}));
  CHECK(newest_answered({2, 1, 0}));
  CHECK(newest_answered({1, 2, 0}));
}

// Would catch a read that is left without an answer when its node loses the leader.
TEST_CASE("without a leader a read is refused at once", "[read]") {
  Cluster cluster;
  CHECK(refusal(cluster.read(n1)) == Errc::no_leader);
  cluster.elect(n1);
  const auto ticket = cluster.read(n3);
  REQUIRE(ticket);
  cluster.isolate(n3);
  cluster.run_for(1s);
  REQUIRE(is_answered(cluster, n3, *ticket));
  CHECK_FALSE(cluster.grants(n3).at(*ticket));
  CHECK(refusal(cluster.read(n3)) == Errc::no_leader);
}

}  // namespace raft::test
