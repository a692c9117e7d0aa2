// A conversation between cores: virtual time, a network whose every message can be held, lost or
// repeated, disks that confirm when told to, and machines that apply when told to.
//
// Unless told otherwise everything is prompt: disks confirm and machines apply within the turn, and
// settle() delivers messages in the order in which they were sent until none is left. After every
// single input all invariants are checked, on each core and across them; a broken one throws
// Violation, which fails the test wherever it is.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/core.hpp"
#include "core/invariants.hpp"
#include "core/model_disk.hpp"
#include "core/safety.hpp"

namespace raft::test {

inline constexpr NodeId n1{1}, n2{2}, n3{3}, n4{4}, n5{5}, n6{6}, n7{7};

/// How a conversation begins.
struct Setup {
  std::vector<NodeId> voters{n1, n2, n3};
  std::vector<NodeId> learners;
  std::vector<NodeId> strangers;  ///< Run with an empty disk, members of nothing yet.

  bool pre_vote = true;
  std::set<NodeId> without_pre_vote;  ///< Off for these alone.
  bool check_quorum = true;
  bool lease_reads = false;
  Timing timing;
  Limits limits;
  std::uint64_t seed = 1;
  Instant clock{std::chrono::hours(1)};  ///< What everybody's shows at the start.
  /// Of a hundred messages so many are lost, and as many delivered twice: of those that settle()
  /// and run_for() deliver. What a test takes into its own hands arrives.
  std::uint64_t drop_percent = 0;

  /// Terms of the entries that a node has at the start: {1, 1, 2} is three entries. Equal terms at
  /// an index are the same entry on all nodes.
  std::map<NodeId, std::vector<std::uint64_t>> logs;
  /// Terms at the start; without one, that of the last entry.
  std::map<NodeId, std::uint64_t> terms;
};

/// What a state machine was when it was captured.
struct MachineSnapshot {
  SnapshotMeta meta;
  std::vector<EntryPtr> applied;  ///< All entries from index 1 on.
};

class Cluster {
 public:
  explicit Cluster(Setup setup = {});

  // --- time ---
  Instant now() const { return now_; }
  /// The clock of all goes on; nobody's timer runs.
  void pass(Duration duration) { now_ += duration; }
  /// The clock goes on and this node alone notices, every tick of it.
  void tick(NodeId id, Duration duration);
  /// The clock goes on, every live node ticks, and after each tick all messages are delivered.
  void run_for(Duration duration);
  /// As run_for() until the condition holds; false if it does not within `limit`.
  bool run_until(const std::function<bool()>& condition, Duration limit = std::chrono::seconds(20));

  // --- inputs ---
  /// The clock goes on to the node's own election timeout. What it sends waits in the network.
  void campaign(NodeId id);
  /// campaign() and settle() until the node leads; throws Violation if it does not come to that.
  void elect(NodeId id);
  Result<EntryId> propose(NodeId id, const std::string& command);
  Result<EntryId> change(NodeId id, const MembershipChange& change);
  Result<std::uint64_t> read(NodeId id, bool lease = false);
  Result<NodeId> transfer(NodeId id, NodeId target);
  /// Both ends notice that their connection broke; what was on the way is lost, and so is what
  /// they send before connect().
  void disconnect(NodeId a, NodeId b);
  void connect(NodeId a, NodeId b);
  /// One end alone notices.
  void lose_peer(NodeId id, NodeId peer);
  /// Between the two, all inputs of a node belong to one turn: nothing is handed out before its
  /// end.
  void begin_turn(NodeId id);
  void end_turn(NodeId id);

  // --- the network ---
  /// Delivers and transfers until nothing moves any more.
  void settle();
  /// settle() and whether the condition holds. Only where messages get lost does time pass, so that
  /// they are sent again, until it does.
  bool settle_until(const std::function<bool()>& condition);
  /// Delivers what is on the way from one to the other now, and no answer to it.
  void deliver(NodeId from, NodeId to);
  /// Delivers the oldest message that is not held; false if there is none.
  bool deliver_one();
  /// Delivers a message that nobody sent, or one that was delivered before.
  void inject(const Message& message);
  /// What is on the way, oldest first.
  const std::deque<Message>& in_flight() const { return network_; }
  std::vector<Message> in_flight(NodeId from, NodeId to) const;
  /// Takes messages off the network, to be lost or injected later.
  std::vector<Message> take(NodeId from, NodeId to);
  void drop(NodeId from, NodeId to) { take(from, to); }
  void drop_all() { network_.clear(); }
  /// Each message on the way is delivered once more, right behind itself.
  void duplicate(NodeId from, NodeId to);
  /// The messages on the way change order: the newest first.
  void reverse(NodeId from, NodeId to);
  /// Whatever is sent one way waits until released.
  void hold(NodeId from, NodeId to) { held_.insert({from, to}); }
  void release(NodeId from, NodeId to) { held_.erase({from, to}); }
  /// Whatever is sent one way is lost, silently.
  void cut(NodeId from, NodeId to) { cut_.insert({from, to}); }
  void isolate(NodeId id);
  /// Only members of the same side hear each other.
  void partition(const std::vector<std::vector<NodeId>>& sides);
  void heal() { cut_.clear(); }
  void heal(NodeId from, NodeId to) { cut_.erase({from, to}); }
  void set_drop_percent(std::uint64_t percent) { setup_.drop_percent = percent; }

  // --- disks, machines and lives ---
  /// From now on batches wait for persist().
  void hold_disk(NodeId id);
  /// Confirms the oldest waiting batches, all by default, with one confirmation.
  void persist(NodeId id, std::size_t batches = ~std::size_t{0});
  void release_disk(NodeId id);
  std::size_t waiting_batches(NodeId id) const;
  /// From now on entries wait for apply().
  void hold_machine(NodeId id);
  void apply(NodeId id);
  void release_machine(NodeId id);
  /// From now on reads of old entries wait for fetch(), although the disk was read at once.
  void hold_fetches(NodeId id);
  void fetch(NodeId id);
  /// Everything that was not confirmed is lost.
  void crash(NodeId id);
  void restart(NodeId id);
  /// restart() with an empty disk and, as such disks have, another instance.
  void restart_wiped(NodeId id);
  bool is_up(NodeId id) const;

  // --- snapshots ---
  /// Of what is applied.
  SnapshotMeta take_snapshot(NodeId id);
  /// Takes a snapshot and erases the log below `upto`, by default as far as the core permits.
  void compact(NodeId id, std::optional<Index> upto = std::nullopt);
  /// From now on snapshots that a core wants to send wait for offer_snapshot() or
  /// refuse_snapshot(), and offers that were accepted for finish_transfer().
  void hold_snapshots();
  void release_snapshots();
  const std::deque<core::SnapshotSend>& snapshots_wanted(NodeId id) const;
  /// The newest snapshot at hand, or the one given, is offered.
  void offer_snapshot(NodeId from, NodeId to, std::optional<SnapshotMeta> meta = std::nullopt);
  void refuse_snapshot(NodeId from, NodeId to);
  const std::optional<core::SnapshotWanted>& transfer_to(NodeId id) const;
  void finish_transfer(NodeId id, bool complete = true);

  // --- what is seen ---
  const core::Core& core(NodeId id) const;
  const ModelDisk& disk(NodeId id) const;
  std::vector<NodeId> ids() const;
  /// The live leader of the highest term; 0 if there is none.
  NodeId leader() const;
  /// What the machine got: the commands only, "x y z".
  std::string machine(NodeId id) const;
  Index applied(NodeId id) const;
  /// "1 1 2 3": the terms of all entries above the base.
  std::string log_terms(NodeId id) const;
  /// Answers to reads by ticket: an index, or nothing for a failed one.
  const std::map<std::uint64_t, std::optional<Index>>& grants(NodeId id) const;
  /// How often a node noted something since forget_notes().
  std::size_t count(NodeId id, core::NoteKind kind) const;
  bool noted(NodeId id, core::NoteKind kind) const { return count(id, kind) > 0; }
  void forget_notes();
  /// How many messages of this kind were sent since forget_notes(), lost ones included.
  template <class Body>
  std::size_t sent(NodeId from, NodeId to) const;
  /// There is a leader, and every live member has applied its whole log.
  bool is_converged() const;
  Index committed() const { return safety_.committed(); }
  Member member(NodeId id) const;
  InstanceId instance(NodeId id) const;

  /// Receives a line for each thing that happens.
  void set_trace(std::function<void(const std::string&)> trace) { trace_ = std::move(trace); }

 private:
  /// What a machine is to do next: restore or apply.
  struct MachineWork {
    std::optional<SnapshotMeta> restore;
    EntryPtr entry;
  };

  struct FetchWork {
    core::LogFetch fetch;
    std::vector<EntryPtr> entries;
  };

  struct Node {
    Node(core::Options with, ModelDisk starting_disk)
        : options(std::move(with)), disk(std::move(starting_disk)) {}

    core::Options options;
    ModelDisk disk;
    std::vector<MachineSnapshot> snapshots;  ///< On disk, ascending.
    std::unique_ptr<core::Core> core;        ///< Null while it is down.
    core::Previous previous;
    bool in_turn = false;

    std::deque<PersistWork> batches;
    bool disk_held = false;
    std::deque<MachineWork> work;
    bool machine_held = false;
    std::vector<EntryPtr> applied;  ///< The machine's state: entry i at i - 1.
    std::deque<FetchWork> fetches;
    bool fetches_held = false;
    std::deque<core::SnapshotSend> snapshot_sends;
    std::optional<core::SnapshotWanted> transfer;

    std::map<std::uint64_t, std::optional<Index>> grants;
    std::vector<core::Note> notes;
    std::vector<Message> sent;
  };

  void add_node(NodeId id, const SnapshotMeta& base);
  void write_initial_log(NodeId id, Node& node);
  void start(Node& node);
  Node& node(NodeId id);
  const Node& node(NodeId id) const;
  Node& live(NodeId id);
  NodeView view(const Node& node) const;
  std::vector<NodeView> views() const;

  void feed(Node& node, const std::function<void(core::Core&)>& input);
  void pump(Node& node);
  void carry_out(Node& node, core::Ready ready);
  void send(Node& node, const Message& message);
  void write(Node& node, std::size_t batches);
  void run_machine(Node& node);
  void serve_fetches(Node& node);
  void serve_snapshots(Node& node);
  bool move_transfers();
  void receive(const Message& message);
  bool loses();
  bool is_broken(NodeId from, NodeId to) const;
  void check_step(Node& node);
  void trace(const std::string& line) const;

  Setup setup_;
  Instant now_;
  core::Random random_;
  std::map<NodeId, Node> nodes_;
  std::deque<Message> network_;
  std::set<std::pair<NodeId, NodeId>> held_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::set<std::pair<NodeId, NodeId>> disconnected_;
  bool snapshots_held_ = false;
  std::map<EntryId, EntryPtr> initial_entries_;
  Safety safety_;
  std::function<void(const std::string&)> trace_;
};

template <class Body>
std::size_t Cluster::sent(NodeId from, NodeId to) const {
  std::size_t found = 0;
  for (const Message& message : node(from).sent) {
    if (message.to == to && std::holds_alternative<Body>(message.body)) ++found;
  }
  return found;
}

}  // namespace raft::test
