#include "sim/checkers/claims.hpp"

#include <algorithm>

#include "core/describe.hpp"
#include "sim/checkers/election.hpp"
#include "sim/checkers/machines.hpp"
#include "sim/checkers/marks.hpp"
#include "sim/checkers/memberships.hpp"

namespace raft::sim {
namespace {

/// The checks of one message.
class Claims {
 public:
  Claims(Ghost& ghost, WatchedNode& node, const Message& message)
      : ghost_(ghost), node_(node), core_(*node.core), disk_(*node.disk), message_(message) {}

  void check() {
    if (node_.disk_failed) violated("D5", "speaks after its disk has failed: ");
    // A pre-vote asks, and promises nothing.
    if (!std::holds_alternative<PreVoteRequest>(message_.body)) {
      if (disk_.hard_state().term < message_.term) violated("E4", "has not synced the term of ");
      node_.promises.term = std::max(node_.promises.term, message_.term);
    }
    if (const LeaderMark* mark = leader_mark(message_.body)) check_mark(*mark);
    if (const PeerMark* mark = peer_mark(message_.body)) check_lease_promise(*mark);
    std::visit([this](const auto& body) { on(body); }, message_.body);
    check_count();
  }

 private:
  void violated(const char* invariant, const char* how) {
    ghost_.report.violated(invariant, node_name(node_.id) + " " + how + describe(message_));
  }

  bool leads_this_term() const { return core_.is_leader() && core_.term() == message_.term; }

  void check_mark(const LeaderMark& mark) {
    claims_term(ghost_, node_.id, message_.term);
    if (!leads_this_term()) return;
    if (mark.round > core_.leader_state()->reads.newest() || mark.round < node_.round_sent) {
      violated("R4", "makes up a read round: ");
    }
    node_.round_sent = std::max(node_.round_sent, mark.round);
  }

  // Whoever promises a lease must know it after a power cut.
  void check_lease_promise(const PeerMark& mark) {
    const auto asked = node_.lease_asked.find(message_.to);
    if (asked == node_.lease_asked.end()) return;
    const WatchedNode::LeaseAnswer& lease = asked->second;
    if (lease.term != message_.term || lease.session != mark.session) return;
    if (mark.round >= lease.round && disk_.hard_state().lease_seen < lease.asked) {
      violated("D2", "promises a lease that it has not synced: ");
    }
  }

  void check_vote(NodeId candidate) {
    const auto [vote, is_new] = node_.promises.votes.emplace(message_.term, candidate);
    if (vote->second != candidate) violated("E2", "votes twice: ");
    if (disk_.vote_in(message_.term) != candidate) violated("E3", "has not synced the vote of ");
  }

  void on(const VoteRequest&) { check_vote(message_.from); }
  void on(const VoteReply& reply) {
    if (reply.granted) check_vote(message_.to);
  }

  void on(const PreVoteReply& reply) {
    if (!reply.granted) return;
    const auto asked = node_.pre_votes.find({message_.to, reply.campaign});
    if (asked == node_.pre_votes.end() || asked->second) return;
    violated("E10", "has a working leader or a newer log: ");
  }

  // T7, and C3 on the leader's side.
  void on(const AppendRequest& request) {
    if (!leads_this_term()) return;
    if (request.mark.commit.value > request.prev.index.value + request.entries.size()) {
      violated("C3", "tells to commit what it does not send: ");
    }
    bool is_own = node_.log.holds(request.prev);
    Index at = request.prev.index;
    for (const EntryPtr& entry : request.entries) {
      at = at.next();
      is_own = is_own && entry->index == at && is_in_log(entry);
    }
    if (!is_own) violated("T7", "does not have in its log all of ");
  }

  bool is_in_log(const EntryPtr& entry) const {
    if (entry->index <= node_.log.base().last.index) return true;  // Read before it was erased.
    if (entry->index > node_.log.last_index()) return false;
    const EntryPtr& own = node_.log.link(entry->index).entry;
    return own == entry || fingerprint(*own) == fingerprint(*entry);
  }

  void on(const Heartbeat& heartbeat) {
    if (!leads_this_term()) return;
    const auto& peers = core_.leader_state()->peers;
    const auto peer = peers.find(message_.to);
    if (peer == peers.end() || peer->second.session != heartbeat.mark.session) return;
    if (heartbeat.mark.commit > peer->second.match) {
      violated("C3", "tells to commit what may not be there: ");
    }
  }

  // T2. Once the disk is in a later term the claim is history: another leader may have replaced
  // what it was about, and the old one is told of the new term before it counts anything.
  void on(const AppendAccepted& accepted) {
    if (disk_.hard_state().term != message_.term) return;
    EntryId& promised = node_.promises.acknowledged;
    promised = std::max(promised, EntryId{message_.term, accepted.match});
    const auto own = disk_.term_at(accepted.match);
    if (!own && accepted.match > disk_.base().last.index) {
      return violated("T2", "has not synced what it acknowledges: ");
    }
    const auto leader = ghost_.nodes.find(message_.to);
    if (leader == ghost_.nodes.end() || leader->second.core == nullptr) return;
    if (!leader->second.seen.leads() || leader->second.seen.term != message_.term) return;
    const auto theirs = leader->second.log.at(accepted.match);
    if (own && theirs && *own != theirs->term) {
      violated("T2", "has another entry than its leader: ");
    }
  }

  void on(const SnapshotOffer& offer) {
    const SnapshotInfo& snapshot = offer.snapshot;
    check_snapshot_meta(ghost_, node_.id, snapshot.meta);
    if (snapshot.meta.last.index > core_.commit()) violated("P1", "has not committed all of ");
    check_snapshot(ghost_, node_.id, snapshot);
    ghost_.offers[{node_.id, message_.term, offer.mark.session, snapshot.meta.last.index}] =
        snapshot.bytes;
  }

  // From here on another leader may be elected in spite of all promises.
  void on(const TimeoutNow&) {
    if (!leads_this_term() || !core_.options().lease_reads) return;
    if (!core_.leader_state()->lease.is_given_up()) violated("R6", "keeps its lease beyond ");
  }

  // R7. Requests may overtake each other, where one had to wait for the disk.
  void on(const ReadRequest& request) {
    if (!node_.reads_asked.insert(request.sequence).second) violated("R7", "asks twice with ");
  }

  template <class Body>
  void on(const Body&) {}

  // T8: the window of appends, an answer or two to each message, and a few of its own accord.
  void check_count() {
    constexpr std::uint64_t few = 32;
    auto& traffic = node_.traffic[message_.to];
    ++traffic.sent;
    if (!is_heartbeat(message_.body)) ++traffic.news;
    node_.has_traffic = true;
    if (!is_request(message_.body)) ++traffic.answered;
    const std::uint64_t most =
        few + core_.options().limits.inflight_appends_max + 2 * traffic.owed + 2 * traffic.received;
    if (traffic.sent > most) violated("T8", "sends without end: ");
  }

  Ghost& ghost_;
  WatchedNode& node_;
  const core::Core& core_;
  const DiskView& disk_;
  const Message& message_;
};

}  // namespace

void check_claims(Ghost& ghost, WatchedNode& node, const Message& message) {
  Claims(ghost, node, message).check();
}

void check_claims(Ghost& ghost, const WatchedNode& node, const ServiceMessage& message) {
  const auto* chunk = std::get_if<Chunk>(&message.body);
  if (chunk == nullptr || chunk->bytes.empty()) return;
  const TransferId& transfer = chunk->transfer;
  const auto offer = ghost.offers.find({node.id, transfer.term, transfer.session, transfer.last});
  if (offer == ghost.offers.end()) {
    ghost.report.violated("P6", node_name(node.id) + " sends bytes of a snapshot up to " +
                                    to_string(transfer.last) + " that it has not offered");
  } else if (chunk->offset + chunk->bytes.size() > offer->second) {
    ghost.report.violated("P6", node_name(node.id) + " sends more of a snapshot up to " +
                                    to_string(transfer.last) + " than there is");
  }
}

}  // namespace raft::sim
