// A small cluster under the checkers, in which a test may also do what no core and no disk does.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/checkers/checkers.hpp"

namespace raft::sim {

/// What a node starts with. Its log begins with the founding entry, voters 1 to 3 in term 1.
struct Start {
  std::vector<std::uint64_t> terms{};  ///< Of the entries from index 2 on.
  std::uint64_t term = 1;
  NodeId vote{};
  std::uint64_t commit = 1;
  bool lease_reads = false;
};

/// The log on the disk, and nothing more.
class LabStorage final : public replica::Storage {
 public:
  void write(const PersistWork& work, bool may_wait, Done done) override;
  void compact(const SnapshotMeta&, Done) override {}
  Result<std::vector<EntryPtr>> read(Index first, Index last, std::size_t bytes_max) const override;
  bool is_full() const override { return false; }
  void erase_up_to(Index index) { entries_.erase(entries_.begin(), entries_.upper_bound(index)); }

 private:
  std::map<Index, EntryPtr> entries_;
};

class Lab {
 public:
  /// Starts nodes 1 to 3 alike.
  explicit Lab(const Start& start = {});

  struct Bench {
    LabStorage storage;
    DiskView disk;
    std::unique_ptr<core::Core> core;
    bool syncs = true;  ///< False: its disk says that it has synced, and has not.
  };

  Bench& bench(std::uint64_t node) { return benches_.at(NodeId{node}); }
  const core::Core& core(std::uint64_t node) { return *bench(node).core; }
  Checkers::View view(std::uint64_t node);
  Checkers& checkers() { return checkers_; }
  Instant now() const { return now_; }
  /// The id of the violation; empty: none.
  std::string violated() const;

  // --- in order ---
  void pass(Duration duration) { now_ += duration; }
  /// The node's election timeout passes; everything that follows is delivered.
  void elect(std::uint64_t node);
  EntryId propose(std::uint64_t node, const std::string& command);
  void tick(std::uint64_t node);
  /// The node's turn: all that its core wants is carried out, and the checkers look at it.
  void turn(std::uint64_t node);
  void deliver_all();
  /// The life ends and another begins, with what the disk has.
  void restart(std::uint64_t node);
  /// A snapshot of all that is applied; the log goes.
  SnapshotMeta compact(std::uint64_t node);
  Message message(std::uint64_t from, std::uint64_t to, std::uint64_t term, MessageBody body);
  void send(const Message& message);

  // --- out of order ---
  /// Nothing but the founding is left.
  void lose_disk(std::uint64_t node);
  /// From now on this is the node's core, without a start of a life.
  void replace(std::uint64_t node, const Start& start);
  /// The same core leads in its next term, by votes that nobody gave.
  void usurp(std::uint64_t node);
  /// The checkers are told of one message, the core gets another.
  void receive(std::uint64_t node, const Message& told, const Message& got);
  /// The core gets it and the checkers are not told.
  void slip(std::uint64_t node, const Message& message);
  /// The node as a checker of its own would see it.
  WatchedNode watch(std::uint64_t node, Ghost& ghost);
  /// The checkers are to look at the node.
  void look(std::uint64_t node) { checkers_.after_step(view(node), Duration{0}); }

  /// Nothing reaches these.
  std::set<std::uint64_t> cut;

  static InstanceId instance(std::uint64_t node) { return {7, node}; }
  static MembershipPtr voters(const std::vector<std::uint64_t>& ids);
  static Command command(const std::string& bytes) { return {{}, 0, bytes}; }

 private:
  PersistWork work_of(const Start& start) const;
  std::unique_ptr<core::Core> make_core(std::uint64_t node, const Bench& from, Index applied) const;
  void carry_out(std::uint64_t node, core::Ready ready);
  void write(std::uint64_t node, const PersistWork& work);

  bool lease_reads_;
  Instant now_{std::chrono::hours(1)};
  Checkers checkers_;
  std::map<NodeId, Bench> benches_;
  std::deque<Message> network_;
};

}  // namespace raft::sim
