// One node of the explored cluster: a real core, its disk, and what must be remembered of both.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/core.hpp"
#include "core/invariants.hpp"
#include "core/model_disk.hpp"
#include "core/safety.hpp"
#include "exhaustive/bounds.hpp"

namespace raft::exhaustive {

using test::Violation;

/// All that can happen to a node. The argument is a message's number, a count of batches, the
/// ordinal of a command, or a peer's id.
enum class InputKind : std::uint8_t {
  deliver,
  deliver_late,  ///< After an election timeout in which nothing came.
  persist,       ///< The oldest so many batches reach the disk, and one confirmation the core.
  time_out,      ///< Its clock passes every deadline: it campaigns, or gives up what it waited for.
  tick,          ///< A leader sends heartbeats.
  propose,
  change,
  transfer,
  crash,  ///< And restart; so many batches that were not confirmed had reached the disk.
  lose_peer,
  connect_peer,
};

struct Input {
  InputKind kind = InputKind::deliver;
  std::uint32_t argument = 0;

  bool operator==(const Input&) const = default;
};

/// What came of an input.
struct Reaction {
  bool accepted = true;       ///< A request may be refused.
  std::vector<Message> sent;  ///< Claims of a batch included, once it is on disk.
};

/// An entry that this node once knew to be committed, and the term in which it first did.
struct Witnessed {
  EntryPtr entry;
  Term seen_in;
};

/// A term that this node led, and the log that it was elected with.
struct Led {
  Term term;
  std::vector<EntryPtr> log;  ///< From index 1 on.
};

/// A value; copied to try what would happen. Entries are applied, and old entries fetched, in the
/// turn that asks for it (README.md says why that loses nothing).
///
/// react() checks all that can be seen of one node alone and throws Violation: the core's own
/// invariants, and E2 E3 E4 E5 E8 E9, L1 L6 L7, C5 C6 C7, T5 T7, M1 M2, D2 D3 as far as they are
/// local.
class NodeModel {
 public:
  NodeModel(const Bounds& bounds, NodeId id, const SnapshotMeta& base);

  Reaction react(const Input& input, const Message* message);

  /// Everything that its future depends on, and nothing else: equal digests, equal futures.
  Bytes digest() const;
  /// Its leader was heard so recently that it would elect no other.
  bool hears_leader() const;

  NodeId id() const { return options_.id; }
  const core::Core& core() const { return *core_; }
  const test::ModelDisk& disk() const { return disk_; }
  std::size_t waiting_batches() const { return batches_.size(); }
  /// Over all its lives.
  const std::vector<Led>& led() const { return led_; }
  /// From index 1 on, over all its lives.
  const std::vector<Witnessed>& witnessed() const { return witnessed_; }
  /// Entry of its present log; from the disk if the core has let go of it.
  EntryPtr entry(Index index) const;

 private:
  struct Batch {
    PersistWork work;
    Instant taken;
  };

  /// Fields of the core that nobody can see, followed from outside for the digest.
  struct Mirror {
    HardState handed_out;             ///< In the last batch that held one.
    std::uint64_t last_session = 0;   ///< The highest number given to a peer.
    std::optional<Index> removed_by;  ///< The membership that does not name it any more.
    std::map<NodeId, bool> votes;     ///< Answers to the present campaign.
    /// The ends of the appends under way, and when they left.
    std::map<NodeId, std::deque<std::pair<Index, Instant>>> inflight;
  };

  /// What it ever promised in a message, over all its lives.
  struct Promises {
    Term term;
    NodeId vote;  ///< In that term.
  };

  void start(Reaction& reaction);
  void deliver(const Message& message, Reaction& reaction);
  void crash(std::size_t kept, Reaction& reaction);
  void pump(Reaction& reaction);
  void carry_out(core::Ready ready, Reaction& reaction);
  void write(std::size_t batches, Reaction& reaction);
  void damage_disk();
  MembershipChange planned_change() const;

  void leaves(const Message& message, Reaction& reaction);
  void check_vote(Term term, NodeId candidate);
  void check_append(const AppendRequest& request) const;
  void check_write(const PersistWork& work) const;
  void check_applied(const Entry& entry) const;
  void check_step();
  std::vector<EntryPtr> whole_log() const;
  void check_log(const std::vector<EntryPtr>& before, const Message* message) const;
  void witness();

  void follow(const core::Note& note);
  void follow(const Message& message);
  void follow_peers();

  Bounds bounds_;
  core::Options options_;
  Instant now_;  ///< Its own clock; it moves only where an input says so.
  test::ModelDisk disk_;

  // One life.
  std::optional<core::Core> core_;  ///< Always there; optional because a core cannot be assigned.
  core::Previous previous_;
  std::deque<Batch> batches_;  ///< Handed over, not confirmed.
  Mirror mirror_;

  // All lives.
  std::vector<Led> led_;
  std::vector<Witnessed> witnessed_;
  Promises promised_;
};

/// The membership that the exploration begins with.
SnapshotMeta founding(const Bounds& bounds);
/// Voters at the start, and whoever is to be added.
std::size_t node_count(const Bounds& bounds);

}  // namespace raft::exhaustive
